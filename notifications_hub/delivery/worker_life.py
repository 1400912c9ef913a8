"""Find out within seconds that a worker was killed, so that others soon send what it held of announcements.

A process that sends announcements counts up in a row of its own while it holds any. Its claims begin with its name. A
process whose count stands still for others' looks is gone, and the end of its lease is not waited for.

Only looks count, no clock of the database. While a database hangs, nobody looks, and the last look is `SURE_SECONDS`
after one that found the count late. So a process has time to count again, and is not taken for gone.
"""

from __future__ import annotations

import os
import secrets
import threading
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from time import monotonic

from django.db.models.functions import Now

from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.delivery.models import Delivery, DeliveryState, SendingProcess

BEAT_SECONDS = 2.0
LOOK_SECONDS = 1.0
LATE_SECONDS = 6.0
"""Seconds without a new count after which a process is late."""
SURE_SECONDS = 4.0
"""Seconds that a late process still has."""
_PREFIX = 8


class _Process:
    """The name of this process, and its count. A fork gets its own."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.prefix = secrets.token_bytes(_PREFIX)
        self.count = 0
        self.beaten_at: float | None = None

    @property
    def name(self) -> uuid.UUID:
        return uuid.UUID(bytes=self.prefix + bytes(_PREFIX))


_own = _Process()


def _this() -> _Process:
    global _own  # noqa: PLW0603 -- one per process
    if _own.pid != os.getpid():
        _own = _Process()
    return _own


def new_claim() -> uuid.UUID:
    """Return a new claim that begins with this process's name."""
    return uuid.UUID(bytes=_this().prefix + secrets.token_bytes(_PREFIX))


def beat() -> None:
    """Count up, unless that was just done. Call it before each claim, and often while any is held."""
    one = _this()
    just_done = one.beaten_at is not None and monotonic() - one.beaten_at < BEAT_SECONDS
    # In a caller's transaction nobody would see it.
    if just_done or connection.in_atomic_block:
        return
    one.beaten_at = monotonic()
    one.count += 1
    row = SendingProcess(pk=one.name, count=one.count)
    SendingProcess.objects.bulk_create([row], update_conflicts=True, unique_fields=["name"], update_fields=["count"])


def leave(*, after: float = 0.0) -> None:
    """Remove the row of this process, if the last count was so many seconds ago. Then nobody takes it for gone.

    If it is killed without a row, what it holds waits for the end of its lease.
    """
    one = _this()
    if one.beaten_at is None or monotonic() - one.beaten_at < after or connection.in_atomic_block:
        return
    one.beaten_at = None
    SendingProcess.objects.filter(name=one.name).delete()


@dataclass(slots=True)
class _Seen:
    count: int
    since: float
    late_at: float | None = None

    def is_gone(self, now: float) -> bool:
        """Note a look that found the same count. Return whether it was found late before, and not only just now."""
        if self.late_at is None:
            self.late_at = now if now - self.since >= LATE_SECONDS else None
            return False
        return now - self.late_at >= SURE_SECONDS


class Watch:
    """The counts of other processes, as this one has seen them."""

    def __init__(self) -> None:
        self._seen: dict[uuid.UUID, _Seen] = {}
        self._looked_at = -LOOK_SECONDS
        self._lock = threading.Lock()

    def gone(self) -> dict[uuid.UUID, int]:
        """Look, unless that was just done. Return the last counts of processes that are gone, by name."""
        if monotonic() - self._looked_at < LOOK_SECONDS or not self._lock.acquire(blocking=False):
            return {}
        try:
            return self._look()
        finally:
            self._lock.release()

    def _look(self) -> dict[uuid.UUID, int]:
        # A query that hangs makes nobody late: ages end before it, and begin after it.
        before = monotonic()
        counts = dict(SendingProcess.objects.values_list("name", "count"))
        after = self._looked_at = monotonic()
        known = {name: one for name, one in self._seen.items() if counts.get(name) == one.count}
        gone = {name: one.count for name, one in known.items() if one.is_gone(before)}
        self._seen = {name: known.get(name) or _Seen(count, after) for name, count in counts.items()}
        return gone


def take_over(name: uuid.UUID, count: int, rollouts: Collection[int]) -> int:
    """Make due what a process that is gone held of these rollouts, and return how many. None if it has counted since.

    It counts before it claims, so what it claims later is not taken.
    """
    claims = uuid.UUID(bytes=name.bytes[:_PREFIX] + b"\xff" * _PREFIX)
    with transaction.atomic():
        if not SendingProcess.objects.filter(name=name, count=count).delete()[0]:
            return 0
        held = Delivery.objects.filter(
            state=DeliveryState.WAITING, rollout__in=rollouts, due_at__gt=Now(), claim__range=(name, claims)
        )
        # One that is locked is being recorded.
        found = list(held.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
        return Delivery.objects.filter(pk__in=found).update(due_at=Now())
