"""Acknowledgements of open pages: mark what they showed as delivered, and cancel its planned deliveries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from notifications_hub.announcements.models import Announcement
from notifications_hub.audiences import is_audience
from notifications_hub.delivery.arming import _change, mark_delivered
from notifications_hub.delivery.models import DeliveredThrough
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream, inbox_topic, item_key

_WIDE = 200
"""Events. A page that has long been open, and that acknowledges by HTTP, names the same ones again each time."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A visible page showed a person everything in (start, seq] of topics: of their own inbox, or of audiences."""

    person_pk: Any
    positions: Mapping[str, Position]


def acknowledge(person_pk: Any, positions: Mapping[str, Position]) -> None:
    acknowledge_many([Acknowledgement(person_pk, positions)])


def acknowledge_many(shown: Sequence[Acknowledgement]) -> list[None]:
    """Record what many pages showed.

    All their inboxes cost the statements of one, and one more for each wide range. So do all the people at the same
    position of an audience.
    """
    inboxes: list[tuple[Any, Position]] = []
    announced: dict[tuple[str, Position], list[Any]] = {}
    for person_pk, topic, position in _of_this_epoch(shown):
        if topic == inbox_topic(person_pk):
            inboxes.append((person_pk, position))
        elif is_audience(topic):
            announced.setdefault((topic, position), []).append(person_pk)
    if inboxes:
        _acknowledge_inboxes(inboxes)
    for (topic, position), people in announced.items():
        _acknowledge_audience(people, topic, position)
    return [None] * len(shown)


def _of_this_epoch(shown: Sequence[Acknowledgement]) -> list[tuple[Any, str, Position]]:
    """Leave out empty ranges, and numbers of another epoch: those name other events, which no page showed."""
    ranges = [
        (one.person_pk, topic, position)
        for one in shown
        for topic, position in one.positions.items()
        if position.seq > position.start
    ]
    topics = {topic for _person, topic, _position in ranges}
    epochs = dict(Stream.objects.filter(topic__in=topics).values_list("topic", "epoch")) if topics else {}
    return [one for one in ranges if one[2].epoch == epochs.get(one[1])]


def _acknowledge_inboxes(shown: Sequence[tuple[Any, Position]]) -> None:
    # Go from events to rows: a page gets few events, while a person may have any number of undelivered rows.
    ranges = [one for person, position in shown if (one := _created(person, position)) is not None]
    if not ranges:
        return
    created = Event.objects.filter(reduce(or_, ranges), kind="notification.created")
    named = created.annotate(named=Cast(KeyTextTransform("id", "data"), models.TextField()))
    displayed = set(named.values_list("topic", "named"))
    # Rows without a toast only changed the count, which notifies nobody.
    undelivered = Notification.objects.filter(
        pk__in={item for _topic, item in displayed}, delivered_at=None, toast=True
    )
    by_event = {(inbox_topic(person), str(pk)): pk for pk, person in undelivered.values_list("pk", "recipient_id")}
    if delivered := [pk for event, pk in by_event.items() if event in displayed]:
        mark_delivered(delivered, DeliveryMethod.LIVE)


def _created(person: Any, position: Position) -> models.Q | None:
    """Select the events in the range whose notifications may be undelivered. Return None if there are none."""
    topic = inbox_topic(person)
    created = models.Q(topic=topic, seq__gt=position.start, seq__lte=position.seq)
    if position.seq - position.start <= _WIDE:
        return created
    undelivered = _newest_undelivered(person)
    if len(undelivered) > _WIDE:
        return created
    items = [item_key("notification", pk) for pk in undelivered]
    return created & models.Q(item__in=items) if items else None


def _newest_undelivered(person: Any) -> list[int]:
    """Return up to one more than `_WIDE`, without read ones: reading has cancelled their deliveries."""
    rows = Notification.objects.unread().filter(recipient=person, announcement=None, delivered_at=None)
    # As the index `hub_undelivered` has them, and no other.
    return list(rows.order_by("flash", "archived_at", "-pk").values_list("pk", flat=True)[: _WIDE + 1])


def _acknowledge_audience(people: Collection[Any], topic: str, position: Position) -> None:
    Announcement.objects.filter(audience=topic).record_numbers()
    announced = Announcement.objects.filter(audience=topic).order_by("-seq").values_list("seq", flat=True)
    last = announced.filter(seq__gt=position.start, seq__lte=position.seq).first()
    if last is None:
        return
    start = announced.filter(seq__lte=position.start).first() or 0
    # Numbers only rise, so the tab that is behind changes nothing. Rows are written in one order, because two hubs'
    # batches may hold the same people.
    theirs = DeliveredThrough.objects.filter(person__in=people, topic=topic, start__lte=start, seq__gte=start)
    first = set(people) - set(theirs.values_list("person", flat=True))
    rows = [DeliveredThrough(person_id=pk, topic=topic, start=start, seq=last) for pk in sorted(first)]
    DeliveredThrough.objects.bulk_create(rows, ignore_conflicts=True)
    _change(theirs.filter(seq__lt=last), seq=last)
