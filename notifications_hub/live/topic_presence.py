"""The people who have a topic open, in all processes together: each once, however many tabs they have.

Only topics declared with `presence=True` are recorded. A row says that a person is present on a topic. Holds say in
which hubs they have a connection to it. Each hub also has one row with a lease, which it renews while it holds anyone.
So an open page costs nothing, and a killed hub's holds are released after its lease.

Whoever holds the person's row decides. The transaction that inserts it sends `joined`, and the one that deletes it
sends `left`, so each is sent once. When the last hold goes, the row stays for a moment: the person may be reloading.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models.functions import Coalesce, Greatest, Now
from django.dispatch import Signal

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import HubModel, from_primary
from notifications_hub.live.topics import declares_presence, has_presence
from notifications_hub.streams.sweeper import every_few_seconds
from notifications_hub.users import Person

GRACE_SECONDS = 10.0
"""Time in which a person may come back before they have left: a reload, a new network, a restarted server."""
POLL_SECONDS = 15.0
"""Time for which a poll that does not wait counts: until the next one is due."""
LEASE_SECONDS = 20.0
RENEW_SECONDS = 5.0
SUSPECT_SECONDS = 6.0
"""Time for which a process must have seen a lease expired. After an outage of the database, every hub renews first."""
_AT_ONCE = 500

Pair = tuple[str, Any]
"""A topic, and the primary key of a person."""

joined = Signal()
"""Sent after the commit with `topic` and `user`, when a person opens a topic that they had open nowhere else."""

left = Signal()
"""Sent after the commit with `topic` and `user`, when a person has had a topic open nowhere for a while."""


class PresenceHub(HubModel):
    """A hub that holds people's connections, and the end of its lease by the database's clock."""

    name = models.CharField(max_length=32, primary_key=True)
    leased_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class TopicPresence(HubModel):
    """A person who is present on a topic, until `gone_at` if nobody holds them. `visit` names the arrival."""

    topic = models.CharField(max_length=200)
    # Without a constraint, an arrival neither locks the person's row nor fails if it was deleted meanwhile. A cascade
    # would lock rows in another order than hubs do. The row of a deleted person goes with their connections.
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False
    )
    visit = models.UUIDField()
    polled_until = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["topic", "person"], name="hub_presence_once")]
        indexes = [
            models.Index(fields=["gone_at"], condition=models.Q(gone_at__isnull=False), name="hub_presence_gone")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} on {self.topic}"


class PresenceHold(HubModel):
    """A hub has connections of this person to this topic."""

    presence = models.ForeignKey(TopicPresence, on_delete=models.CASCADE, related_name="holds")
    hub = models.ForeignKey(PresenceHub, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["hub", "presence"], name="hub_presence_hold_once")]

    def __str__(self) -> str:
        return f"{self.hub_id}: {self.presence_id}"


class HubForgotten(Exception):
    """Raised when a hub's lease has ended, so that others have released everyone it held."""


# Reading


def present(topic: str) -> models.QuerySet[Person]:
    """Return the people who have the topic open, each once. It is a queryset, so filter, order and count it.

    The topic's pattern must be declared with `presence=True`; nobody is recorded for others.
    """
    held = PresenceHold.objects.filter(presence=models.OuterRef("pk"), hub__leased_until__gt=Now())
    here = TopicPresence.objects.filter(models.Exists(held) | models.Q(gone_at__gt=Now()), topic=topic)
    people: models.QuerySet[Person] = get_user_model()._default_manager.all()
    return from_primary(people).filter(pk__in=here.values("person"))


# Arriving and leaving


def register(hub: str) -> None:
    """Add a hub with a lease. It may be there: a try whose answer was lost is repeated."""
    row = PresenceHub(name=hub, leased_until=_in(LEASE_SECONDS))
    PresenceHub.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["name"], update_fields=["leased_until"]
    )


def renew(hub: str) -> bool:
    """Renew the lease. Return False if others have released everyone by now."""
    return PresenceHub.objects.filter(name=hub).update(leased_until=_in(LEASE_SECONDS)) > 0


def unregister(hub: str) -> None:
    PresenceHub.objects.filter(name=hub).exclude(pk__in=PresenceHold.objects.values("hub")).delete()


def hold(hub: str, pairs: Iterable[Pair]) -> None:
    """Record that a hub has connections of these people. Raise `HubForgotten`."""
    for some in chunks(sorted(pairs, key=_order), _AT_ONCE):
        with transaction.atomic():
            # This also locks the hub's row, so that nobody releases it meanwhile.
            if not renew(hub):
                raise HubForgotten
            rows = _arrive(some, update="gone_at")
            PresenceHold.objects.bulk_create(
                [PresenceHold(presence=row, hub_id=hub) for row in rows], ignore_conflicts=True
            )


def record_visit(person_pk: Any, topics: Iterable[str]) -> None:
    """Record a poll that does not wait: its person is present until the next one is due."""
    pairs = pairs_of(person_pk, topics)
    if not pairs:
        return
    until = _in(POLL_SECONDS)
    with transaction.atomic():
        rows = _arrive(sorted(pairs, key=_order), update="polled_until", polled_until=until, gone_at=until)
        # Of a person whom a hub holds, `gone_at` stays empty.
        here = TopicPresence.objects.filter(pk__in=[row.pk for row in rows], gone_at__isnull=False)
        here.update(gone_at=Greatest("gone_at", "polled_until"))


def pairs_of(person_pk: Any, topics: Iterable[str]) -> list[Pair]:
    """Return the pairs to record: none for visitors who are not signed in."""
    if person_pk is None or not declares_presence():
        return []
    return [(topic, person_pk) for topic in topics if has_presence(topic)]


def _order(pair: Pair) -> tuple[str, str]:
    """Return the order in which rows are locked, the same in all processes."""
    return pair[0], str(pair[1])


def _arrive(pairs: Sequence[Pair], *, update: str, **values: Any) -> list[TopicPresence]:
    visit = uuid.uuid4()
    rows = TopicPresence.objects.bulk_create(
        [TopicPresence(topic=topic, person_id=person, visit=visit, **values) for topic, person in pairs],
        update_conflicts=True,
        unique_fields=["topic", "person"],
        update_fields=[update],
    )
    new = TopicPresence.objects.filter(pk__in=[row.pk for row in rows], visit=visit)
    _send_after_commit(joined, list(new.values_list("topic", "person")))
    return rows


def release(hub: str, pairs: Iterable[Pair], seconds: float) -> set[Pair]:
    """Record that a hub has no connections of these people any more. They leave in `seconds` if they are nowhere else.

    Rows that another process is changing are left for the next try, so nobody deadlocks. Return those.
    """
    busy: set[Pair] = set()
    for some in chunks(pairs, _AT_ONCE):
        rows = TopicPresence.objects.filter(_any_of(some))
        if _release(hub, rows, seconds) < len(some):
            busy |= set(rows.filter(holds__hub=hub).values_list("topic", "person"))
    if seconds <= 0:
        remove_gone()
    return busy


def _any_of(pairs: Iterable[Pair]) -> models.Q:
    people: dict[str, list[Any]] = {}
    for topic, person in pairs:
        people.setdefault(topic, []).append(person)
    return reduce(or_, (models.Q(topic=topic, person__in=own) for topic, own in people.items()))


def _release(hub: str, rows: models.QuerySet[TopicPresence], seconds: float) -> int:
    """Release the rows that nobody is changing, and return how many."""
    with transaction.atomic():
        locking = rows.order_by("pk").select_for_update(skip_locked=True, no_key=True)
        locked = set(locking.values_list("pk", flat=True))
        PresenceHold.objects.filter(hub=hub, presence__in=locked).delete()
        held = set(PresenceHold.objects.filter(presence__in=locked).values_list("presence", flat=True))
        gone_at = Greatest(_in(seconds), Coalesce("polled_until", Now()))
        TopicPresence.objects.filter(pk__in=locked - held).update(gone_at=gone_at)
        return len(locked)


def remove_gone() -> None:
    """Delete the rows of people who have not come back, and send `left` for each."""
    gone = TopicPresence.objects.filter(gone_at__lte=Now()).order_by("pk")
    while gone.values_list("pk").first():
        with transaction.atomic():
            rows = gone.select_for_update(skip_locked=True).values_list("pk", "topic", "person")[:_AT_ONCE]
            over = {pk: (topic, person) for pk, topic, person in rows}
            if not over:
                return
            TopicPresence.objects.filter(pk__in=over).delete()
            _send_after_commit(left, list(over.values()))


# What killed processes left


_suspected: dict[str, float] = {}
"""Hubs whose lease has expired, with the time at which this process noticed."""


@every_few_seconds
def settle_presence() -> None:
    """Release the people of killed hubs, and remove those who have not come back."""
    if not declares_presence():
        return
    for hub in _dead_hubs(time.monotonic()):
        _release_dead(hub)
    remove_gone()


def _dead_hubs(now: float) -> list[str]:
    expired = set(PresenceHub.objects.filter(leased_until__lte=Now()).values_list("name", flat=True))
    for name in _suspected.keys() - expired:
        del _suspected[name]
    return [name for name in expired if now - _suspected.setdefault(name, now) >= SUSPECT_SECONDS]


def _release_dead(hub: str) -> None:
    with transaction.atomic():
        dead = PresenceHub.objects.filter(name=hub, leased_until__lte=Now()).select_for_update(skip_locked=True)
        if not list(dead):
            return
        held = PresenceHold.objects.filter(hub=hub).values("presence")
        _release(hub, TopicPresence.objects.filter(pk__in=held), 0)
        unregister(hub)


# Helpers


def _send_after_commit(signal: Signal, pairs: Sequence[Pair]) -> None:
    if pairs and signal.has_listeners():
        transaction.on_commit(partial(_send, signal, pairs), robust=True)


def _send(signal: Signal, pairs: Sequence[Pair]) -> None:
    people: Mapping[Any, Person] = from_primary(get_user_model()._default_manager.all()).in_bulk(
        {person for _topic, person in pairs}
    )
    for topic, person in pairs:
        # Somebody whose account was deleted meanwhile is nobody to report.
        if person in people:
            signal.send_robust(sender=None, topic=topic, user=people[person])


def _in(seconds: float) -> models.Expression:
    return Now() + timedelta(seconds=seconds) if seconds > 0 else Now()
