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
from django.db import InterfaceError, OperationalError, close_old_connections, connections
from django.urls import NoReverseMatch, reverse

from notifications_hub import delivery
from notifications_hub.announcements.models import Announcement
from notifications_hub.conf import hub_settings
from notifications_hub.delivery import MAX_ATTEMPTS, Delivery, Outcome, State
from notifications_hub.message import Message, in_language_of
from notifications_hub.notification import Notification
from notifications_hub.sweeper import sweep
from notifications_hub.transports import Forgets, TransportError, close_transports, get_transport

IDLE_SECONDS = 1.0
SEND_SECONDS = 30.0
"""Beyond any transport's own deadline, and well within the lease."""
LAST_RETRY = 3600.0
_FIRST_RETRY = 5.0
ACT_SALT = "notifications_hub.act"

log = logging.getLogger(__name__)


class Worker:
    """One thread's worth of sending: an event loop of its own, kept so that connections to push services are."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()

    def run_due(self) -> int:
        """Sends what is due now; gives how many deliveries it settled or put off."""
        claimed = delivery.claim_due()
        to_send = [(one, message) for one in claimed if (message := _prepared(one))]
        if to_send:
            outcomes = self._runner.run(_send_all(to_send))
            attempts = [(one, outcome) for (one, _), outcome in zip(to_send, outcomes, strict=True)]
            _settle(attempts)
        return len(claimed)

    def close(self) -> None:
        self._runner.run(close_transports())
        self._runner.close()


# What to send


def _prepared(one: Delivery) -> Message | None:
    """What to say, or None where it was settled without a word. One that cannot be put into words holds up no other."""
    try:
        if reason := _why_not(one.notification):
            delivery.record(one, Outcome(state=State.CANCELLED, reason=reason))
            return None
        return _message(one)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("Delivery %s cannot be put into words", one.pk)
        delivery.record(one, _surprise(error))
        return None


def _why_not(notification: Notification) -> str:
    """What happened between the plan and now that makes it pointless; empty if nothing did."""
    age = datetime.now(UTC) - notification.timestamp
    reasons = {
        "told already": notification.told_at is not None,
        "read already": not notification.unread,
        "archived": notification.archived_at is not None,
        "deleted": notification.deleted,
        "expired": age > timedelta(seconds=hub_settings.push_ttl),
        "the announcement is over": _is_over(notification.announcement),
        "the person is no longer active": not notification.recipient.is_active,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_over(announcement: Announcement | None) -> bool:
    return announcement is not None and (
        announcement.withdrawn_at is not None or announcement.ends_at <= datetime.now(UTC)
    )


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


async def _send_all(to_send: Sequence[tuple[Delivery, Message]]) -> list[Outcome]:
    return await asyncio.gather(*(_send(one, message) for one, message in to_send))


async def _send(one: Delivery, message: Message) -> Outcome:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await get_transport(one.transport).send(message, one.address)
    except TransportError as error:
        return _failure(one, error)
    except TimeoutError:
        return _failure(one, TransportError("took too long"))
    except Exception as error:
        # A surprise in one delivery must not hold up the others of the batch.
        log.exception("Delivery %s failed unexpectedly", one.pk)
        return _surprise(error)
    return Outcome(state=State.SENT, reason="taken by the other side")


def _surprise(error: Exception) -> Outcome:
    return Outcome(state=State.FAILED, reason=f"unexpected: {type(error).__name__}")


def _failure(one: Delivery, error: TransportError) -> Outcome:
    if error.permanent:
        return Outcome(state=State.FAILED, reason=error.reason, status=error.status, gone=True)
    if one.attempts >= MAX_ATTEMPTS:
        return Outcome(state=State.FAILED, reason=f"given up: {error.reason}", status=error.status)
    pause = _pause(one) if error.retry_after is None else min(error.retry_after, LAST_RETRY)
    return Outcome(state=State.WAITING, reason=error.reason, status=error.status, retry_in=pause)


def _settle(attempts: Sequence[tuple[Delivery, Outcome]]) -> None:
    for one, outcome in attempts:
        delivery.record(one, outcome)
    for one, outcome in attempts:
        if outcome.gone:
            _forget(one)


def _forget(one: Delivery) -> None:
    transport = get_transport(one.transport)
    if isinstance(transport, Forgets):
        transport.forget(one.address)


def _pause(one: Delivery) -> float:
    """Doubling, with jitter, so that what failed together does not come back together."""
    longest = min(LAST_RETRY, _FIRST_RETRY * 2 ** (one.attempts - 1))
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
    except (OperationalError, InterfaceError) as error:
        log.warning("The worker could not reach the database (%s); trying again", error)
    except Exception:
        # What it had claimed is due again when the lease ends; a worker that died would send nothing at all.
        log.exception("The worker failed; trying again")
    close_old_connections()
    return 0
