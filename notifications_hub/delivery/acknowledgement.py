"""Acknowledgements of open pages: mark what they showed as delivered, and cancel its planned deliveries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.tallies import tally_live
from notifications_hub.audiences import is_audience
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import connection
from notifications_hub.delivery.arming import mark_delivered
from notifications_hub.delivery.models import DeliveredThrough
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream, inbox_topic, item_key

_ROWS = 1000
"""The most rows of one statement."""
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
    with transaction.atomic():
        _tally(_extend(people, topic, start, last), topic, start, last)


@dataclass(frozen=True, slots=True)
class _Extended:
    """A person to whom a page has shown something new, and the ranges that it had shown before."""

    person: Any
    ranges: Sequence[tuple[int, int]]

    def is_new(self, seq: int) -> bool:
        return not any(start < seq <= through for start, through in self.ranges)


def _extend(people: Collection[Any], topic: str, start: int, last: int) -> list[_Extended]:
    """Make the range (start, last] of each person, or extend the one that holds `start`."""
    theirs = DeliveredThrough.objects.filter(person__in=people, topic=topic, seq__gte=start)
    joining = theirs.filter(start__lte=start)
    first = set(people) - set(joining.values_list("person", flat=True))
    inserted = set(_insert(sorted(first), topic, start, last))
    # After the insert, as another batch may have inserted a shorter range meanwhile. Numbers only rise, so the tab that
    # is behind changes nothing. Rows are written in one order, because two hubs' batches may hold the same people.
    behind = joining.filter(seq__lt=last).order_by("pk").select_for_update(no_key=True)
    extended = dict(behind.values_list("pk", "person"))
    new = inserted.union(extended.values())
    before: dict[Any, list[tuple[int, int]]] = {}
    # Read after the lock, for the same reason.
    for person, begin, through in theirs.values_list("person", "start", "seq") if new else []:
        if person not in inserted or begin != start:
            before.setdefault(person, []).append((begin, through))
    if extended:
        DeliveredThrough.objects.filter(pk__in=extended).update(seq=last)
    return [_Extended(person, before.get(person, [])) for person in new]


_INSERT = """
    INSERT INTO notifications_hub_deliveredthrough (person_id, topic, start, seq) VALUES {rows}
    ON CONFLICT DO NOTHING RETURNING person_id
"""


def _insert(people: Sequence[Any], topic: str, start: int, last: int) -> list[Any]:
    """Insert a range of each person. Return those whose range another batch has not inserted meanwhile."""
    field = DeliveredThrough._meta.get_field("person")
    inserted: list[Any] = []
    with connection.cursor() as sql:
        for some in chunks(people, _ROWS):
            rows = [(field.get_db_prep_value(pk, connection), topic, start, last) for pk in some]
            statement = _INSERT.format(rows=", ".join(["(%s, %s, %s, %s)"] * len(rows)))
            sql.execute(statement, [value for row in rows for value in row])
            inserted += [field.target_field.to_python(pk) for (pk,) in sql.fetchall()]
    return inserted


def _tally(extended: Sequence[_Extended], topic: str, start: int, last: int) -> None:
    """Count the people whom no other delivery method had reached before."""
    if not extended:
        return
    shown = Announcement.objects.current().filter(audience=topic, seq__gt=start, seq__lte=last).only("seq", "methods")
    toasts = [one for one in shown if one.has_toast()]
    if not toasts:
        return
    reached = Notification.objects.filter(
        announcement__in=toasts, recipient__in=[one.person for one in extended], delivered_at__isnull=False
    )
    others = set(reached.values_list("announcement", "recipient"))
    people = {
        one.pk: sum(
            who.is_new(seq) and (one.pk, who.person) not in others for who in extended if (seq := one.seq) is not None
        )
        for one in toasts
    }
    tally_live(people, datetime.now(UTC))
