"""Claim due deliveries and send them. The embedded thread, `hub_worker`, Celery or a Django task runs this.

Rows are the queue, so any number of workers may run at once, and a killed worker loses nothing.
"""

from __future__ import annotations

import gc
import logging
import math
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from django.db import close_old_connections, connections

from notifications_hub.database.pooling import release_connections
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery import bulk, claiming, heartbeat, held, worker_life
from notifications_hub.delivery.accepted import mark_accepted
from notifications_hub.delivery.audience_check import leavers
from notifications_hub.delivery.claiming import Settled
from notifications_hub.delivery.group_claims import Group
from notifications_hub.delivery.groups import Groups
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preparing import prepared
from notifications_hub.delivery.sender import STOP_SECONDS, Network, Result, Sending
from notifications_hub.delivery.shown import mark_shown
from notifications_hub.delivery.wishes import Wishes, wishes_of
from notifications_hub.streams.sweeper import Isolation, sweep, sweep_in_turn
from notifications_hub.telemetry import measures
from notifications_hub.transports import Learns, TransportError, get_transport
from notifications_hub.web.site_paths import use_script_name

IDLE_SECONDS = 1.0
BUSY_SECONDS = 0.1
"""The longest that a result waits to be recorded, and a free slot to be filled."""
TASK_SECONDS = 10.0
"""The most seconds that one task runs. An engine could not stop an endless one; the next task continues."""
BATCH = 200
SLOTS = 400
"""The number of sends under way at once. More claimed deliveries would only wait out their lease."""
BULK_SLOTS = SLOTS // 2
"""Those of them that announcements may take, so that other notifications always find a free one."""
HELD_SLOTS = SLOTS // 4
"""Those that digests and ends of quiet hours may take. Tens of thousands of them may fall due in the same second."""
TURN_SECONDS = 0.001
"""Time that a thread computes while another waits, in a dedicated process. Emails have a thread each."""

T = TypeVar("T")

PlansDeliveries = Callable[[], bool]

log = logging.getLogger(__name__)

_planners: list[PlansDeliveries] = []
_isolation: Isolation[Callable[[], object]] = Isolation(longest=60.0)


def every_turn(plan: PlansDeliveries) -> PlansDeliveries:
    """Register a function that plans what is due by now, for a short time. It returns whether there is more."""
    if plan not in _planners:
        _planners.append(plan)
    return plan


class Worker:
    """A worker whose calling thread uses the database, and a second thread the network.

    Close it in the thread that used it.
    """

    def __init__(self) -> None:
        self._network = Network()
        self._results: list[Result] = []
        self._groups = Groups()
        self._held: list[tuple[Wishes, Sequence[Delivery]]] = []
        self._bulk_under_way = 0
        self._held_under_way = 0
        self._more = False

    def run_due(self, *, seconds: float = float("inf")) -> int:
        """Send deliveries that are due, or fall due within `seconds`. Return how many were claimed."""
        until = time.monotonic() + seconds
        claimed = 0
        while (newly := self.turn(claim=time.monotonic() < until)) or self.is_busy or self.has_more:
            claimed += newly
            self.pause(newly)
        return claimed

    @property
    def is_busy(self) -> bool:
        return bool(self._network.under_way or self._results)

    @property
    def has_more(self) -> bool:
        """Return whether the next turn can plan more at once, for an announcement or an escalation."""
        return self._more

    def turn(self, *, claim: bool = True) -> int:
        """Record results and begin due deliveries in the free slots. Return how many were begun."""
        # The thread may belong to Celery or to a task backend.
        use_script_name()
        with measures.timed(measures.turn_time):
            begun = self._turn(claim=claim)
        with _isolation.guard(heartbeat.beat, "The sign of life"):
            heartbeat.beat()
        return begun

    def _turn(self, *, claim: bool) -> int:
        self._more = False
        if self._bulk_under_way or any(one.settled.delivery.rollout_id is not None for one in self._results):
            _show_life()
        self._record()
        free = min(BATCH, SLOTS - self._network.under_way)
        if not claim or free < BATCH // 4:
            return 0
        more = _plan()
        begun = self._begin(claiming.claim_due(free, held=self._free_for_held()))
        begun += self._begin_bulk(min(free - begun, BULK_SLOTS - self._bulk_under_way))
        self._more |= more
        return begun

    def pause(self, newly: int) -> None:
        """Wait a little before the next turn, unless more may be due and slots are free for it."""
        if self._network.under_way and newly < BATCH:
            self._network.wait(BUSY_SECONDS)

    def finish(self) -> None:
        """Wait for sends under way, and break off those without an answer in time."""
        until = time.monotonic() + STOP_SECONDS
        while self.is_busy:
            if time.monotonic() > until:
                self._network.break_off()
            self._network.wait(BUSY_SECONDS)
            self._record()
        _leave()

    def close(self) -> None:
        self._network.close()

    def _free_for_held(self) -> int:
        free = HELD_SLOTS - self._held_under_way
        return free if free >= HELD_SLOTS // 2 else 0

    def _begin_bulk(self, free: int) -> int:
        """Begin deliveries of announcements, in the slots that nothing else needs. Their rollouts share these."""
        if free < BATCH // 4:
            return 0
        planned = bulk.plan_more(free, self._begin)
        self._more, begun = planned.more, planned.begun
        if planned.rollouts:
            _show_life()
        for others, rollout in zip(range(len(planned.rollouts), 0, -1), planned.rollouts, strict=True):
            if share := math.ceil((free - begun) / others):
                begun += self._begin(claiming.claim_due(share, rollout=rollout))
        if not (begun or self._bulk_under_way):
            _leave(after=worker_life.LATE_SECONDS)
        return begun

    def _begin(self, claimed: Sequence[Delivery]) -> int:
        if not claimed:
            return 0
        wishes = wishes_of(claimed)
        alone, groups = held.split(claimed, wishes)
        whole = [*alone, *(one for group in groups for one in group.newest)]
        # Announcements may have waited beside other notifications.
        announced = mark_shown([one for one in whole if one.rollout_id is not None])
        left = {one.delivery.pk: one for one in leavers(announced)}
        self._results += [Result(settled=one) for one in left.values()]
        self._send([one for one in whole if one.pk not in left], groups, wishes)
        return len(claimed)

    def _send(self, whole: Sequence[Delivery], groups: Sequence[Group], wishes: Wishes) -> None:
        jobs: list[Sending] = []
        waits: list[Delivery] = []
        bulky = any(one.rollout_id is not None for one in whole)
        for one in prepared(whole, wishes):
            if bulky:
                _show_life()
            if isinstance(one, Sending):
                jobs.append(one)
                continue
            self._results.append(one)
            if one.settled.outcomes[-1].held:
                waits.append(one.settled.delivery)
        if waits:
            self._held.append((wishes, waits))
        jobs = self._groups.sum_up(groups, jobs, wishes.schedules)
        self._network.begin(jobs)
        self._count_under_way([job.delivery for job in jobs], 1)

    def _record(self) -> None:
        # Results are kept until they are written. Otherwise an unreachable database would cause a second send.
        collected = self._network.collect()
        self._count_under_way([one.settled.delivery for one in collected], -1)
        self._results += self._groups.expand(collected)
        self._groups.record_rest()
        mark_accepted(self._results)
        _write([result.settled for result in self._results])
        results, self._results = self._results, []
        _report_to_transports(results)
        while self._held:
            held.look_again(*self._held[-1])
            self._held.pop()

    def _count_under_way(self, changed: Sequence[Delivery], by: int) -> None:
        self._bulk_under_way += by * sum(one.rollout_id is not None for one in changed)
        self._held_under_way += by * sum(one.rollout_id is None and one.held_for_id is not None for one in changed)


def _plan() -> bool:
    """Run what others plan. One that fails rests, and holds up no delivery."""
    more = False
    resting = _isolation.resting()
    for plan in _planners:
        if plan not in resting:
            with _isolation.guard(plan, f"{plan!r}"):
                more |= plan()
    return more


def _show_life() -> None:
    with _isolation.guard(worker_life.beat, "The count of this process"):
        worker_life.beat()


def _leave(*, after: float = 0.0) -> None:
    with _isolation.guard(worker_life.leave, "The end of this process's count"):
        worker_life.leave(after=after)


# Recording


def _write(settled: Sequence[Settled]) -> None:
    try:
        claiming.record(settled)
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("%d outcomes cannot be recorded in one batch; trying each", len(settled))
        for one in settled:
            _write_alone(one)


def _write_alone(settled: Settled) -> None:
    try:
        claiming.record([settled])
    except CONNECTION_ERRORS:
        raise
    except Exception:
        log.exception("The outcome of delivery %s cannot be recorded", settled.delivery.pk)


def _report_to_transports(results: Iterable[Result]) -> None:
    learnt: dict[str, list[tuple[str, TransportError | None]]] = defaultdict(list)
    for result in results:
        one = result.settled.delivery
        if result.settled.outcomes[-1].attempted:
            learnt[one.transport].append((one.address, result.error))
    for name, its_results in learnt.items():
        transport = get_transport(name)
        if isinstance(transport, Learns):
            _report_to(transport, name, its_results)


def _report_to(transport: Learns, name: str, results: Sequence[tuple[str, TransportError | None]]) -> None:
    try:
        transport.learn(results)
    except Exception:
        # The outcomes are recorded by now, and other transports can still learn from theirs.
        log.exception("The transport %r failed to process the results of its sends", name)


# Running as a dedicated thread or process


def dedicate_process() -> None:
    """Adapt the interpreter to a process that does nothing but this. Call it once.

    Messages make many objects but next to no cyclic garbage, and each collection would scan all of Django's objects. So
    those that exist now are skipped. Threads that got an answer wait less for one that computes.
    """
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(TURN_SECONDS)


class WorkerThread:
    """A worker thread beside the hub, for a site that runs one process."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub-worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the sends under way, within a few seconds."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        run(self._stopping)


def run(stopping: threading.Event) -> None:
    """Work until `stopping` is set, then finish the sends under way. Wait for a database that is unreachable."""
    worker, swept = Worker(), 0.0
    try:
        while not stopping.is_set():
            if time.monotonic() - swept >= IDLE_SECONDS:
                swept = time.monotonic()
                _safely(sweep_in_turn)
            newly = _safely(worker.turn)
            release_connections()
            if newly is not None and (worker.is_busy or worker.has_more):
                worker.pause(newly)
            else:
                stopping.wait(IDLE_SECONDS)
        _safely(worker.finish)
    finally:
        worker.close()
        connections.close_all()


def _safely(act: Callable[[], T]) -> T | None:
    """Return None if the call failed: a worker that died would send nothing at all."""
    try:
        return act()
    except CONNECTION_ERRORS as error:
        log.warning("The worker could not reach the database (%s); trying again", error)
    except Exception:
        log.exception("The worker failed; trying again")
    close_old_connections()
    return None


_of_thread = threading.local()


def run_for_a_while() -> None:
    """Sweep, and send the deliveries that are due: the work of one task, in any engine."""
    sweep()
    # Kept between tasks, so that its connections to push services stay open.
    if not hasattr(_of_thread, "worker"):
        _of_thread.worker = Worker()
    _of_thread.worker.run_due(seconds=TASK_SECONDS)
