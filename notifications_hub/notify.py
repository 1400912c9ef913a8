"""Who is told: what `notify.send()` does.

In the caller's transaction, for a thousand people at a time: the notification rows, an event for each open page, and
an armed delivery for each address of each road that its person chose. Nothing is sent here.

    NotifyError (ValueError)
    ├── BadRecipient    not a saved person, or not something that holds people
    ├── BadArgument     an actor, target, level, verb or link that cannot be stored
    └── kinds.UnknownKind has its own place: beside the kinds
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, models, transaction
from django.db.models import Count
from django.utils import timezone
from notifications.signals import notify

from notifications_hub import delivery
from notifications_hub.delivery import Plan
from notifications_hub.events import as_json
from notifications_hub.kinds import Kind, Road, get_kind
from notifications_hub.notification import Notification, emit_items
from notifications_hub.paths import same_site_path
from notifications_hub.transports import addresses_of, get_transport, transport_names

CHUNK = 1000
MAX_NAME = 255
MINUTE = timedelta(minutes=1)
MAX_KEY = 200
_CONCRETE = "_for_concrete_model"

log = logging.getLogger(__name__)


class NotifyError(ValueError):
    pass


class BadRecipient(NotifyError):
    pass


class BadArgument(NotifyError):
    pass


def notify_handler(verb: str, *, sender: models.Model, recipient: object, **given: Any) -> list[Notification]:
    """Receiver of `notifications.signals.notify`; takes every argument that django-notifications documents.

    `recipient` is a person, a group, or a list, tuple, generator or queryset of people. Duplicates and inactive people
    are left out; one who is not a saved person means that nothing is stored. `data` and keywords that are no argument
    are kept as data. What goes beyond the kind's `per_minute` is dropped, and logged. Gives the notifications that were
    made. Raises `NotifyError`, `UnknownKind`, and `EventTooLarge` where all of it together is more than a page should
    be sent.
    """
    given.pop("signal", None)
    draft = _draft(verb, sender, given)
    made: list[Notification] = []
    with transaction.atomic():
        for people in _chunks(_in_order(_active(recipient), draft)):
            made += _notify(draft, people)
    return made


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """Everything about a notification but its person."""

    kind: Kind
    columns: dict[str, Any]
    dedupe_key: str | None

    def row(self, person: Any, roads: frozenset[Road]) -> Notification:
        return Notification(
            recipient=person,
            dedupe_key=self.dedupe_key,
            toast=Road.LIVE in roads,
            flash=Road.FLASH in roads,
            **self.columns,
        )


# What is told


def _draft(verb: object, actor: object, given: dict[str, Any]) -> _Draft:
    kind = get_kind(given.pop("kind", "default"))
    columns: dict[str, Any] = {
        "kind": kind.name,
        "verb": _text("verb", verb, MAX_NAME),
        "level": _level(given.pop("level", "info")),
        "url": _path(given.pop("url", None)),
        "description": _description(given.pop("description", None)),
        "public": bool(given.pop("public", True)),
        "timestamp": _timestamp(given.pop("timestamp", None)),
    }
    objects = {"actor": actor, "target": given.pop("target", None), "action_object": given.pop("action_object", None)}
    for name, value in objects.items():
        concrete = bool(given.pop(name + _CONCRETE, True))
        if value is not None or name == "actor":
            columns |= _generic(name, value, concrete=concrete)
    columns["actor_name"] = str(actor)[:MAX_NAME]
    columns["target_name"] = "" if objects["target"] is None else str(objects["target"])[:MAX_NAME]
    dedupe_key = given.pop("dedupe_key", None)
    if dedupe_key is not None:
        dedupe_key = _text("dedupe_key", dedupe_key, MAX_KEY)
    columns["data"] = _data(given.pop("data", None), given)
    return _Draft(kind=kind, columns=columns, dedupe_key=dedupe_key)


def _generic(name: str, value: object, *, concrete: bool) -> dict[str, Any]:
    if not isinstance(value, models.Model):
        raise BadArgument(f"notify.send(): the {name} must be a saved model instance, not {value!r}.")
    if _is_unsaved(value):
        raise BadArgument(f"notify.send(): the {name} {value!r} is not saved yet; save it first.")
    content_type = ContentType.objects.get_for_model(value, for_concrete_model=concrete)
    return {f"{name}_content_type": content_type, f"{name}_object_id": str(value.pk)}


def _is_unsaved(instance: models.Model) -> bool:
    # A UUID is there before the row is.
    return instance.pk is None or instance._state.adding


def _text(name: str, value: object, longest: int) -> str:
    text = _storable(name, str(value))
    if not text.strip() or len(text) > longest:
        raise BadArgument(f"notify.send(): the {name} has 1 to {longest} characters, not {len(text)}.")
    return text


def _description(value: object) -> str | None:
    return None if value is None else _storable("description", str(value))


def _storable(name: str, text: str) -> str:
    try:
        as_json(text)
    except ValueError as error:
        raise BadArgument(f"notify.send(): the {name} cannot be stored: {error}.") from None
    return text


def _level(level: object) -> str:
    if level not in Notification.LEVELS.values:
        raise BadArgument(f"notify.send(): the level is one of {', '.join(Notification.LEVELS.values)}, not {level!r}.")
    return str(level)


def _path(url: object) -> str:
    try:
        return _storable("url", same_site_path(str(url or "")))
    except NotifyError:
        raise
    except ValueError as error:
        raise BadArgument(f"notify.send(): {error}") from None


def _timestamp(moment: object) -> datetime:
    if moment is None:
        return datetime.now(UTC)
    if not isinstance(moment, datetime):
        raise BadArgument(f"notify.send(): the timestamp is a datetime, not {moment!r}.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _data(data: object, extra: Mapping[str, Any]) -> dict[str, Any]:
    """As it will be read back, so that a kind renders the same words at once and later."""
    if not isinstance(data, Mapping | None):
        raise BadArgument(f"notify.send(): the data is a dict, not {data!r}.")
    kept: dict[str, Any] = {}
    for key, value in {**(data or {}), **extra}.items():
        try:
            kept |= json.loads(as_json({key: value}))
        except (TypeError, ValueError) as error:
            raise BadArgument(f"notify.send(): the data {key!r} cannot be kept as JSON: {error}.") from None
    return kept


# Who is told


def _active(recipient: object) -> Iterator[Any]:
    """Each active person once. Raises `BadRecipient`."""
    known = set()
    for person in _people(recipient):
        if not isinstance(person, get_user_model()) or _is_unsaved(person):
            raise BadRecipient(f"notify.send(): {person!r} is not a saved person; nobody was notified.")
        if person.is_active and person.pk not in known:
            known.add(person.pk)
            yield person


def _in_order(people: Iterator[Any], draft: _Draft) -> Iterator[Any]:
    # Of two senders with one key the second waits for the first at each person; in opposite orders they would deadlock.
    return people if draft.dedupe_key is None else iter(sorted(people, key=attrgetter("pk")))


def _people(recipient: object) -> Iterable[Any]:
    if isinstance(recipient, Group):
        if recipient.pk is None:
            raise BadRecipient(f"notify.send(): the group {recipient!r} is not saved; nobody was notified.")
        return get_user_model()._default_manager.filter(groups=recipient).order_by("pk").iterator(CHUNK)
    if isinstance(recipient, models.QuerySet):
        return recipient.iterator(CHUNK)
    if isinstance(recipient, Iterable) and not isinstance(recipient, (str, bytes, models.Model)):
        return recipient
    return [recipient]


def _chunks(people: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(people, CHUNK)):
        yield chunk


def _notify(draft: _Draft, people: Sequence[Any]) -> list[Notification]:
    if draft.dedupe_key is not None:
        people = _not_told_yet(draft.dedupe_key, people)
    if draft.kind.per_minute is not None:
        people = _not_flooded(draft, draft.kind.per_minute, people)
    roads = delivery.roads_of([person.pk for person in people], draft.kind)
    rows = [draft.row(person, roads[person.pk]) for person in people]
    made = _insert(rows)
    emit_items("notification.created", made)
    delivery.arm(_plans(made, roads))
    return made


def _not_told_yet(dedupe_key: str, people: Sequence[Any]) -> list[Any]:
    told = Notification.objects.filter(recipient__in=people, dedupe_key=dedupe_key)
    known = set(told.values_list("recipient", flat=True))
    return [person for person in people if person.pk not in known]


def _not_flooded(draft: _Draft, most: int, people: Sequence[Any]) -> list[Any]:
    """Leave out those to whom this actor has sent as many of the kind within a minute.

    One query, by the index of inboxes. Only what is committed counts, so parallel senders may each add one more.
    """
    at = draft.columns["timestamp"]
    actor = {name: draft.columns[name] for name in ("actor_content_type", "actor_object_id")}
    recent = Notification.objects.filter(
        recipient__in=people, kind=draft.kind.name, timestamp__gt=at - MINUTE, timestamp__lt=at + MINUTE, **actor
    )
    counts = recent.order_by().values("recipient").annotate(number=Count("pk"))
    flooded = set(counts.filter(number__gte=most).values_list("recipient", flat=True))
    if flooded:
        log.warning("%s: %d people have had %d from one actor within a minute", draft.kind.name, len(flooded), most)
    return [person for person in people if person.pk not in flooded]


def _insert(rows: list[Notification]) -> list[Notification]:
    if not rows or rows[0].dedupe_key is None:
        return Notification.objects.bulk_create(rows)
    try:
        with transaction.atomic():
            return Notification.objects.bulk_create(rows)
    except IntegrityError:
        # Another sender came between the look and the insert; one by one, the constraint says who was first.
        return [row for row in rows if _is_first(row)]


def _is_first(row: Notification) -> bool:
    try:
        with transaction.atomic():
            row.pk = None
            row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _plans(made: Sequence[Notification], roads: dict[Any, frozenset[Road]]) -> Iterator[Plan]:
    of_person = {row.recipient_id: row for row in made}
    for name in transport_names():
        wanting = [row.recipient for row in made if name in roads[row.recipient_id]]
        for pk, addresses in addresses_of(get_transport(name), wanting).items():
            for address in addresses:
                yield Plan(notification_pk=of_person[pk].pk, transport=name, address=address)


def take_over_signal() -> None:
    """Puts our receiver in place of the package's own, whichever app was set up first.

    A second receiver under the same `dispatch_uid` is ignored, so theirs stays out if it comes later.
    """
    uid = "notifications.models.notification"
    notify.disconnect(dispatch_uid=uid)
    notify.connect(notify_handler, dispatch_uid=uid)
