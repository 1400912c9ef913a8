"""Send messages in an event loop and a thread of their own, so that neither network nor database waits for the other.

This module does not use the database: it takes jobs, and returns their results. Connections to push services last as
long as the loop.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from notifications_hub.delivery.claiming import Outcome, Settled
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.message import Message, shortened
from notifications_hub.telemetry import measures
from notifications_hub.telemetry.origin import resumed
from notifications_hub.telemetry.tracing import inner_span
from notifications_hub.transports import (
    PutOff,
    Send,
    TooLong,
    TransportError,
    close_transports,
)
from notifications_hub.web.site_paths import use_script_name

SEND_SECONDS = 30.0
"""Longer than any transport's own deadline, and well within the lease."""
STOP_SECONDS = 5.0
"""Seconds that sends under way may still take when the worker stops."""
FIRST_RETRY, LAST_RETRY = 5.0, 3600.0
LAST_PAUSE = 30 * 86_400.0
"""The longest pause, in seconds, that the other side may ask for."""
RESULTS_TO_RECORD = 200
"""The number of results that are recorded without waiting for more."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """A message to send. It is out of date after `expires`, by the monotonic clock of this process."""

    delivery: Delivery
    message: Message
    send: Send
    expires: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """The result of a job. `error` is the one of its last attempt."""

    settled: Settled
    error: TransportError | None = None


class Network:
    """The sending side of a worker. Only the worker's thread may use it."""

    def __init__(self) -> None:
        self._loop = _new_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hub-network", daemon=True)
        self._thread.start()
        self._sending: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._back: list[Result] = []
        self._enough = threading.Event()

    @property
    def under_way(self) -> int:
        """The number of jobs that were begun and not collected yet."""
        return self._under_way

    def begin(self, jobs: Sequence[Sending]) -> None:
        self._under_way += len(jobs)
        self._loop.call_soon_threadsafe(self._start, jobs)

    def collect(self) -> list[Result]:
        """Return the results that arrived since the last call."""
        self._enough.clear()
        back = self._back[:]
        # The loop's thread may have appended more since the copy.
        del self._back[: len(back)]
        self._under_way -= len(back)
        return back

    def wait(self, seconds: float) -> None:
        """Wait for many results, or for all that are under way, but no longer than this."""
        self._enough.wait(seconds)

    def break_off(self) -> None:
        """Cancel the sends that have had no answer yet."""
        self._loop.call_soon_threadsafe(self._cancel)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(close_transports(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    # Methods below run in the loop's own thread.

    def _start(self, jobs: Sequence[Sending]) -> None:
        use_script_name()
        for job in jobs:
            task = self._loop.create_task(self._send(job))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _send(self, job: Sending) -> None:
        try:
            with resumed(job.delivery.origin, "notifications_hub.deliver", transport=job.delivery.transport):
                result = await _result(job)
        except Exception as error:  # noqa: BLE001 -- a slot that is never freed is lost to all other jobs
            settled = Settled(delivery=job.delivery, outcomes=[_unexpected_outcome(job, error)])
            result = Result(settled=settled, error=_unexpected_error(error))
        self._back.append(result)
        if len(self._back) >= min(RESULTS_TO_RECORD, self._under_way):
            self._enough.set()

    def _cancel(self) -> None:
        for task in self._sending:
            task.cancel()


def _new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop of uvloop if it is installed, as uvicorn does: it takes a third less time."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.new_event_loop()
    return new_event_loop()


async def _result(job: Sending) -> Result:
    outcome, error = await _attempt(job, job.message)
    outcomes = [outcome]
    if isinstance(error, TooLong):
        outcome, error = await _attempt(job, shortened(job.message))
        outcomes.append(_final(outcome) if isinstance(error, TooLong) else outcome)
    return Result(settled=Settled(delivery=job.delivery, outcomes=outcomes), error=error)


async def _attempt(job: Sending, message: Message) -> tuple[Outcome, TransportError | None]:
    try:
        with measures.timed(measures.send_time.labels(job.delivery.transport)):
            status = await _send_in_time(job, message)
    except TransportError as error:
        return _failure(job, error), error
    except TimeoutError:
        return _no_answer(job, ReasonCode.TIMED_OUT)
    except asyncio.CancelledError:
        return _no_answer(job, ReasonCode.WORKER_STOPPED)
    except Exception as error:  # noqa: BLE001 -- a fault in one delivery must not stop the others
        return _unexpected_outcome(job, error), _unexpected_error(error)
    return Outcome(state=DeliveryState.SENT, reason=DeliveryReason(ReasonCode.ACCEPTED), status=status), None


async def _send_in_time(job: Sending, message: Message) -> int | None:
    with inner_span("notifications_hub.send", transport=job.delivery.transport):
        async with asyncio.timeout(SEND_SECONDS):
            return await job.send(message)


def _no_answer(job: Sending, code: ReasonCode) -> tuple[Outcome, TransportError]:
    error = TransportError(DeliveryReason(code))
    return _failure(job, error), error


def _unexpected_outcome(job: Sending, error: Exception) -> Outcome:
    log.error("Delivery %s failed unexpectedly", job.delivery.pk, exc_info=error)
    return failed_unexpectedly(error)


def _unexpected_error(error: Exception) -> TransportError:
    return TransportError(_unexpected_reason(error))


def failed_unexpectedly(error: Exception, *, attempted: bool = True) -> Outcome:
    return Outcome(state=DeliveryState.FAILED, reason=_unexpected_reason(error), attempted=attempted)


def _unexpected_reason(error: Exception) -> DeliveryReason:
    return DeliveryReason.of(ReasonCode.UNEXPECTED, error=type(error).__name__)


def _failure(job: Sending, error: TransportError) -> Outcome:
    reason = DeliveryReason.from_transport(error.reason)
    if error.permanent:
        return Outcome(state=DeliveryState.FAILED, reason=reason, status=error.status)
    attempted = not isinstance(error, PutOff)
    pause = pause_asked(error.retry_after) or pause_after(job.delivery.attempts + 1)
    waits = Outcome(
        state=DeliveryState.WAITING, reason=reason, status=error.status, retry_in=pause, attempted=attempted
    )
    return _final(waits) if time.monotonic() + pause > job.expires else waits


def _final(waits: Outcome) -> Outcome:
    reason = DeliveryReason.wrapped(ReasonCode.GAVE_UP, waits.reason)
    return Outcome(state=DeliveryState.FAILED, reason=reason, status=waits.status, attempted=waits.attempted)


def pause_asked(seconds: object) -> float | None:
    """Return the pause that the other side asked for, kept within bounds; None if it asked for none."""
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return None
    return min(max(1.0, seconds), LAST_PAUSE)


def pause_after(attempts: int) -> float:
    """Return a pause that doubles with each attempt. Its jitter spreads out deliveries that failed at once."""
    longest = min(LAST_RETRY, FIRST_RETRY * 2 ** min(attempts - 1, 20))
    return random.uniform(longest / 2, longest)  # noqa: S311 -- a pause is not a secret
