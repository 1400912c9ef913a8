"""Admission, shared by every kind of connection: parse the request, identify the person, check their rights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from notifications_hub import audiences
from notifications_hub.database.primary import connection
from notifications_hub.live.close_codes import BAD_FRAME, SESSION_OVER, Closing, refused
from notifications_hub.live.session import SignedIn, check_many
from notifications_hub.live.topics import INBOX, MAX_TOPICS, TopicRefused, stored_topics
from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import BadCursor, Position
from notifications_hub.users import is_pseudonym_of

Known = Mapping[str, Position]


class Refusal(Exception):
    """Raised when a connection may not open. `closing` gives the reason in the terms of the protocol."""

    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """A client's request: `names` of topics as it writes them, and `known`, its decoded cursor (None: start from now).

    `person` is the pseudonym of the person the page was rendered for, or empty if the client sent none.
    Only polls send `visible`: whether somebody is looking at the page.
    """

    names: Sequence[str]
    known: Known | None
    person: str = ""
    visible: bool = True

    @classmethod
    def parse(cls, query: str, last_event_id: str = "") -> ConnectionRequest:
        """Parse a query string. Raise `Refusal`.

        If a client sends both, the id of its last SSE event is newer than its cursor.
        """
        try:
            fields = parse_qs(query, keep_blank_values=True, max_num_fields=2 * MAX_TOPICS)
        except ValueError:
            raise Refusal(BAD_FRAME) from None
        names = list(dict.fromkeys(fields.get("topic", [INBOX])))
        if len(names) > MAX_TOPICS:
            raise Refusal(BAD_FRAME)
        given = last_event_id or fields.get("cursor", [""])[0]
        known = decoded(given) if given else None
        return cls(names, known, person=fields.get("person", [""])[0], visible=fields.get("visible") != ["0"])

    def admission_request(self, session_key: str) -> AdmissionRequest:
        return AdmissionRequest(session_key, tuple(self.names), self.person)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A visitor and the topics they may listen to: as the client named them, and as they are logged."""

    visitor: SignedIn
    names: tuple[str, ...]
    topics: Sequence[str]


@dataclass(frozen=True, slots=True)
class AdmissionRequest:
    """A request to listen to topics, by the names a client uses.

    It is refused if the session belongs to a different person than the page (`person`): someone else signed in since.
    """

    session_key: str
    names: tuple[str, ...]
    person: str = ""


def start_positions(topics: Sequence[str], known: Known | None) -> tuple[dict[str, Position | None], list[str]]:
    """Return the position to read each topic from (None: now), and topics to reset because the cursor lacks them."""
    if known is None:
        return dict.fromkeys(topics), []
    positions = {topic: known.get(cursor.key_of(topic)) for topic in topics}
    return positions, [topic for topic, position in positions.items() if position is None]


def decoded(given: str) -> Known:
    """Decode a cursor. Raise `Refusal` if it is malformed."""
    try:
        return cursor.decode(given)
    except BadCursor:
        raise Refusal(BAD_FRAME) from None


def admit(session_key: str, names: Sequence[str], person: str = "") -> Admitted:
    """Admit one visitor, or raise `Refusal`. This queries the database: run it in a thread."""
    [answer] = admit_many([AdmissionRequest(session_key, tuple(names), person)])
    if isinstance(answer, Exception):
        raise answer
    return answer


def admit_many(asked: Sequence[AdmissionRequest]) -> list[Admitted | Exception]:
    """Return one answer per request, in order: the admission, a `Refusal`, or the exception that a host's rule raised.

    A batch of any size takes one query for sessions, one for people and one for groups. Rules run per request.
    """
    visitors = check_many([one.session_key for one in asked])
    audiences.look_up({visitor.person.pk: visitor.person for visitor in visitors if visitor}.values())
    return [_admit(visitor, one) for visitor, one in zip(visitors, asked, strict=True)]


def _admit(visitor: SignedIn | None, asked: AdmissionRequest) -> Admitted | Exception:
    if visitor is None or (asked.person and not is_pseudonym_of(asked.person, visitor.person.pk)):
        return Refusal(SESSION_OVER)
    try:
        return Admitted(visitor, asked.names, stored_topics(visitor.person, asked.names))
    except TopicRefused as refusal:
        return Refusal(refused(refusal.topic))
    except Exception as fault:
        # A rule is the host's code: its fault concerns only this request. A broken connection fails the whole batch.
        if not connection.is_usable():
            raise
        return fault
