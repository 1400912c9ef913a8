"""Failover to a standby without the last commits: numbers are given again, and no client confuses their events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing

import pytest

from tests.support.backup import server_with_tables
from tests.support.databases import Databases
from tests.support.postgres import PostgresServer
from tests.support.site import Shell, site_environment

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def _server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    with server_with_tables(databases, tmp_path_factory.mktemp("failover")) as server:
        yield server


@pytest.fixture
def primary(_server: PostgresServer) -> PostgresServer:
    """The server, up again if the test before killed it. Each test has a topic of its own."""
    if not _server.running:
        _server.start()
    return _server


class Publisher:
    """A process on one database server that publishes and reads on one topic."""

    def __init__(self, server: PostgresServer, topic: str) -> None:
        self._topic = topic
        self._shell = Shell(site_environment(DATABASE_URL=server.url))
        self.close = self._shell.close
        self._shell.python("""
            from notifications_hub import publish_many, streams
            from notifications_hub.streams.cursor import Position
            from notifications_hub.streams.numberer import numberer
            from notifications_hub.streams import Stream
        """)

    def publish(self, words: str, count: int) -> None:
        self._shell.python(f"""
            publish_many(({self._topic!r}, "note", {{"words": {words!r}}}) for number in range({count}))
            assert numberer.finish(20)
        """)

    @property
    def epoch(self) -> str:
        return self._shell.python(f"print(Stream.objects.get(topic={self._topic!r}).epoch)").strip()

    @property
    def top(self) -> int:
        return int(self._shell.python(f"print(Stream.objects.get(topic={self._topic!r}).top)"))

    def read_after(self, epoch: str, seq: int) -> tuple[bool, int]:
        """Return whether the reading is a reset, and its number of events."""
        reset, count = self._shell.python(f"""
            [reading] = streams.read({{{self._topic!r}: Position({epoch!r}, 0, {seq})}})
            print(int(reading.reset), len(reading.events))
        """).split()
        return reset == "1", int(count)


def on(server: PostgresServer, topic: str) -> AbstractContextManager[Publisher]:
    return closing(Publisher(server, topic))


def test_a_client_from_before_a_failover_is_reset_when_lost_numbers_are_reused(primary: PostgresServer) -> None:
    with on(primary, "post.901") as before:
        before.publish("first", 95)
        with PostgresServer(standby_of=primary) as standby:
            # The standby has the first events. Those committed while it is down are lost with the primary.
            standby.kill()
            before.publish("lost", 5)
            epoch, top = before.epoch, before.top
            primary.kill()
            standby.start()
            standby.promote()
            with on(standby, "post.901") as after:
                assert (top, after.top, after.epoch) == (100, 95, epoch)
                assert after.read_after(epoch, 100) == (True, 0)
                after.publish("others", 10)
                assert after.read_after(epoch, 100) == (True, 0)
                new_epoch = after.epoch
                after.publish("next", 1)
                assert (after.top, after.epoch) == (106, new_epoch)
                assert after.read_after(new_epoch, 95) == (False, 11)


def test_a_server_that_only_restarts_keeps_its_epochs(primary: PostgresServer) -> None:
    with on(primary, "post.902") as before:
        before.publish("first", 3)
        epoch = before.epoch
    primary.stop()
    primary.start()
    with on(primary, "post.902") as after:
        after.publish("next", 1)
        assert (after.top, after.epoch) == (4, epoch)
