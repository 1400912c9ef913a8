"""The thread beside a running task: it writes progress, renews the lease, and notices a cancellation.

The task's own thread only stores the latest values. So a report is cheap, never waits for the database, and is visible
while the task has a transaction open. A task that reports nothing stays alive as long as its process does.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from django.db import DatabaseError, InterfaceError, connections

from notifications_hub.conf import hub_settings
from notifications_hub.database.pooling import release_connections
from notifications_hub.database.primary import connection
from notifications_hub.jobs import transitions
from notifications_hub.jobs.models import Job

SECONDS_BETWEEN = 0.1
"""Nobody sees more than ten updates a second."""
CHECK_SECONDS = 1.0

log = logging.getLogger(__name__)


class Reporter:
    """The writer of a job's progress. A task that ends within a second without a report costs no query here."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._note: dict[str, Any] = {}
        self._changed = threading.Condition()
        self._over = False
        self._cancelled = threading.Event()
        self._wrote_at = 0.0
        self._checked_at = self._renewed_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"hub-job-{job.pk}", daemon=True)
        self._thread.start()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()

    def report(self, values: dict[str, Any]) -> None:
        """Store values to write. Later values replace earlier ones; the last are always written."""
        with self._changed:
            self._note |= values
            self._changed.notify()

    def stop(self) -> dict[str, Any]:
        """Stop the thread. Return the values that are not written yet, to be written with the outcome."""
        with self._changed:
            self._over = True
            self._changed.notify()
        self._thread.join()
        return self._note

    def _run(self) -> None:
        try:
            while self._wait():
                self._turn()
                release_connections()
        finally:
            connections.close_all()

    def _wait(self) -> bool:
        """Wait until there is something to do. Return False once the reporter is stopped."""
        with self._changed:
            while not self._over and (pause := self._pause()) > 0:
                self._changed.wait(pause)
            return not self._over

    def _pause(self) -> float:
        now = time.monotonic()
        check = self._checked_at + CHECK_SECONDS - now
        return min(check, self._wrote_at + SECONDS_BETWEEN - now) if self._note else check

    def _turn(self) -> None:
        try:
            self._write()
            if time.monotonic() - self._checked_at >= CHECK_SECONDS:
                self._check_job()
        except (DatabaseError, InterfaceError) as error:
            log.warning("Job %s could not report (%s); trying again", self._job.pk, error)
            connection.close()
            self._checked_at = time.monotonic()

    def _write(self) -> None:
        with self._changed:
            note, self._note = self._note, {}
        if not note:
            return
        self._wrote_at = time.monotonic()
        try:
            written = transitions.report(self._job, note)
        except (DatabaseError, InterfaceError):
            with self._changed:
                self._note = note | self._note
            raise
        if not written:
            self._cancelled.set()

    def _check_job(self) -> None:
        self._checked_at = time.monotonic()
        if not transitions.may_go_on(self._job):
            self._cancelled.set()
        elif self._checked_at - self._renewed_at >= hub_settings.job_lease / 4:
            transitions.renew(self._job)
            self._renewed_at = self._checked_at
