"""Real Celery workers on a real Redis, of which some are killed, and the broker too."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.jobs.tasks import left
from tests.support.celery import CeleryWorker
from tests.support.full import FULL
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

if TYPE_CHECKING:
    StartSite = Callable[..., Site]

# Short, so that a test need not wait as long as a person may have to.
HURRY = {"JOB_LEASE": 2.0, "JOB_RESEND": 2.0}
OVER = {"done", "failed", "cancelled"}


@pytest.fixture
def site(start_site: StartSite, redis_server: RedisServer) -> Site:
    return start_site(hub=HURRY, CELERY_BROKER_URL=redis_server.url)


@pytest.fixture
def worker(site: Site, tmp_path: Path) -> Iterator[CeleryWorker]:
    with CeleryWorker(tmp_path, site.environment) as worker:
        yield worker


def start(site: Site, signature: str, **about: object) -> str:
    """Start a job of Alice's. Return its id."""
    return site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications_hub import start
        from tests.jobs import tasks
        alice = get_user_model().objects.get(username="alice")
        print(start(tasks.{signature}, owner=alice, title="Report", **{about!r}).pk)
    """).strip()


def job(site: Site, pk: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        site.python(f"""
            import json
            from notifications_hub.jobs.models import Job
            one = Job.objects.get(pk={pk!r})
            print(json.dumps({{**one.as_json(), "starts": one.starts, "sends": one.sends}}))
        """)
    )
    return found


def delivered(site: Site) -> list[str]:
    return site.python("""
        from notifications_hub.models import Notification
        for row in Notification.objects.filter(recipient__username="alice", kind__startswith="task."):
            print(row.kind)
    """).split()


@pytest.mark.faults
def test_a_worker_killed_in_the_middle_ends_the_bar_or_begins_again(
    site: Site, worker: CeleryWorker, tmp_path: Path
) -> None:
    once, again = tmp_path / "once", tmp_path / "again"
    lost = start(site, f"count.s(600, 0.05, {str(once)!r})")
    resumed = start(site, f"count.s(30, 0.05, {str(again)!r})", restarts=1)
    wait_until(lambda: job(site, lost)["done"] > 5 and job(site, resumed)["done"] > 5, seconds=30, every=0.1)
    worker.kill()
    wait_until(lambda: job(site, lost)["state"] in OVER, seconds=HURRY["JOB_LEASE"] + 4)
    worker.start()
    wait_until(lambda: job(site, resumed)["state"] in OVER, seconds=30, every=0.1)

    assert (job(site, lost)["standing"], left(once)) == ("lost", ["began"])
    assert (job(site, resumed)["state"], left(again)) == ("done", ["began", "began", "ended"])
    assert sorted(delivered(site)) == ["task.done", "task.failed"]


@pytest.mark.faults
def test_a_killed_broker_loses_no_job(
    site: Site, worker: CeleryWorker, redis_server: RedisServer, tmp_path: Path
) -> None:
    trace, waiting = tmp_path / "trace", tmp_path / "waiting"
    running = start(site, f"count.s(100, 0.05, {str(trace)!r})")
    wait_until(lambda: job(site, running)["done"] > 5, seconds=30, every=0.1)
    redis_server.kill()
    unsent = start(site, f"count.s(2, 0.01, {str(waiting)!r})")
    assert job(site, unsent)["state"] == "queued"
    redis_server.start()
    for pk in (running, unsent):
        wait_until(lambda pk=pk: job(site, pk)["state"] == "done", seconds=30, every=0.1)  # type: ignore[misc]

    assert left(trace) == left(waiting) == ["began", "ended"]


@pytest.mark.faults
def test_revoking_a_task_in_celery_cancels_its_job(site: Site, worker: CeleryWorker) -> None:
    busy = [start(site, "silent.s(4)") for _ in range(2)]
    waiting, running = start(site, "count.s(5)"), busy[0]
    wait_until(lambda: all(job(site, pk)["state"] == "running" for pk in busy))
    site.python(f"""
        from celery import current_app
        current_app.control.revoke({waiting!r})
        current_app.control.revoke({running!r}, terminate=True)
    """)
    for pk in (waiting, running):
        wait_until(lambda pk=pk: job(site, pk)["state"] in OVER, seconds=30, every=0.1)  # type: ignore[misc]

    assert [job(site, pk)["state"] for pk in (waiting, running)] == ["cancelled", "cancelled"]


@pytest.mark.faults
@pytest.mark.parametrize("killed_after", [0.2, 0.7, 1.3, 2.1, 3.0])
def test_every_job_ends_and_notifies_once_when_workers_are_killed(
    site: Site, worker: CeleryWorker, tmp_path: Path, killed_after: float
) -> None:
    """Kill at any moment: before the message, between message and claim, in the middle, and at the end."""
    jobs = [start(site, f"count.s(10, 0.1, {str(tmp_path / str(number))!r})", restarts=5) for number in range(8)]
    time.sleep(killed_after)
    worker.kill()
    worker.start()
    for pk in jobs:
        wait_until(lambda pk=pk: job(site, pk)["state"] == "done", seconds=60, every=0.1)  # type: ignore[misc]

    assert sorted(delivered(site)) == ["task.done"] * len(jobs)
    for number in range(8):
        # Twice if it was killed between the task's last line and the update of its row.
        assert left(tmp_path / str(number)).count("ended") in (1, 2)


@pytest.mark.faults(short=True)
def test_a_killed_worker_is_noticed_within_half_a_minute(
    start_site: StartSite, redis_server: RedisServer, tmp_path: Path
) -> None:
    """Use the default settings at full size, and a short lease in the short form."""
    site = start_site(hub={} if FULL else HURRY, CELERY_BROKER_URL=redis_server.url)
    with CeleryWorker(tmp_path, site.environment) as worker:
        lost = start(site, "count.s(6000, 0.05)")
        wait_until(lambda: job(site, lost)["done"] > 5, seconds=30, every=0.1)
        worker.kill()
        wait_until(lambda: job(site, lost)["state"] in OVER, seconds=30, every=0.1)

    assert job(site, lost)["standing"] == "lost"
    assert delivered(site) == ["task.failed"]
