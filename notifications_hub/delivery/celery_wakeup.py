"""Wakes Celery after a commit that planned something. Rows are the truth: a nudge that is lost costs only time."""

from __future__ import annotations

import logging
import math
import threading
import time

from notifications_hub.conf import hub_settings

SEND_DUE = "notifications_hub.send_due"
"""The name of the task."""
AWAY_SECONDS = 5.0
"""A broker that failed is left alone for so long."""

log = logging.getLogger(__name__)


class _Nudges:
    """Those that are on their way, by the second: of many commits within one, the first does it for all."""

    def __init__(self) -> None:
        self._moments: frozenset[int] = frozenset()
        self._away_until = 0.0

    def plan(self, moment: int) -> None:
        now = time.time()
        if moment in self._moments or now < self._away_until:
            return
        self._moments = frozenset({*(one for one in self._moments if one > now), moment})
        # In a thread of its own: a broker that is away may take its client many seconds to find out.
        threading.Thread(target=self._send, args=[moment - now], name="hub-nudge").start()

    def _send(self, countdown: float) -> None:
        try:
            _send_task(countdown)
        except Exception as error:  # noqa: BLE001 -- whatever a broker may raise, the commit is done
            log.warning("Celery could not be nudged: %s", error)
            self._away_until = time.time() + AWAY_SECONDS


_nudges = _Nudges()


def nudge(seconds: float) -> None:
    """Has a worker look in so many seconds, where Celery runs it. Waits for nothing and raises nothing."""
    if hub_settings.celery:
        _nudges.plan(math.ceil(time.time() + seconds))


def _send_task(countdown: float) -> None:
    from celery import current_app

    current_app.send_task(SEND_DUE, countdown=countdown, ignore_result=True, retry=False)
