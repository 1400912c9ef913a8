"""Wake the worker, if it runs in Celery or as a Django task. Rows are the truth, so a lost wake-up costs only time.

A commit that planned deliveries wakes it for the moment when they are due. Django's task framework has no beat, so
the sweeper of every process also wakes it for what is overdue.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from datetime import UTC, datetime, timedelta

from django.db import connections
from django.utils.module_loading import import_string

from notifications_hub.conf import hub_settings
from notifications_hub.delivery import bulk
from notifications_hub.delivery.models import first_due_delivery
from notifications_hub.streams.sweeper import every_second
from notifications_hub.task_framework import queue_of

SEND_DUE = "notifications_hub.send_due"
"""The name of the Celery task."""
_TASK = "notifications_hub.worker_task.send_due"
OVERDUE_SECONDS = 5
AWAY_SECONDS = 5.0
"""Seconds before a broker that failed is tried again."""

log = logging.getLogger(__name__)


class _WakeUps:
    """Wake-ups on their way, by the second: the first commit of a second wakes the worker for all of them."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self._moments: frozenset[int] = frozenset()
        self._away_until = 0.0

    def plan(self, moment: int) -> None:
        now = time.time()
        if moment in self._moments or now < self._away_until:
            return
        self._moments = frozenset({*(one for one in self._moments if one > now), moment})
        # A client may take many seconds to notice that its broker is down, so this runs in a thread.
        threading.Thread(target=self._send, args=[moment - now], name="hub-wake-worker").start()

    def _send(self, countdown: float) -> None:
        try:
            _send_task(countdown)
        except Exception as error:  # noqa: BLE001 -- a broker may raise anything, and the commit is done
            log.warning("The worker could not be woken: %s", error)
            self._away_until = time.time() + AWAY_SECONDS
        finally:
            connections.close_all()


_wake_ups = _WakeUps()


def wake_worker(seconds: float) -> None:
    """Make the worker run after `seconds`, if it runs in Celery or as a Django task. Never block, and raise nothing."""
    if hub_settings.celery or hub_settings.task_backend:
        _wake_ups.plan(math.ceil(time.time() + seconds))


def forget_wake_ups() -> None:
    """Wake the worker again, even if it was woken for this second before. For tests."""
    _wake_ups.forget()


@every_second
def wake_for_overdue_deliveries() -> None:
    """Wake the worker for deliveries whose wake-up was lost or that wait for another attempt, and for announcements."""
    if not hub_settings.task_backend:
        return
    late = datetime.now(UTC) - timedelta(seconds=OVERDUE_SECONDS)
    oldest = first_due_delivery()
    if (oldest and oldest <= late) or bulk.has_work():
        # The same moment for all sweeps of these seconds, so that they wake it once.
        _wake_ups.plan(math.ceil(time.time() / OVERDUE_SECONDS) * OVERDUE_SECONDS)


def _send_task(countdown: float) -> None:
    if hub_settings.celery:
        from celery import current_app

        current_app.send_task(SEND_DUE, countdown=countdown, ignore_result=True, retry=False)
    if alias := hub_settings.task_backend:
        at = datetime.now(UTC) + timedelta(seconds=countdown)
        import_string(_TASK).using(backend=alias, queue_name=queue_of(alias), run_after=at).enqueue()
