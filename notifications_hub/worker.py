"""Claims due deliveries and sends them. Run by the embedded thread, by `manage.py hub_worker` or by Celery.

Rows are the queue, so any number of workers may run at once, and one that is killed loses nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import random
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.core import signing
from django.db import DatabaseError, close_old_connections, connections
from django.urls import NoReverseMatch, reverse

from notifications_hub import delivery
from notifications_hub.conf import hub_settings
from notifications_hub.delivery import MAX_ATTEMPTS, Delivery, Outcome, State
from notifications_hub.message import Message, in_language_of
from notifications_hub.notification import Notification
from notifications_hub.sweeper import sweep
from notifications_hub.transports import Forgets, TransportError, close_transports, get_transport

IDLE_SECONDS = 1.0
_FIRST_RETRY = 5.0
_LAST_RETRY = 3600.0
ACT_SALT = "notifications_hub.act"

log = logging.getLogger(__name__)


class Worker:
    """One thread's worth of sending: an event loop of its own, kept so that connections to push services are."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run_due(self) -> int:
        """Sends what is due now; gives how many deliveries it settled or put off."""
        claimed = delivery.claim_due()
        if not claimed:
            return 0
        wanted = [one for one in claimed if _still_wanted(one)]
        messages = [_message(one) for one in wanted]
        outcomes = self._runner.run(_send_all(wanted, messages))
        for one, outcome in zip(wanted, outcomes, strict=True):
            delivery.record(one, outcome)
        return len(claimed)

    def close(self) -> None:
        self._runner.run(close_transports())
        self._runner.close()


# What to send


def _still_wanted(one: Delivery) -> bool:
    reason = _why_not(one.notification)
    if reason:
        delivery.record(one, Outcome(state=State.CANCELLED, reason=reason))
    return not reason


def _why_not(notification: Notification) -> str:
    """What happened between the plan and now that makes it pointless; empty if nothing did."""
    age = datetime.now(UTC) - notification.timestamp
    reasons = {
        "told already": notification.told_at is not None,
        "read already": not notification.unread,
        "archived": notification.archived_at is not None,
        "deleted": notification.deleted,
        "expired": age > timedelta(seconds=hub_settings.push_ttl),
        "the person is no longer active": not notification.recipient.is_active,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _message(one: Delivery) -> Message:
    with in_language_of(one.notification.recipient):
        message = one.notification.message()
    return dataclasses.replace(message, token=act_token(one), act_url=_act_url())


def act_token(one: Delivery) -> str:
    """Lets whoever holds it report on this one delivery and nothing else; it goes into the encrypted payload."""
    return signing.dumps([one.pk, one.notification_id], salt=ACT_SALT)


def _act_url() -> str:
    try:
        return reverse("notifications_hub_api:push_act")
    except NoReverseMatch:
        return ""


# Sending


async def _send_all(claimed: Sequence[Delivery], messages: Sequence[Message]) -> list[Outcome]:
    return await asyncio.gather(*(_send(one, message) for one, message in zip(claimed, messages, strict=True)))


async def _send(one: Delivery, message: Message) -> Outcome:
    try:
        transport = get_transport(one.transport)
        await transport.send(message, one.address)
    except TransportError as error:
        return await _failure(one, error)
    except Exception as error:
        # A surprise in one delivery must not hold up the others of the batch.
        log.exception("Delivery %s failed unexpectedly", one.pk)
        return Outcome(state=State.FAILED, reason=f"unexpected: {type(error).__name__}")
    return Outcome(state=State.SENT, reason="taken by the other side")


async def _failure(one: Delivery, error: TransportError) -> Outcome:
    if error.permanent:
        transport = get_transport(one.transport)
        if isinstance(transport, Forgets):
            await asyncio.to_thread(_forget, transport, one.address)
        return Outcome(state=State.FAILED, reason=error.reason, status=error.status)
    if one.attempts >= MAX_ATTEMPTS:
        return Outcome(state=State.FAILED, reason=f"given up: {error.reason}", status=error.status)
    return Outcome(
        state=State.WAITING, reason=error.reason, status=error.status, retry_in=error.retry_after or _pause(one)
    )


def _forget(transport: Forgets, address: str) -> None:
    try:
        transport.forget(address)
    finally:
        connections.close_all()


def _pause(one: Delivery) -> float:
    """Doubling, with jitter, so that what failed together does not come back together."""
    longest = min(_LAST_RETRY, _FIRST_RETRY * 2 ** (one.attempts - 1))
    return random.uniform(longest / 2, longest)  # noqa: S311 -- a pause is no secret


# The embedded thread


class WorkerThread:
    """The worker beside the hub, for a site that runs one process."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub-worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes the batch under way."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        run(self._stopping)


def run(stopping: threading.Event) -> None:
    """Works until told to stop. A database that is away is waited for."""
    worker = Worker()
    try:
        while not stopping.is_set():
            if not _run_once(worker):
                stopping.wait(IDLE_SECONDS)
    finally:
        worker.close()
        connections.close_all()


def _run_once(worker: Worker) -> int:
    try:
        sweep()
        return worker.run_due()
    except DatabaseError:
        log.exception("The worker could not reach the database; trying again")
        close_old_connections()
        return 0
