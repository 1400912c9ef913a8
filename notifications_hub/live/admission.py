"""Admission, shared by every kind of connection: parse the request, identify the person, check their rights."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from django.contrib.auth.models import AnonymousUser

from notifications_hub import audience_lists, audiences
from notifications_hub.database.primary import connection
from notifications_hub.live import connection_token, session
from notifications_hub.live.close_codes import BAD_FRAME, SESSION_OVER, Closing, refused
from notifications_hub.live.topics import INBOX, MAX_TOPICS, TopicRefused, are_public, stored_topics
from notifications_hub.live.visitor import ANONYMOUS, Credential, Visitor
from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import BadCursor, Position
from notifications_hub.users import is_pseudonym_of

Known = Mapping[str, Position]
BEGINNING = Position("", 0, 0)
"""The position before a topic's first event."""


class Refusal(Exception):
    """Raised when a connection may not open. `closing` gives the reason in the terms of the protocol."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """A client's request: `names` of topics as it writes them, and `known`, its decoded cursor (None: start from now).

    `person` is the pseudonym of the person the page was rendered for, or empty if the client sent none. `token` is a
    connection token of a client without cookies. Only polls send `visible`: whether somebody is looking at the page.
    """

    names: Sequence[str]
    known: Known | None
    person: str = ""
    visible: bool = True
    token: str = ""

    @classmethod
    def parse(cls, query: str, last_event_id: str = "") -> ConnectionRequest:
        """Parse a query string. Raise `Refusal`.

        If a client sends both, the id of its last SSE event is newer than its cursor.
        """
        try:
            fields = _fields_of(query)
        except ValueError:
            raise Refusal(BAD_FRAME) from None
        names = list(dict.fromkeys(fields.get("topic", [INBOX])))
        if len(names) > MAX_TOPICS:
            raise Refusal(BAD_FRAME)
        given = last_event_id or fields.get("cursor", [""])[0]
        known = decoded(given) if given else None
        return cls(
            names,
            known,
            person=fields.get("person", [""])[0],
            visible=fields.get("visible") != ["0"],
            token=fields.get("token", [""])[0],
        )

    def admission_request(self, credential: Credential) -> AdmissionRequest:
        return AdmissionRequest(credential, tuple(self.names), self.person)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A visitor and the topics they may listen to: as the client named them, and as they are logged."""

    visitor: Visitor
    names: tuple[str, ...]
    topics: Sequence[str]


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """A request to listen to topics, by the names a client uses.

    It is refused if the session belongs to a different person than the page (`person`): someone else signed in since.
    """

    credential: Credential
    names: tuple[str, ...]
    person: str = ""

    @property
    def may_be_anonymous(self) -> bool:
        """True if a visitor who is not signed in may make this request.

        A page of a signed-in person, or a client with a token, does not continue without its person.
        """
        return not self.person and not self.credential.token and are_public(self.names)


def start_positions(topics: Sequence[str], known: Known | None) -> tuple[dict[str, Position | None], list[str]]:
    """Return the position to read each topic from (None: now), and topics to reset because the cursor lacks them.

    A list of people that a whole cursor lacks was made after it, so everything on its topic is news.
    """
    if known is None:
        return dict.fromkeys(topics), []
    is_whole = bool(known) and not cursor.may_be_cut(known)
    positions = {
        topic: known.get(cursor.key_of(topic)) or (BEGINNING if is_whole and audience_lists.is_list(topic) else None)
        for topic in topics
    }
    return positions, [topic for topic, position in positions.items() if position is None]


def decoded(given: str) -> Known:
    """Decode a cursor. Raise `Refusal` if it is malformed."""
    try:
        return cursor.decode(given)
    except BadCursor:
        raise Refusal(BAD_FRAME) from None


def sends_token(scope: Mapping[str, Any]) -> bool:
    """Return whether a client sends a connection token, valid or not, in place of a cookie."""
    in_query = ""
    with suppress(ValueError):
        in_query = _fields_of(scope["query_string"].decode("latin1")).get("token", [""])[0]
    return bool(credential_of(scope, in_query).token)


def _fields_of(query: str) -> dict[str, list[str]]:
    return parse_qs(query, keep_blank_values=True, max_num_fields=2 * MAX_TOPICS)


def credential_of(scope: Mapping[str, Any], token: str) -> Credential:
    """Return the credential of an ASGI scope. `token` is the one in its query. A token takes the place of a cookie."""
    headers = scope["headers"]
    authorization = next((value.decode("latin1") for name, value in headers if name.lower() == b"authorization"), "")
    if token := connection_token.token_of(authorization, token):
        return Credential(token=token)
    return Credential(session.session_key_of(headers))


def admit(asked: AdmissionRequest) -> Admitted:
    """Admit one visitor, or raise `Refusal`. This queries the database: run it in a thread."""
    [answer] = admit_many([asked])
    if isinstance(answer, Exception):
        raise answer
    return answer


def admit_many(asked: Sequence[AdmissionRequest]) -> list[Admitted | Exception]:
    """Return one answer per request, in order: the admission, a `Refusal`, or the exception that a host's rule raised.

    A batch of any size takes one query for sessions, one for people and one for groups. Rules run per request, but only
    once for anonymous visitors who ask for the same.
    """
    visitors = identify_many([one.credential for one in asked])
    people = {visitor.person.pk: visitor.person for visitor in visitors if visitor and visitor.credential}
    audiences.look_up(people.values())
    by_nobody = {one for one in asked if not one.credential}
    anonymous = {one: _admit(_nobody(), one) for one in by_nobody}
    return [anonymous.get(one) or _admit(visitor, one) for visitor, one in zip(visitors, asked, strict=True)]


def identify_many(credentials: Sequence[Credential]) -> list[Visitor | None]:
    """Return the visitor of each credential, or None if it is invalid or over. Sessions and tokens are two batches."""
    session_keys = [one.session_key for one in credentials if one.session_key and not one.token]
    tokens = [one.token for one in credentials if one.token]
    signed_in = dict(zip(session_keys, session.check_many(session_keys), strict=True)) if session_keys else {}
    by_token = dict(zip(tokens, connection_token.check_many(tokens), strict=True)) if tokens else {}
    return [
        by_token[one.token] if one.token else signed_in[one.session_key] if one.session_key else _nobody()
        for one in credentials
    ]


def _nobody() -> Visitor:
    return Visitor(AnonymousUser(), ANONYMOUS, at=time.monotonic())


def _admit(visitor: Visitor | None, asked: AdmissionRequest) -> Admitted | Exception:
    if visitor is None or (asked.person and not is_pseudonym_of(asked.person, visitor.person.pk)):
        return Refusal(SESSION_OVER)
    if not visitor.credential and not are_public(asked.names):
        # One answer for every name that is not public, so that nobody learns which topics exist.
        return Refusal(SESSION_OVER)
    if visitor.topics is not None and (other := next((name for name in asked.names if name not in visitor.topics), "")):
        return Refusal(refused(other))
    try:
        return Admitted(visitor, asked.names, stored_topics(visitor.person, asked.names))
    except TopicRefused as refusal:
        return Refusal(refused(refusal.topic))
    except Exception as fault:
        # A rule is the host's code: its fault concerns only this request. A broken connection fails the whole batch.
        if not connection.is_usable():
            raise
        return fault
