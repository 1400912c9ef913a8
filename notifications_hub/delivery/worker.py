"""Claims due deliveries and sends them. Run by the embedded thread, by `manage.py hub_worker` or by Celery.

Rows are the queue, so any number of workers may run at once, and one that is killed loses nothing.
"""

from __future__ import annotations

import dataclasses
import gc
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from django.core import signing
from django.db import close_old_connections, connections
from django.urls import NoReverseMatch, reverse

from notifications_hub.announcements.models import Announcement
from notifications_hub.database.pooling import give_back
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery import claiming
from notifications_hub.delivery.claiming import Outcome, Settled
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.sender import STOP_SECONDS, Network, Result, Sending, surprise
from notifications_hub.message import localized_for
from notifications_hub.notification import Notification
from notifications_hub.streams.sweeper import sweep
from notifications_hub.transports import Learns, Loads, Send, TransportError, get_transport, transport_names
from notifications_hub.web.site_paths import use_script_name

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.05
"""The longest that what came back waits to be recorded, and a free place to be filled."""
BATCH = 200
PLACES = 400
"""Under way at once. What is claimed beyond these could only wait for the rest of its lease."""
ACT_SALT = "notifications_hub.act"

T = TypeVar("T")

log = logging.getLogger(__name__)


class Worker:
    """The thread that calls it does the database, a second one the network. Close it in the thread that used it."""

    def __init__(self) -> None:
        self._network = Network()
        self._results: list[Result] = []

    def run_due(self, *, seconds: float = float("inf")) -> int:
        """Sends what is due, and what falls due meanwhile for so long; gives how many deliveries it took."""
        until = time.monotonic() + seconds
        taken = 0
        while (newly := self.turn(claim=time.monotonic() < until)) or self.is_busy:
            taken += newly
            self.pause(newly)
        return taken

    @property
    def is_busy(self) -> bool:
        return bool(self._network.under_way or self._results)

    def turn(self, *, claim: bool = True) -> int:
        """Records what has come back and begins what is due, as far as there are places; gives how many that were."""
        # The thread may be Celery's.
        use_script_name()
        self._record()
        free = min(BATCH, PLACES - self._network.under_way)
        return self._begin(free) if claim and free >= BATCH // 4 else 0

    def pause(self, newly: int) -> None:
        """Before the next turn, unless there may be more that is due and there are places for it."""
        if self._network.under_way and newly < BATCH:
            self._network.wait(BUSY_SECONDS)

    def finish(self) -> None:
        """Waits for what is under way, and breaks off what is not answered in time."""
        until = time.monotonic() + STOP_SECONDS
        while self.is_busy:
            if time.monotonic() > until:
                self._network.break_off()
            self._network.wait(BUSY_SECONDS)
            self._record()

    def close(self) -> None:
        self._network.close()

    def _begin(self, most: int) -> int:
        claimed = claiming.claim_due(most)
        jobs: list[Sending] = []
        for prepared in _prepared(claimed):
            if isinstance(prepared, Sending):
                jobs.append(prepared)
            else:
                self._results.append(prepared)
        self._network.begin(jobs)
        return len(claimed)

    def _record(self) -> None:
        # Kept until they are written: a database that is away for a moment must not make them be sent again.
        self._results += self._network.collect()
        _write([result.settled for result in self._results])
        results, self._results = self._results, []
        _teach(results)


# What to send


def _prepared(claimed: Sequence[Delivery]) -> Iterator[Sending | Result]:
    """A job for each, or how it was settled without a word. What cannot be put into words holds up no other."""
    senders = {name: _senders(name, its) for name, its in _by_transport(claimed).items()}
    act_url = _act_url()
    for one in claimed:
        try:
            yield _job(one, senders[one.transport], act_url)
        except _Pointless as pointless:
            outcome = Outcome(state=DeliveryState.CANCELLED, reason=DeliveryReason(pointless.code), attempted=False)
            yield Result(settled=Settled(delivery=one, outcomes=[outcome]))
        except CONNECTION_ERRORS:
            raise
        except Exception as error:
            log.exception("Delivery %s cannot be prepared", one.pk)
            yield Result(settled=Settled(delivery=one, outcomes=[surprise(error, attempted=False)]))


def _by_transport(claimed: Iterable[Delivery]) -> Mapping[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = defaultdict(list)
    for one in claimed:
        found[one.transport].append(one)
    return found


def _senders(name: str, deliveries: Iterable[Delivery]) -> Mapping[str, Send]:
    """Address to what sends to it, where that can be loaded for all of them at once."""
    if name not in transport_names():
        return {}
    transport = get_transport(name)
    return transport.load({one.address for one in deliveries}) if isinstance(transport, Loads) else {}


class _Pointless(Exception):
    """Something happened between the plan and now."""

    def __init__(self, code: ReasonCode) -> None:
        super().__init__(code)
        self.code = code


def _job(one: Delivery, senders: Mapping[str, Send], act_url: str) -> Sending:
    send = senders.get(one.address) or partial(get_transport(one.transport).send, address=one.address)
    if code := _why_not(one.notification):
        raise _Pointless(code)
    with localized_for(one.notification.recipient):
        message = one.notification.message()
    expires = one.notification.timestamp.timestamp() + message.ttl
    rest = expires - time.time()
    if rest <= 0:
        raise _Pointless(ReasonCode.EXPIRED)
    message = dataclasses.replace(message, ttl=max(1, int(rest)), token=act_token(one), act_url=act_url)
    return Sending(delivery=one, message=message, send=send, expires=expires)


def _why_not(notification: Notification) -> ReasonCode | None:
    """Return what makes sending pointless, or None if nothing does."""
    reasons = {
        ReasonCode.DELIVERED_ALREADY: notification.delivered_at is not None,
        ReasonCode.READ: not notification.unread,
        ReasonCode.ARCHIVED: notification.archived_at is not None,
        ReasonCode.DELETED: notification.deleted,
        ReasonCode.ANNOUNCEMENT_OVER: _is_over(notification.announcement),
        ReasonCode.PERSON_INACTIVE: not notification.recipient.is_active,
    }
    return next((code for code, holds in reasons.items() if holds), None)


def _is_over(announcement: Announcement | None) -> bool:
    return announcement is not None and (
        announcement.withdrawn_at is not None or announcement.ends_at <= datetime.now(UTC)
    )


def act_token(one: Delivery) -> str:
    """Lets whoever holds it report on this one delivery and nothing else; it goes into the encrypted payload."""
    return signing.dumps([one.pk, one.notification_id], salt=ACT_SALT)


def _act_url() -> str:
    try:
        return reverse("notifications_hub_api:push_act")
    except NoReverseMatch:
        return ""


# How it went


def _write(settled: Sequence[Settled]) -> None:
    try:
        claiming.record(settled)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("%d outcomes cannot be recorded together; trying each", len(settled))
        for one in settled:
            _write_alone(one)


def _write_alone(settled: Settled) -> None:
    try:
        claiming.record([settled])
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("The outcome of delivery %s cannot be recorded", settled.delivery.pk)


def _teach(results: Iterable[Result]) -> None:
    learnt: dict[str, list[tuple[str, TransportError | None]]] = defaultdict(list)
    for result in results:
        one = result.settled.delivery
        if result.settled.outcomes[-1].attempted:
            learnt[one.transport].append((one.address, result.error))
    for name, its_results in learnt.items():
        transport = get_transport(name)
        if isinstance(transport, Learns):
            _have_learn(transport, name, its_results)


def _have_learn(transport: Learns, name: str, results: Sequence[tuple[str, TransportError | None]]) -> None:
    try:
        transport.learn(results)
    except Exception:
        # What went well and what did not is recorded by now, and other transports learn of theirs.
        log.exception("The transport %r could not learn how its sends went", name)


# A thread or a process that does nothing else


def spare_the_collector() -> None:
    """For a process that does nothing else: what is there by now stays, and is not searched for garbage again.

    Pushes make many objects and next to no garbage that needs a search, and each went through all of Django.
    """
    gc.collect()
    gc.freeze()


class WorkerThread:
    """The worker beside the hub, for a site that runs one process."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub-worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finishes what is under way, within some seconds."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        run(self._stopping)


def run(stopping: threading.Event) -> None:
    """Works until told to stop, then finishes what is under way. A database that is away is waited for."""
    worker, swept = Worker(), 0.0
    try:
        while not stopping.is_set():
            if time.monotonic() - swept >= IDLE_SECONDS:
                swept = time.monotonic()
                _safely(sweep)
            newly = _safely(worker.turn)
            give_back()
            if worker.is_busy and newly is not None:
                worker.pause(newly)
            else:
                stopping.wait(IDLE_SECONDS)
        _safely(worker.finish)
    finally:
        worker.close()
        connections.close_all()


def _safely(act: Callable[[], T]) -> T | None:
    """None where it failed: a worker that died would send nothing at all."""
    try:
        return act()
    except CONNECTION_ERRORS as error:
        log.warning("The worker could not reach the database (%s); trying again", error)
    except Exception:
        log.exception("The worker failed; trying again")
    close_old_connections()
    return None
