"""Failover to a standby without the last commits: numbers are given again, and no client confuses their events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing

import pytest

from tests.support.postgres import PostgresServer
from tests.support.site import Shell, site_environment

pytestmark = pytest.mark.postgres


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


class Publisher:
    """A process on one database server that publishes and reads on one topic."""

    def __init__(self, server: PostgresServer) -> None:
        self._shell = Shell(site_environment(DATABASE_URL=server.url))
        self.close = self._shell.close
        self._shell.python("""
            from django.core.management import call_command
            from notifications_hub import publish_many, streams
            from notifications_hub.streams.cursor import Position
            from notifications_hub.streams.numberer import numberer
            from notifications_hub.streams import Stream
        """)

    def migrate(self) -> None:
        self._shell.python("call_command('migrate', verbosity=0)")

    def publish(self, words: str, count: int) -> None:
        self._shell.python(f"""
            publish_many(("post.9", "note", {{"words": {words!r}}}) for number in range({count}))
            assert numberer.finish(20)
        """)

    @property
    def epoch(self) -> str:
        return self._shell.python("print(Stream.objects.get(topic='post.9').epoch)").strip()

    @property
    def top(self) -> int:
        return int(self._shell.python("print(Stream.objects.get(topic='post.9').top)"))

    def read_after(self, epoch: str, seq: int) -> tuple[bool, int]:
        """Return whether the reading is a reset, and its number of events."""
        reset, count = self._shell.python(f"""
            [reading] = streams.read({{"post.9": Position({epoch!r}, 0, {seq})}})
            print(int(reading.reset), len(reading.events))
        """).split()
        return reset == "1", int(count)


def on(server: PostgresServer) -> AbstractContextManager[Publisher]:
    return closing(Publisher(server))


def test_a_client_from_before_a_failover_is_reset_when_lost_numbers_are_reused(primary: PostgresServer) -> None:
    with on(primary) as before:
        before.migrate()
        before.publish("first", 95)
        with PostgresServer(standby_of=primary) as standby:
            # The standby has the first events. Those committed while it is down are lost with the primary.
            standby.kill()
            before.publish("lost", 5)
            epoch, top = before.epoch, before.top
            primary.kill()
            standby.start()
            standby.promote()
            with on(standby) as after:
                assert (top, after.top, after.epoch) == (100, 95, epoch)
                assert after.read_after(epoch, 100) == (True, 0)
                after.publish("others", 10)
                assert after.read_after(epoch, 100) == (True, 0)
                new_epoch = after.epoch
                after.publish("next", 1)
                assert (after.top, after.epoch) == (106, new_epoch)
                assert after.read_after(new_epoch, 95) == (False, 11)


def test_a_server_that_only_restarts_keeps_its_epochs(primary: PostgresServer) -> None:
    with on(primary) as before:
        before.migrate()
        before.publish("first", 3)
        epoch = before.epoch
    primary.stop()
    primary.start()
    with on(primary) as after:
        after.publish("next", 1)
        assert (after.top, after.epoch) == (4, epoch)
