"""The sign of life of the workers. One row serves all of them, whatever runs them: thread, command, Celery or task.

A worker renews it after a turn, so a worker that hangs does not. Of any number of workers one writes every few seconds.
Both its time and its age are by the database's clock, so that of a machine may be wrong.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from notifications_hub.database.primary import connection
from notifications_hub.delivery.models import WorkerHeartbeat

RENEW_SECONDS = 5.0
LATE_SECONDS = 30.0
"""The age from which no worker seems to run. A turn that records and claims much takes a few seconds."""
_ONLY = 1

_last = -RENEW_SECONDS


def beat() -> None:
    """Renew the sign of life, unless this or another worker has just done so."""
    global _last  # noqa: PLW0603 -- one per process
    # In a caller's transaction the row would stay locked until it ends.
    if connection.in_atomic_block or time.monotonic() - _last < RENEW_SECONDS:
        return
    _last = time.monotonic()
    step = timedelta(seconds=RENEW_SECONDS)
    # A time in the future is from before the database's clock was set back.
    due = Q(at__lte=Now() - step) | Q(at__gt=Now() + step)
    if not WorkerHeartbeat.objects.filter(due, pk=_ONLY).update(at=Now()):
        WorkerHeartbeat.objects.bulk_create([WorkerHeartbeat(pk=_ONLY, at=Now())], ignore_conflicts=True)


def age() -> timedelta | None:
    """Return the time since a worker's last sign of life, or None if there has been none."""
    found = WorkerHeartbeat.objects.filter(pk=_ONLY).annotate(clock=Now()).values_list("at", "clock").first()
    return None if found is None else max(timedelta(), found[1] - found[0])


def last(alias: str) -> datetime | None:
    """Return the time of the last sign of life that a database knows: a replica knows it later."""
    return WorkerHeartbeat.objects.using(alias).filter(pk=_ONLY).values_list("at", flat=True).first()


def forget() -> None:
    """Renew it at the next turn, even if that was just done. For tests."""
    global _last  # noqa: PLW0603 -- as above
    _last = -RENEW_SECONDS
