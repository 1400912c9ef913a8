"""Send what a service asked for, all or nothing, and once for each idempotency key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError
from notifications.signals import notify

from notifications_hub.announcements.pasted_people import NamedPeople, named_people
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.primary import from_primary
from notifications_hub.ingest.models import IngestedRequest, ServiceToken
from notifications_hub.kinds import UnknownKind
from notifications_hub.notification import Notification
from notifications_hub.notify import notify_handler
from notifications_hub.streams import EventTooLarge
from notifications_hub.system_actors import SystemActor, declared_actor
from notifications_hub.web.site_paths import own_path

MOST = 1000
"""The most notifications of a batch, and the most people of one notification."""
MOST_PEOPLE = 10_000
"""The most people of a batch, which is one transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A notification that a service wants to send, as it gave it."""

    recipients: Sequence[str]
    verb: str
    kind: str
    actor: str = ""
    description: str | None = None
    url: str = ""
    level: str = "info"
    dedupe_key: str | None = None
    group_key: str | None = None
    timestamp: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


class CannotIngest(ValueError):
    """Raised if nothing was sent. The message says why, for the service's developer."""


class OutOfScope(CannotIngest):
    """Raised for a kind that the token may not send."""


class KeyUsedOtherwise(CannotIngest):
    """Raised for an idempotency key that another request has used."""


Results = list[dict[str, Any]]
"""Per notification, the ids made, and the places of names that are `unknown` or `inactive`: no names are stored."""


def once(token: ServiceToken, key: str, fingerprint: str, send: Callable[[], Results]) -> Results:
    """Send in one transaction, and return the results. A repeated key returns the first ones and sends nothing.

    Of two requests with one key at the same time, the second waits for the first. Raise `KeyUsedOtherwise`.
    """
    with transaction.atomic():
        try:
            with transaction.atomic():
                row = IngestedRequest.objects.create(token=token, key=key, fingerprint=fingerprint)
        except IntegrityError:
            return _earlier(token, key, fingerprint)
        row.answer = answer = send()
        row.save(update_fields=["answer"])
        return answer


def _earlier(token: ServiceToken, key: str, fingerprint: str) -> Results:
    row = IngestedRequest.objects.get(token=token, key=key)
    if row.fingerprint != fingerprint:
        raise KeyUsedOtherwise("This Idempotency-Key stands for another request. Use a new key for each request.")
    return list(row.answer)


def send_all(token: ServiceToken, wanted: Sequence[Wanted]) -> Results:
    """Notify people in one transaction.

    Raise `CannotIngest`, which names the notification by its place, if one of them cannot be sent.
    """
    if sum(len(one.recipients) for one in wanted) > MOST_PEOPLE:
        raise CannotIngest(f"A batch reaches at most {MOST_PEOPLE} people: send several.")
    people = _people(wanted, token)
    with transaction.atomic():
        return [_send_at(place, token, one, people) for place, one in enumerate(wanted)]


def _send_at(place: int, token: ServiceToken, one: Wanted, people: _People) -> dict[str, Any]:
    try:
        return _send(token, one, people)
    except (UnknownKind, EventTooLarge, ValueError) as error:
        refusal = OutOfScope if isinstance(error, OutOfScope) else CannotIngest
        raise refusal(f"notifications[{place}]: {str(error).removeprefix('notify.send(): ')}") from None


@dataclass(frozen=True, slots=True)
class _People:
    """The people of a request by name, and what is wrong with the other names."""

    by_name: Mapping[str, Any]
    named: NamedPeople

    def results(self, names: Sequence[str], made: Sequence[Notification]) -> dict[str, Any]:
        inactive = set(self.named.inactive)
        # From the end, so that the first of two places stays.
        places = {name: place for place, name in reversed([*enumerate(names)]) if name not in self.by_name}
        return {
            "ids": [row.item_id for row in made],
            "unknown": sorted(place for name, place in places.items() if name not in inactive),
            "inactive": sorted(place for name, place in places.items() if name in inactive),
        }


def _people(wanted: Sequence[Wanted], token: ServiceToken) -> _People:
    """Look up all people of a request, in a few queries."""
    names = list(dict.fromkeys(name for one in wanted for name in one.recipients))
    named = named_people(names, by_email=False)
    rows = from_primary(get_user_model()._default_manager.filter(pk__in=named.by_name.values()))
    if token.group_id is not None:
        rows = rows.filter(groups=token.group_id)
    found = {person.pk: person for person in rows}
    return _People({name: found[pk] for name, pk in named.by_name.items() if pk in found}, named)


def _send(token: ServiceToken, one: Wanted, people: _People) -> dict[str, Any]:
    if one.kind not in token.kinds:
        allowed = ", ".join(token.kinds) or "none"
        raise OutOfScope(f"This token may not send the kind {one.kind!r}, only {allowed}.")
    if one.url and not own_path(one.url, hub_settings.site_url):
        raise CannotIngest("The url must be a path of this site, like '/posts/9/'.")
    recipients = [people.by_name[name] for name in dict.fromkeys(one.recipients) if name in people.by_name]
    made = _notify(token, one, recipients) if recipients else []
    return people.results(one.recipients, made)


def _notify(token: ServiceToken, one: Wanted, recipients: Sequence[Any]) -> list[Notification]:
    answers: Sequence[tuple[object, Any]] = notify.send(
        _actor(token, one.actor or token.name),
        recipient=recipients,
        verb=one.verb,
        kind=one.kind,
        description=one.description,
        url=one.url,
        level=one.level,
        dedupe_key=one.dedupe_key,
        group_key=one.group_key,
        timestamp=one.timestamp,
        data=dict(one.data),
    )
    return next((list(made) for receiver, made in answers if receiver is notify_handler), [])


def _actor(token: ServiceToken, name: str) -> SystemActor:
    """Return the actor that people read. All names of a token are one actor, which `per_minute` counts."""
    return declared_actor(name) or replace(SystemActor(name), name=f"service:{token.pk}", label=name)
