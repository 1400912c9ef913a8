"""`/readyz`: which parts it names, what takes a process out of the load balancer, and what asking costs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
import requests
from django.db import transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.models.functions import Now
from django.test import Client

from notifications_hub.delivery import arming, heartbeat
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, WorkerHeartbeat
from notifications_hub.delivery.worker import Worker, run_for_a_while
from notifications_hub.ops import readiness
from notifications_hub.ops.asking import Question
from notifications_hub.streams.models import Event
from tests.inbox.support import send_one
from tests.support.databases import databases_like
from tests.support.postgres import PostgresServer
from tests.support.processes import wait_until
from tests.support.site import Site

if TYPE_CHECKING:
    from pytest_django import Settings

    from accounts.models import User

PARTS = ("database", "migrations", "worker", "numbering", "cache", "channel_layer", "server")
READY = dict.fromkeys(PARTS, "ok")

in_a_database = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def working(transactional_db: None) -> None:
    heartbeat.forget()
    heartbeat.beat()


def of(state: str, *parts: str) -> dict[str, str]:
    return {**READY, **dict.fromkeys(parts, state)}


def broken(*args: object, **options: object) -> None:
    raise OSError("password=hunter2")


# Parts


class TestParts:
    pytestmark = in_a_database

    def test_a_site_with_every_part_is_ready(self, client: Client, working: None) -> None:
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (200, READY)
        assert "no-store" in response["Cache-Control"]
        assert "Retry-After" not in response

    def test_a_missing_worker_is_named_and_takes_no_web_process_out(self, client: Client, db: None) -> None:
        WorkerHeartbeat.objects.all().delete()
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (200, of("late", "worker"))

    @pytest.mark.parametrize("work", [run_for_a_while, lambda: Worker().turn()])
    def test_a_worker_of_any_engine_shows_its_life_by_a_turn(self, db: None, work: Callable[[], object]) -> None:
        heartbeat.forget()
        WorkerHeartbeat.objects.all().delete()
        work()
        age = heartbeat.age()
        assert age is not None
        assert age < timedelta(seconds=20)

    def test_a_worker_that_is_silent_for_long_is_late(self, client: Client, working: None) -> None:
        WorkerHeartbeat.objects.update(at=Now() - timedelta(seconds=heartbeat.LATE_SECONDS + 1))
        assert client.get("/readyz").json() == of("late", "worker")

    def test_a_sign_of_life_from_the_future_is_replaced(self, working: None) -> None:
        WorkerHeartbeat.objects.update(at=Now() + timedelta(hours=1))
        heartbeat.forget()
        heartbeat.beat()
        assert WorkerHeartbeat.objects.filter(at__lte=Now()).exists()

    def test_of_many_workers_one_writes(self, working: None) -> None:
        before = WorkerHeartbeat.objects.get().at
        heartbeat.forget()
        heartbeat.beat()
        assert WorkerHeartbeat.objects.get().at == before

    def test_an_overdue_delivery_makes_the_worker_late(
        self, client: Client, working: None, alice: User, bob: User
    ) -> None:
        arming.arm([Plan(notification_pk=send_one(alice, bob).pk, transport="web_push", address="1")])
        Delivery.objects.update(due_at=Now() - timedelta(minutes=5))
        assert client.get("/readyz").json() == of("late", "worker")

    def test_an_old_event_without_a_number_is_named(self, client: Client, working: None) -> None:
        Event.objects.create(topic="post.1", kind="x", created=datetime.now(UTC) - timedelta(minutes=1))
        assert client.get("/readyz").json() == of("late", "numbering")

    def test_a_program_that_writes_for_long_takes_no_web_process_out(self, client: Client, working: None) -> None:
        with ThreadPoolExecutor(1) as other, transaction.atomic():
            WorkerHeartbeat.objects.update(at=Now())
            response = other.submit(client.get, "/readyz").result()
        # On SQLite the cache is in the same file, so it does wait.
        assert (response.status_code, {**response.json(), "cache": "ok"}) == (200, READY)

    def test_a_cache_that_is_away_is_named_without_its_cause(
        self, client: Client, working: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(readiness, "cache", SimpleNamespace(set=broken))
        response = client.get("/readyz")
        assert (response.status_code, response.json()) == (200, of("late", "cache"))

    def test_unapplied_migrations_make_a_process_unready(
        self, client: Client, working: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: [("0002", False)])
        response = client.get("/readyz")
        assert (response.status_code, response.json()["migrations"]) == (503, "failed")
        assert response["Retry-After"] == "2"

    def test_a_site_without_a_database_says_so_and_not_why(
        self, client: Client, working: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("notifications_hub.database.primary._HubConnection.__getattr__", broken)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["database"]) == (503, "failed")
        assert "hunter2" not in response.content.decode()


# Questions


def test_any_number_of_callers_cost_one_question() -> None:
    asked: list[int] = []

    def ask() -> int:
        asked.append(1)
        return len(asked)

    question = Question("test", ask, fresh=600)
    with ThreadPoolExecutor(20) as callers:
        answers = set(callers.map(lambda _: question.answer(), range(1000)))
    question.end()
    assert (answers, len(asked)) == ({1}, 1)


async def test_a_part_that_hangs_holds_one_thread_and_no_caller() -> None:
    hangs, asked = threading.Event(), []

    def ask() -> bool:
        asked.append(1)
        return hangs.wait()

    question = Question("test", ask, fresh=0.0, patience=0.1)
    began, threads = time.monotonic(), threading.active_count()
    assert set(await asyncio.gather(*(question.answer_async() for _ in range(1000)))) == {None}
    assert question.answer() is None
    assert threading.active_count() <= threads + 1
    assert len(asked) == 1
    assert time.monotonic() - began < 20
    hangs.set()
    await asyncio.to_thread(wait_until, lambda: question.answer() is True)
    await asyncio.to_thread(question.end)


# A real database that hangs


@pytest.fixture
def hanging(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as running:
        url = postgres_server.url_of("postgres")
        database = running.enter_context(databases_like(url, tmp_path, tmp_path)).copy()
        site = Site(tmp_path, hub={}, environment={"DATABASE_URL": database})
        running.callback(site.close)
        running.callback(postgres_server.resume)
        yield site


@pytest.mark.faults(short=True)
def test_a_database_that_hangs_is_reported_soon_and_costs_one_thread_and_no_connection(
    hanging: Site, postgres_server: PostgresServer
) -> None:
    """T12: the database hangs (SIGSTOP) while `/readyz` is asked all the time."""
    wait_until(lambda: ready(hanging).json() == READY, what="readiness with its embedded worker")
    before = resources(hanging, postgres_server.port)
    postgres_server.pause()
    wait_until(lambda: ready(hanging).status_code == 503)
    began = time.monotonic()
    with ThreadPoolExecutor(20) as callers:
        answers = list(callers.map(lambda _: ready(hanging), range(200)))
    elapsed = time.monotonic() - began
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.json()["database"] for answer in answers} == {"failed"}
    assert answers[0].headers["Retry-After"] == "2"
    assert elapsed < 30
    now = resources(hanging, postgres_server.port)
    # One more thread for each of the three questions, and the hub's own work that waits too.
    assert now["threads"] <= before["threads"] + 8
    # The question's own, and the hub's and its worker's, whose new connections hang beside the old ones.
    assert now["database"] <= before["database"] + 3
    assert requests.get(f"{hanging.url}/healthz", timeout=30).status_code == 200
    postgres_server.resume()
    wait_until(lambda: ready(hanging).status_code == 200)


def ready(site: Site) -> requests.Response:
    return requests.get(f"{site.url}/readyz", timeout=30)


def resources(site: Site, port: int) -> dict[str, int]:
    """Return the server's threads, and its connections to the database at this port."""
    folder = Path(f"/proc/{site.process_id}")
    own = {str(file.readlink()) for file in (folder / "fd").iterdir() if file.is_symlink()}
    rows = [line.split() for line in (folder / "net" / "tcp").read_text().splitlines()[1:]]
    to_database = [row for row in rows if int(row[2].rpartition(":")[2], 16) == port and f"socket:[{row[9]}]" in own]
    return {"threads": len(list((folder / "task").iterdir())), "database": len(to_database)}
