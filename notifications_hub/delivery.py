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
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Now
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from notifications_hub import transaction
from notifications_hub.announcements.models import Announcement
from notifications_hub.audiences import is_audience
from notifications_hub.conf import hub_settings
from notifications_hub.cursor import Position
from notifications_hub.events import Event, Stream, inbox_topic
from notifications_hub.kinds import Kind, Road, get_kind, road_name
from notifications_hub.notification import Notification
from notifications_hub.people import Person
from notifications_hub.primary import HubModel

AWAY_SECONDS = 3.0
"""What a push waits for that is brought forward: a page that is left may be followed by the next one."""
PROMPT_SECONDS = 1.0
"""A commit within this of the writing leaves pages enough of their time."""


class State(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class Delivery(HubModel):
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

    class Meta(HubModel.Meta):
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["notification", "transport", "address"], name="hub_delivery_once")
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="hub_delivery_due")]

    def __str__(self) -> str:
        return f"{road_name(self.transport)}: {self.get_state_display()}"


class Preference(HubModel):
    """By which roads a person wants to hear of a kind. No row: the kind's own defaults."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=100)
    roads = models.JSONField(default=list)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="hub_preference_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.roads)}"


class ToldThrough(HubModel):
    """A person's pages have shown the announcements of an audience after `start`, through `seq`.

    One row, however many there were, and a further one for each time that some came which no page showed. `start` and
    `seq` are those of announcements (or 0), so what else is logged on the topic starts no row.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    topic = models.CharField(max_length=200)
    start = models.BigIntegerField()
    seq = models.BigIntegerField()

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "topic", "start"], name="hub_told_through_once")]

    def __str__(self) -> str:
        return f"{self.topic} from {self.start} through {self.seq}"


# Who wants what


def roads_of(people: Collection[Any], kind: Kind) -> dict[Any, frozenset[str]]:
    """Primary key of a person to the roads they chose for a kind. One query."""
    chosen = dict(Preference.objects.filter(person__in=people, kind=kind.name).values_list("person", "roads"))
    return {pk: frozenset(chosen.get(pk, kind.roads)) for pk in people}


def roads_by_kind(person: Person) -> dict[str, frozenset[str]]:
    """What a person chose; a kind that is not in it has its own defaults."""
    chosen = Preference.objects.filter(person=person).values_list("kind", "roads")
    return {kind: frozenset(roads) for kind, roads in chosen}


def choose_roads(person: Person, kind_name: str, roads: Iterable[str]) -> None:
    """Store a choice, also of a road that no transport serves at the moment. Raises `UnknownKind`."""
    kind = get_kind(kind_name)
    values = sorted(str(road) for road in roads)
    Preference.objects.update_or_create(person=person, kind=kind.name, defaults={"roads": values})


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
        transaction.on_commit(partial(armed.send_robust, sender=Delivery, notifications=ids), robust=True)


def count_from_commit(notifications: Collection[int]) -> None:
    """Count the time that open pages have from the commit. Call it before `arm`, where the rows are made.

    After a transaction that took long they would have next to no time to show and acknowledge. A process killed
    between the commit and this leaves the old moments: then a page may show what a push or the next page shows too.
    """
    transaction.on_commit(partial(_count_anew, notifications, began=time.monotonic()), robust=True)


def _count_anew(notifications: Collection[int], *, began: float) -> None:
    if is_prompt(began):
        return
    untold = Notification.objects.filter(pk__in=notifications, told_at=None)
    _change(untold, skip_locked=True, committed_at=datetime.now(UTC))
    due_at = Now() + timedelta(seconds=hub_settings.ack_window)
    _change(_unclaimed(notifications), skip_locked=True, due_at=due_at)


def is_prompt(began: float) -> bool:
    """Return whether a transaction that wrote at `began`, by `time.monotonic`, has committed soon enough."""
    return time.monotonic() - began <= PROMPT_SECONDS


def bring_forward(notifications: Collection[int]) -> int:
    """For people who are surely away: nobody is going to acknowledge. Gives how many deliveries."""
    soon = Now() + timedelta(seconds=AWAY_SECONDS)
    later = _unclaimed(notifications).filter(attempts=0, due_at__gt=soon)
    return _change(later, skip_locked=True, due_at=soon)


def disarm(notifications: Collection[int], reason: str) -> int:
    """Cancels what no worker has claimed yet; what is being sent cannot be called back."""
    now = datetime.now(UTC)
    return _change(_unclaimed(notifications), state=State.CANCELLED, reason=reason, settled_at=now)


def _unclaimed(notifications: Collection[int]) -> models.QuerySet[Delivery]:
    return Delivery.objects.filter(notification__in=notifications, state=State.WAITING, claim=None)


def _change(wanted: models.QuerySet[Any], *, skip_locked: bool = False, **values: Any) -> int:
    """Lock the rows in ascending key, then update them. Return how many.

    A plain update locks in the order of its plan, so two crowds that share rows could wait for each other. Changes of
    when something is due skip rows that another holds: whoever cancels, claims or deletes them decides.
    """
    with transaction.atomic(savepoint=False):
        rows = wanted.order_by("pk").select_for_update(no_key=True, skip_locked=skip_locked)
        ids = list(rows.values_list("pk", flat=True))
        return wanted.model._default_manager.filter(pk__in=ids).update(**values) if ids else 0


def tell(notifications: Collection[int], road: str) -> list[int]:
    """Records that a road reached the person. Gives those that no other road had told."""
    with transaction.atomic():
        told = Notification.objects.filter(pk__in=notifications).mark_as_told(road)
        disarm(notifications, f"told by {road}")
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


def _of_this_epoch(shown: Sequence[Shown]) -> list[tuple[Any, str, Position]]:
    """Leave out what is empty, and numbers of another epoch: those name other events, which no page showed."""
    places = [
        (one.person_pk, topic, position)
        for one in shown
        for topic, position in one.positions.items()
        if position.seq > position.start
    ]
    topics = {topic for _person, topic, _position in places}
    epochs = dict(Stream.objects.filter(topic__in=topics).values_list("topic", "epoch")) if topics else {}
    return [place for place in places if place[2].epoch == epochs.get(place[1])]


def _acknowledge_inboxes(shown: Sequence[tuple[Any, Position]]) -> None:
    # From the events to the rows: a page is sent few, while a person may have any number that nothing ever delivered.
    ranges = [
        models.Q(topic=inbox_topic(person), seq__gt=position.start, seq__lte=position.seq) for person, position in shown
    ]
    created = Event.objects.filter(reduce(or_, ranges), kind="notification.created")
    named = created.annotate(named=Cast(KeyTextTransform("id", "data"), models.TextField()))
    displayed = set(named.values_list("topic", "named"))
    # What has no toast was only counted, which tells nobody anything.
    untold = Notification.objects.filter(pk__in={item for _topic, item in displayed}, told_at=None, toast=True)
    places = {(inbox_topic(person), str(pk)): pk for pk, person in untold.values_list("pk", "recipient_id")}
    if told := [pk for place, pk in places.items() if place in displayed]:
        tell(told, Road.LIVE)


def _acknowledge_audience(people: Collection[Any], topic: str, position: Position) -> None:
    Announcement.objects.filter(audience=topic).record_numbers()
    announced = Announcement.objects.filter(audience=topic).order_by("-seq").values_list("seq", flat=True)
    last = announced.filter(seq__gt=position.start, seq__lte=position.seq).first()
    if last is None:
        return
    start = announced.filter(seq__lte=position.start).first() or 0
    # Only ever upwards: of two tabs the one that is behind changes nothing. In one order, as the crowds of two hubs may
    # hold the same people.
    theirs = ToldThrough.objects.filter(person__in=people, topic=topic, start__lte=start, seq__gte=start)
    first = set(people) - set(theirs.values_list("person", flat=True))
    rows = [ToldThrough(person_id=pk, topic=topic, start=start, seq=last) for pk in sorted(first)]
    ToldThrough.objects.bulk_create(rows, ignore_conflicts=True)
    _change(theirs.filter(seq__lt=last), seq=last)
