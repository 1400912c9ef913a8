"""`manage.py hub_worker` in processes of its own: stopped, killed at any instruction, several at once."""

from __future__ import annotations

import json
import signal
import sys
import textwrap
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import claiming
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import SLOTS, Worker
from notifications_hub.live.process_list import running
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.transports.web_push.subscriptions import register
from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.push_lab.faults import Fault
from tests.push_lab.fixtures import push_service
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.support.deliveries import make_due
from tests.support.full import report
from tests.support.processes import Program, wait_until
from tests.support.site import site_environment
from tests.support.together import database_url

__all__ = ["push_service"]

pytestmark = pytest.mark.django_db(transaction=True)

StartWorker = Callable[..., Program]
Held = dict[tuple[str, str], float]
"""Claimed deliveries without a recorded outcome, by notification and claim, with the end of the lease."""


@pytest.fixture
def hub(settings: Settings, push_service: LocalPushService) -> dict[str, object]:
    """Return the settings of this process and the workers."""
    hub: dict[str, object] = {
        "VAPID_PRIVATE_KEY": generate(),
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": [push_service.host],
        "ACK_WINDOW": 0,
    }
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **hub}
    return hub


@pytest.fixture
def start_worker(hub: dict[str, object], tmp_path: Path) -> Iterator[StartWorker]:
    """Start `hub_worker` on the test's database, with a lease of so many seconds. It stops within one second."""
    started: list[Program] = []

    def start_worker(lease: float = 60, **environment: str) -> Program:
        code = f"""
            import sys
            from datetime import timedelta
            import django
            django.setup()
            from django.core.management import call_command
            from notifications_hub.delivery import claiming, worker
            claiming.LEASE, worker.STOP_SECONDS = timedelta(seconds={lease}), 1.0
            call_command("hub_worker")
        """
        program = Program(
            [sys.executable, "-c", textwrap.dedent(code)],
            log=tmp_path / f"worker{len(started)}.log",
            environment=site_environment(hub=hub, DATABASE_URL=database_url(), **environment),
        )
        started.append(program)
        program.wait_until_ready(lambda: "Working" in program.log.read_text())
        return program

    yield start_worker
    for program in started:
        program.kill()


@pytest.fixture
def reader(push_service: LocalPushService, hub: dict[str, object], alice: User) -> Reader:
    """Alice's browser."""
    reader = push_service.subscribe(VapidKey(str(hub["VAPID_PRIVATE_KEY"])).public)
    register(alice, reader.to_json(), "")
    return reader


def send_to(person: User, times: int = 1) -> None:
    for _ in range(times):
        notify.send(person, recipient=person, verb="waved")


def has_taken(push_service: LocalPushService, least: int) -> bool:
    return len(push_service.messages) >= least


def settled() -> bool:
    return not Delivery.objects.filter(state=DeliveryState.WAITING).exists()


def test_a_worker_asked_to_stop_finishes_its_deliveries(
    push_service: LocalPushService, start_worker: StartWorker, reader: Reader, alice: User
) -> None:
    push_service.fail(Fault(201, mode="slow"))
    send_to(alice)
    worker = start_worker()
    wait_until(lambda: push_service.requests, what="the push")
    worker.stop(signal.SIGTERM)
    assert worker.process.returncode == 0
    assert Delivery.objects.values_list("state", "claim").get() == ("sent", None)


def test_a_worker_is_listed_for_the_doctor_until_it_stops(
    settings: Settings, start_worker: StartWorker, tmp_path: Path
) -> None:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path / "cache")}}
    worker = start_worker(TEST_SETTINGS=json.dumps({"CACHES": settings.CACHES}))
    wait_until(running, seconds=30, what="an entry of the worker")
    assert [process.program for process in running() or []] == ["hub_worker"]
    worker.stop(signal.SIGTERM)
    assert running() == []


def test_a_worker_asked_to_stop_releases_unanswered_deliveries(
    push_service: LocalPushService, start_worker: StartWorker, reader: Reader, alice: User
) -> None:
    push_service.fail(Fault(mode="hang"))
    send_to(alice)
    worker = start_worker()
    wait_until(lambda: push_service.requests, what="the push")
    worker.stop(signal.SIGTERM)
    one = Delivery.objects.get()
    assert (one.state, one.claim, one.reason) == ("waiting", None, "worker_stopped")
    make_due()
    with closing(Worker()) as another:
        another.run_due()
    assert Delivery.objects.get().state == "sent"


@pytest.mark.postgres
def test_a_worker_killed_in_the_middle_loses_nothing(
    push_service: LocalPushService, start_worker: StartWorker, reader: Reader, alice: User
) -> None:
    send_to(alice, 100)
    # This is long enough for a living worker on a busy machine: it imports much before its first push.
    _kill(push_service, start_worker, reader, kills=1, lease=6)


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("fault", [Fault(mode="hang"), Fault(201, mode="slow")], ids=["unanswered", "accepted"])
def test_a_worker_killed_while_it_sums_up_leaves_one_summary(
    fault: Fault, push_service: LocalPushService, start_worker: StartWorker, reader: Reader, alice: User
) -> None:
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=1)))
    send_to(alice, 30)
    make_due()
    with closing(Worker()) as worker:
        worker.run_due()
    assert set(Delivery.objects.values_list("reason", flat=True)) == {"quiet_hours"}
    assert push_service.requests == []

    QuietHours.objects.update(schedule=Schedule().as_json())
    make_due()
    push_service.fail(fault)
    killed = start_worker()
    wait_until(lambda: push_service.requests, seconds=60, what="the summary")
    killed.kill()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"waiting"}
    # The lease of the killed one is over.
    make_due(state="waiting", claim__isnull=False)
    with closing(Worker()) as another:
        another.run_due()
    assert set(Delivery.objects.values_list("state", "reason")) == {("sent", "summed_up")}
    [shown] = [one for one in push_service.sent_to(reader.endpoint) if one.state == "stored"]
    assert reader.read_json(shown.body)["notification"]["title"] == "30 notifications while you were away"
    [sent] = Delivery.objects.filter(summary=None)
    assert set(Delivery.objects.exclude(pk=sent.pk).values_list("summary", flat=True)) == {sent.pk}


@pytest.mark.faults
@pytest.mark.postgres
def test_workers_killed_one_after_the_other_lose_nothing(
    push_service: LocalPushService, start_worker: StartWorker, reader: Reader, alice: User
) -> None:
    send_to(alice, 800)
    _kill(push_service, start_worker, reader, kills=8, lease=claiming.LEASE.total_seconds())


def _kill(
    push_service: LocalPushService, start_worker: StartWorker, reader: Reader, *, kills: int, lease: float
) -> None:
    """Assert that each push arrives at least once, and again only if a worker was killed while it held the delivery."""
    pushes = Delivery.objects.count()
    under_way: list[Held] = []
    for _ in range(kills):
        held = _killed_in_the_middle(push_service, start_worker, pushes // (kills + 1), lease)
        under_way.append(
            {claimed: ends for claimed, ends in held.items() if not any(claimed in one for one in under_way)}
        )
    killed = time.monotonic()
    start_worker(lease)
    wait_until(settled, seconds=lease + 60, what="the last worker")
    assert time.monotonic() - killed < lease + 30, "what the last one held was taken over in time"
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}

    arrivals = _arrivals(push_service, reader)
    assert len(arrivals) == pushes
    assert max(map(len, under_way)) <= SLOTS
    for item, times in arrivals.items():
        leases = sorted(ends for held in under_way for (one, _claim), ends in held.items() if one == item)
        of_lease = Counter(bisect_right(leases, at) for at in times)
        assert set(of_lease.values()) == {1}, f"more than once a lease; leases ended {leases}, it came {sorted(times)}"
    waiting = [one for one in push_service.sent_to(reader.endpoint) if one.state == "stored"]
    assert len(waiting) == pushes, "of one tag, one waits to be shown"
    again = sum(map(len, arrivals.values())) - pushes
    report(f"{pushes:,} pushes, {kills} killed: {sum(map(len, under_way)):,} under way, {again:,} came again")


def _killed_in_the_middle(push_service: LocalPushService, start_worker: StartWorker, enough: int, lease: float) -> Held:
    """Kill a worker after so many sends. Return the deliveries that it and earlier workers held."""
    # Some sends are not accepted, so that it holds deliveries that only another worker can send.
    push_service.fail(Fault(mode="hang", times=10))
    until = len(push_service.messages) + enough
    worker = start_worker(lease)
    wait_until(partial(has_taken, push_service, until), seconds=lease + 60, what="a part of the pushes")
    worker.kill()
    return _held()


def _held() -> Held:
    claimed = Delivery.objects.filter(state=DeliveryState.WAITING).exclude(claim=None)
    rows = claimed.values_list("notification_id", "claim", "due_at")
    return {(str(pk), str(claim)): ends.timestamp() for pk, claim, ends in rows}


def _arrivals(push_service: LocalPushService, reader: Reader) -> dict[str, list[float]]:
    """Map notifications to the times at which their pushes arrived."""
    found: dict[str, list[float]] = defaultdict(list)
    for one in push_service.sent_to(reader.endpoint):
        found[reader.read_json(one.body)["id"]].append(one.expires - one.ttl)
    return found
