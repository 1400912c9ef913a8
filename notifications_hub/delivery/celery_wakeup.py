"""Wake Celery after a commit that planned deliveries. Rows are the truth, so a lost wake-up costs only time."""

from __future__ import annotations

import logging
import math
import threading
import time

from notifications_hub.conf import hub_settings

SEND_DUE = "notifications_hub.send_due"
"""The name of the Celery task."""
AWAY_SECONDS = 5.0
"""Seconds before a broker that failed is tried again."""

log = logging.getLogger(__name__)


class _WakeUps:
    """Wake-ups on their way, by the second: the first commit of a second wakes Celery for all of them."""

    def __init__(self) -> None:
        self._moments: frozenset[int] = frozenset()
        self._away_until = 0.0

    def plan(self, moment: int) -> None:
        now = time.time()
        if moment in self._moments or now < self._away_until:
            return
        self._moments = frozenset({*(one for one in self._moments if one > now), moment})
        # A client may take many seconds to notice that its broker is down, so this runs in a thread.
        threading.Thread(target=self._send, args=[moment - now], name="hub-wake-celery").start()

    def _send(self, countdown: float) -> None:
        try:
            _send_task(countdown)
        except Exception as error:  # noqa: BLE001 -- a broker may raise anything, and the commit is done
            log.warning("Celery could not be woken: %s", error)
            self._away_until = time.time() + AWAY_SECONDS


_wake_ups = _WakeUps()


def wake_celery(seconds: float) -> None:
    """Make Celery run the worker after `seconds`, if the site uses Celery. Never block, and raise nothing."""
    if hub_settings.celery:
        _wake_ups.plan(math.ceil(time.time() + seconds))


def _send_task(countdown: float) -> None:
    from celery import current_app

    current_app.send_task(SEND_DUE, countdown=countdown, ignore_result=True, retry=False)
