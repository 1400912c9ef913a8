"""A real standby that lags: people read lists from it, see what they did themselves, and miss nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.figures import record
from tests.faults.run import running
from tests.support.live import WEBSOCKET, listening_by
from tests.support.postgres import PostgresServer
from tests.support.processes import wait_until
from tests.support.site import Site, Visitor, manage, site_environment

SECONDS, RATE = 15, 30
API = "/api/v1/notifications/"
NOTIFY = """
from django.contrib.auth import get_user_model
from notifications.signals import notify
person = get_user_model().objects.get
for word in {words!r}:
    notify.send(person(username="bob"), recipient=person(username={to!r}), verb=word)
"""


class Standby:
    """A standby whose replay can be paused, and that counts the lists it serves."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    def run(self, statement: str) -> int:
        with psycopg.connect(self._server.url, autocommit=True) as connection:
            row = connection.execute(statement).fetchone()
            return int(row[0]) if row and str(row[0]).isdecimal() else 0

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.run("SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.run("SELECT (pg_get_wal_replay_pause_state() = 'paused')::int"))
        try:
            yield
        finally:
            self.run("SELECT pg_wal_replay_resume()")

    def reads(self) -> int:
        """Return how many rows of notifications have been read here, by an index or not."""
        return self.run(
            "SELECT idx_tup_fetch + seq_tup_read FROM pg_stat_user_tables"
            " WHERE relname = 'notifications_hub_notification'"
        )


@pytest.fixture(scope="module")
def replicated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Standby]]:
    with PostgresServer() as primary:
        environment = site_environment(DATABASE_URL=primary.url)
        for command in ("migrate", "createcachetable", "hub_demo"):
            manage(command, environment=environment)
        with PostgresServer(standby_of=primary) as standby:
            given = {"DATABASE_URL": primary.url, "REPLICA_URL": standby.url}
            site = Site(tmp_path_factory.mktemp("site"), hub={}, environment=given)
            try:
                yield site, Standby(standby)
            finally:
                site.close()


def titles(person: Visitor) -> list[str]:
    return [one["title"] for one in person.get(API).json()["results"]]


def unread(person: Visitor) -> list[str]:
    return [one["title"] for one in person.get(API, params={"unread": "true"}).json()["results"]]


@pytest.mark.postgres
@pytest.mark.faults
def test_a_person_sees_their_own_marks_while_the_replica_lags(replicated: tuple[Site, Standby]) -> None:
    site, standby = replicated
    alice, bob = site.visitor("alice"), site.visitor("bob")
    # Who was never notified has no topic, and reads from the primary.
    site.python(NOTIFY.format(words=["waved"], to="bob"))
    before = standby.reads()
    wait_until(lambda: titles(alice) and standby.reads() > before, what="that a list is read from the standby")
    before = standby.reads()
    wait_until(lambda: bob.get(API).ok and standby.reads() > before, what="that Bob's list is read from there")
    with standby.paused():
        site.python(NOTIFY.format(words=["sang", "danced"], to="alice"))
        assert titles(alice)[:2] == ["Bob danced", "Bob sang"]
        alice.post(f"{API}read/", json={"ids": [alice.get(API).json()["results"][0]["id"]]})
        assert "Bob danced" not in unread(alice)
        assert "Bob sang" in unread(alice)
        assert "Bob danced" in alice.get("/notifications/").text
        # Nothing of Bob has changed, so his lists still come from the standby.
        reads = standby.reads()
        wait_until(lambda: bob.get(API).ok and standby.reads() > reads)
    wait_until(lambda: "Bob danced" not in unread(alice))


@pytest.mark.postgres
@pytest.mark.faults
def test_a_list_and_its_cursor_leave_no_hole_while_the_replica_stops_and_goes(
    replicated: tuple[Site, Standby], tmp_path: Path
) -> None:
    """A page that reads a list, and then the events from its cursor on, has everything, whatever the lag."""
    site, standby = replicated
    alice = site.visitor("alice")
    with running(site.url, site.environment, tmp_path, people=2) as run:
        over = threading.Event()

        def stop_and_go() -> None:
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                with standby.paused():
                    site.python(NOTIFY.format(words=["waved"], to="alice"))
                    page = alice.get(API).json()
                    listed = {one["id"] for one in page["results"]}
                    site.python(NOTIFY.format(words=["called"], to="alice"))
                    with listening_by(WEBSOCKET, site, alice, cursor=page["cursor"]) as client:
                        came = {event["data"]["id"] for event in client.caught_up() if "id" in event["data"]}
                newest = {one["id"] for one in alice.get(API).json()["results"][:5]}
                assert newest <= listed | came
                time.sleep(0.2)
            over.set()

        verdict = run.prove(seconds=SECONDS, rate=RATE, happening=stop_and_go)
    record("A lagging replica", verdict)
    assert over.is_set()
    assert verdict.holds


@pytest.mark.postgres
@pytest.mark.faults
def test_lists_come_from_the_primary_while_the_replica_is_away(replicated: tuple[Site, Standby]) -> None:
    site, standby = replicated
    alice = site.visitor("alice")
    standby._server.kill()
    began = time.monotonic()
    assert titles(alice)
    took = time.monotonic() - began
    standby._server.start()
    record("A killed replica", recovery_seconds=took)
    assert took < 10
