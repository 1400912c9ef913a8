"""One row a notification, transport and address: when it is due, how it went and why.

Rows are the queue. They are armed in the transaction that makes the notification, due when pages have had their time
to acknowledge; an acknowledgement disarms them. Those of people who are away are brought forward after the commit. How
workers take them and write what became of them is in `claiming.py`.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from notifications_hub.conf import hub_settings
from notifications_hub.cursor import Position
from notifications_hub.events import Event, Stream, inbox_topic
from notifications_hub.kinds import Kind, Road, get_kind, road_name
from notifications_hub.notification import Notification
from notifications_hub.people import Person

AWAY_SECONDS = 3.0
"""What a push waits for that is brought forward: a page that is left may be followed by the next one."""
PROMPT_SECONDS = 1.0
"""A commit within this of the arming leaves pages enough of their time."""


class State(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class Delivery(models.Model):
    notification = models.ForeignKey(
        settings.NOTIFICATIONS_NOTIFICATION_MODEL, on_delete=models.CASCADE, related_name="deliveries"
    )
    transport = models.CharField(_("transport"), max_length=20)
    address = models.CharField(_("address"), max_length=255)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(_("reason"), max_length=255, blank=True)
    due_at = models.DateTimeField(_("due"))
    claim = models.UUIDField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    trail = models.JSONField(_("trail"), default=list, help_text=_("One entry an attempt: when, and how it went."))
    created = models.DateTimeField(_("created"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta:
        app_label = "notifications_hub"
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["notification", "transport", "address"], name="hub_delivery_once")
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="hub_delivery_due")]

    def __str__(self) -> str:
        return f"{road_name(self.transport)}: {self.get_state_display()}"


class Preference(models.Model):
    """By which roads a person wants to hear of a kind. No row: the kind's own defaults."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=100)
    roads = models.JSONField(default=list)

    class Meta:
        app_label = "notifications_hub"
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="hub_preference_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.roads)}"


class ToldThrough(models.Model):
    """A person's pages have shown the announcements of an audience after `start`, through `seq`.

    One row, however many there were, and a further one for each time that some came which no page showed. `start` and
    `seq` are those of announcements (or 0), so what else is logged on the topic starts no row.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    topic = models.CharField(max_length=200)
    start = models.BigIntegerField()
    seq = models.BigIntegerField()

    class Meta:
        app_label = "notifications_hub"
        constraints = [models.UniqueConstraint(fields=["person", "topic", "start"], name="hub_told_through_once")]

    def __str__(self) -> str:
        return f"{self.topic} from {self.start} through {self.seq}"


# Who wants what


def roads_of(people: Collection[Any], kind: Kind) -> dict[Any, frozenset[Road]]:
    """Primary key of a person to the roads they chose for a kind. One query."""
    chosen = dict(Preference.objects.filter(person__in=people, kind=kind.name).values_list("person", "roads"))
    return {pk: _as_roads(chosen[pk]) if pk in chosen else kind.roads for pk in people}


def roads_by_kind(person: Person) -> dict[str, frozenset[Road]]:
    """What a person chose; a kind that is not in it has its own defaults."""
    chosen = Preference.objects.filter(person=person).values_list("kind", "roads")
    return {kind: _as_roads(roads) for kind, roads in chosen}


def choose_roads(person: Person, kind_name: str, roads: Iterable[Road]) -> None:
    """Raises `UnknownKind`."""
    kind = get_kind(kind_name)
    values = sorted(road.value for road in roads)
    Preference.objects.update_or_create(person=person, kind=kind.name, defaults={"roads": values})


def _as_roads(values: Iterable[str]) -> frozenset[Road]:
    # Not `in Road`: before Python 3.12 an enum refuses to be asked for a value.
    return frozenset(road for road in Road if road.value in set(values))


# Arming and disarming


armed = Signal()
"""Sent with `notifications`, the primary keys of those with deliveries, after their commit. A hint and no more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be sent unless a page tells the person first."""

    notification_pk: int
    transport: str
    address: str


def arm(plans: Iterable[Plan]) -> None:
    """In the caller's transaction: a push that is planned is as sure as the notification itself."""
    due = Now() + timedelta(seconds=hub_settings.ack_window)
    rows = [
        Delivery(notification_id=plan.notification_pk, transport=plan.transport, address=plan.address[:255], due_at=due)
        for plan in plans
    ]
    if rows:
        Delivery.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
        ids = {row.notification_id for row in rows}
        transaction.on_commit(partial(_committed, ids, armed_at=time.monotonic()), robust=True)


def _committed(notifications: Collection[int], *, armed_at: float) -> None:
    # After a transaction that took long, pages would have next to no time to show and acknowledge.
    if time.monotonic() - armed_at > PROMPT_SECONDS:
        _unclaimed(notifications).update(due_at=Now() + timedelta(seconds=hub_settings.ack_window))
    armed.send_robust(sender=Delivery, notifications=notifications)


def bring_forward(notifications: Collection[int]) -> int:
    """For people who are surely away: nobody is going to acknowledge. Gives how many deliveries."""
    soon = Now() + timedelta(seconds=AWAY_SECONDS)
    return _unclaimed(notifications).filter(attempts=0, due_at__gt=soon).update(due_at=soon)


def disarm(notifications: Collection[int], reason: str) -> int:
    """Cancels what no worker has claimed yet; what is being sent cannot be called back."""
    now = datetime.now(UTC)
    return _unclaimed(notifications).update(state=State.CANCELLED, reason=reason, settled_at=now)


def _unclaimed(notifications: Collection[int]) -> models.QuerySet[Delivery]:
    return Delivery.objects.filter(notification__in=notifications, state=State.WAITING, claim=None)


def tell(notifications: Collection[int], road: Road) -> list[int]:
    """Records that a road reached the person. Gives those that no other road had told."""
    with transaction.atomic():
        told = Notification.objects.filter(pk__in=notifications).mark_as_told(road)
        disarm(notifications, f"told by {road.value}")
        return told


@dataclass(frozen=True, slots=True)
class Shown:
    """A visible page showed a person everything in (start, seq] of topics: of their own inbox, or of audiences."""

    person_pk: Any
    positions: Mapping[str, Position]


def acknowledge(person_pk: Any, positions: Mapping[str, Position]) -> None:
    acknowledge_many([Shown(person_pk, positions)])


def acknowledge_many(shown: Sequence[Shown]) -> list[None]:
    """What many pages showed. All their inboxes cost the statements of one, and so does each place in an audience."""
    inboxes: list[tuple[Any, Position]] = []
    audiences: dict[tuple[str, Position], list[Any]] = {}
    epochs = _epochs({topic for one in shown for topic in one.positions})
    for one in shown:
        for topic, position in one.positions.items():
            if position.seq == position.start or position.epoch != epochs.get(topic):
                continue
            if topic == inbox_topic(one.person_pk):
                inboxes.append((one.person_pk, position))
            else:
                audiences.setdefault((topic, position), []).append(one.person_pk)
    if inboxes:
        _acknowledge_inboxes(inboxes)
    for (topic, position), people in audiences.items():
        _acknowledge_audience(people, topic, position)
    return [None] * len(shown)


def _epochs(topics: Collection[str]) -> dict[str, str]:
    # Numbers of another epoch name other events, which no page showed.
    return dict(Stream.objects.filter(topic__in=topics).values_list("topic", "epoch"))


def _acknowledge_inboxes(shown: Sequence[tuple[Any, Position]]) -> None:
    # What has no toast was only counted, which tells nobody anything.
    untold = Notification.objects.filter(recipient__in={person for person, _ in shown}, told_at=None, toast=True)
    waiting = {(inbox_topic(person), str(pk)): pk for person, pk in untold.values_list("recipient_id", "pk")}
    topics = {topic for topic, _item in waiting}
    ranges = [
        models.Q(topic=inbox_topic(person), seq__gt=position.start, seq__lte=position.seq)
        for person, position in shown
        if inbox_topic(person) in topics
    ]
    if not ranges:
        return
    created = Event.objects.filter(reduce(or_, ranges), kind="notification.created")
    named = created.annotate(named=Cast(KeyTextTransform("id", "data"), models.TextField()))
    items = named.filter(named__in={item for _topic, item in waiting})
    if told := [waiting[place] for place in items.values_list("topic", "named") if place in waiting]:
        tell(told, Road.LIVE)


def _acknowledge_audience(people: Collection[Any], topic: str, position: Position) -> None:
    announced = _announced(topic, "announcement.created").order_by("-seq").values_list("seq", flat=True)
    last = announced.filter(seq__gt=position.start, seq__lte=position.seq).first()
    if last is None:
        return
    start = announced.filter(seq__lte=position.start).first() or 0
    # Only ever upwards, and without a lock: of two tabs the one that is behind changes nothing.
    theirs = ToldThrough.objects.filter(person__in=people, topic=topic, start__lte=start, seq__gte=start)
    first = set(people) - set(theirs.values_list("person", flat=True))
    rows = [ToldThrough(person_id=pk, topic=topic, start=start, seq=last) for pk in first]
    ToldThrough.objects.bulk_create(rows, ignore_conflicts=True)
    theirs.filter(seq__lt=last).update(seq=last)


def _announced(topic: str, kind: str) -> models.QuerySet[Event]:
    return Event.objects.filter(topic=topic, kind=kind)
