"""Jobs and the worker as Django tasks, in a real worker process of the database backend."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.jobs.tasks import DJANGO, left
from tests.jobs.test_worker import HURRY, OVER, delivered, job, start
from tests.push_lab.fixtures import push_service
from tests.push_lab.service import LocalPushService
from tests.support.processes import wait_until
from tests.support.site import Site
from tests.support.task_worker import TaskWorker
from tests.test_tasks import World, world_of

__all__ = ["push_service"]

if TYPE_CHECKING:
    StartSite = Callable[..., Site]


@pytest.fixture
def site(start_site: StartSite) -> Site:
    return start_site(hub=HURRY, JOB_ENGINE=DJANGO)


@pytest.fixture
def worker(site: Site, tmp_path: Path) -> Iterator[TaskWorker]:
    with TaskWorker(tmp_path, site.environment) as worker:
        yield worker


def test_jobs_end_whether_they_are_done_stopped_or_lose_their_worker(
    site: Site, worker: TaskWorker, tmp_path: Path
) -> None:
    trace, again = tmp_path / "trace", tmp_path / "again"
    done = start(site, f"count.s(3, 0.01, {str(trace)!r})")
    wait_until(lambda: job(site, done)["state"] == "done", seconds=30, every=0.1)

    stopped = start(site, "count.s(6000, 0.05)")
    wait_until(lambda: job(site, stopped)["done"] > 2, seconds=30, every=0.1)
    site.python(f"""
        from notifications_hub import Job, cancel
        cancel(Job.objects.get(pk={stopped!r}))
    """)
    wait_until(lambda: job(site, stopped)["state"] == "cancelled", seconds=30, every=0.1)

    resumed = start(site, f"count.s(30, 0.05, {str(again)!r})", restarts=1)
    wait_until(lambda: job(site, resumed)["done"] > 2, seconds=30, every=0.1)
    worker.kill()
    lost = start(site, "count.s(1)")
    worker.start()
    wait_until(lambda: {job(site, pk)["state"] for pk in (resumed, lost)} <= OVER, seconds=60, every=0.1)

    assert (job(site, done)["text"], left(trace)) == ("3 steps", ["began", "ended"])
    assert (job(site, resumed)["state"], left(again)) == ("done", ["began", "began", "ended"])
    assert sorted(delivered(site)) == ["task.done"] * 3


@pytest.fixture
def world(start_site: StartSite, push_service: LocalPushService) -> World:
    """A site whose worker is a Django task."""
    return world_of(start_site, push_service, {"TASK_BACKEND": "default", "EMBEDDED_WORKER": False})


def test_a_commit_wakes_the_worker_and_the_sweeper_finds_lost_wake_ups(world: World, tmp_path: Path) -> None:
    lose_wake_ups(world, world.notify)
    with TaskWorker(tmp_path, world.site.environment):
        wait_until(lambda: world.received == 1, seconds=40, what="the push whose wake-up was lost")
        world.notify()
        wait_until(lambda: world.received == 2, seconds=30, what="the push")
    lose_wake_ups(world, lambda: world.site.python(_BROADCAST))
    with TaskWorker(tmp_path, world.site.environment):
        wait_until(lambda: world.received == 3, seconds=40, what="the broadcast whose wake-up was lost")


def lose_wake_ups(world: World, act: Callable[[], object]) -> None:
    act()
    world.site.python("""
        import time
        from django_tasks_db.models import DBTaskResult
        time.sleep(1.5)
        DBTaskResult.objects.all().delete()
    """)


_BROADCAST = """
    from notifications_hub import broadcast
    broadcast(title="To everyone")
"""
