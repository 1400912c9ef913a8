"""The hub: one object per process that holds the connections and fans events out to them.

Hints, from this process and over the channel layer from others, say that a topic has new events. The hub then reads the
log once for all its connections and offers them the events. Hints may be lost, duplicated or late. So each second the
hub checks the log itself, and numbers the events that a killed process left behind. The live path may be late, never
wrong.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from typing import Any

from notifications_hub.conf import hub_settings
from notifications_hub.database.reconnect import CONNECTION_ERRORS, first_line
from notifications_hub.live.access_enforcement import AccessEnforcer
from notifications_hub.live.admission import Admitted, ConnectionRequest
from notifications_hub.live.channel_layer import Layer
from notifications_hub.live.close_codes import RESTART, TOO_MANY, TOO_SLOW
from notifications_hub.live.connection import Connection
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.live.eager_start import cancel_all, in_turn
from notifications_hub.live.fanout import Fanout
from notifications_hub.live.frames import Positions
from notifications_hub.live.handshake import Handshakes
from notifications_hub.live.list_members import ListMembers
from notifications_hub.live.log_reader import LogReader
from notifications_hub.live.presence import Presence
from notifications_hub.live.revocation import forget_old
from notifications_hub.live.shared_cap import SharedCap
from notifications_hub.live.topic_visits import TopicVisits
from notifications_hub.live.visitor import cap_of
from notifications_hub.streams.sweeper import sweep_in_turn
from notifications_hub.telemetry import measures

SWEEP_SECONDS = 1.0
CACHE_THREADS = 2
STALL_SECONDS = 10.0
"""Longest time that one frame may take to send before its client is considered gone."""
KEEPALIVE_SECONDS = 25.0
"""Longest silence on a WebSocket: proxies drop idle connections, and a script cannot see a server's pings."""
_SHARES = 25
FORGET_SECONDS = 60.0
_GATHER_SECONDS = 0.05
_UNTRACED: Mapping[str, str] = {}

log = logging.getLogger(__name__)


class Hub:
    """The connections of one process, and the background tasks that serve them.

    Call everything on its event loop, except the methods marked as callable from any thread.
    """

    def __init__(self) -> None:
        self.database = Database("hub")
        self.log = LogReader(self.database)
        # Separate threads: a hanging cache must not delay a revocation or an admission.
        self.cache = Database("cache", threads=CACHE_THREADS)
        self.presence = Presence(self.cache)
        self._topic_visits = TopicVisits(self.database)
        self._registry = Registry()
        self._enforcer = AccessEnforcer(self.database, self._registry)
        self._handshakes = Handshakes(self.database, self.cache, self._enforcer)
        self._loop = asyncio.get_running_loop()
        self._layer = Layer(self._on_layer_message)
        self._list_members = ListMembers(self.database, self._registry, self._listen_also)
        self._fanout = Fanout(self.database, self._list_members.note)
        self._shared_cap = SharedCap(self.cache, self._registry, self.presence.name)
        self._anonymous = 0
        self._draining = False
        self._share = 0
        self._revoked = asyncio.Event()
        self._tasks = [
            self._loop.create_task(self._forever(step), name=f"hub {step.__name__}")
            for step in (
                self._fanout.read_behind,
                self._list_members.add_members,
                self._sweep,
                self._handle_revocations,
                self._send_keepalives,
                self._enforcer.revalidation.check_next,
                self._enforcer.recheck,
                self._enforcer.end_due,
                self._forget_old,
                self._layer.listen,
                self._layer.stay,
                self.presence.refresh,
                self._topic_visits.renew,
                self._shared_cap.check,
            )
        ]

    # From any thread

    def hint(self, tops: Mapping[str, int], traces: Mapping[str, str] = _UNTRACED) -> None:
        """Announce new events of this process, by the top of each topic, to this hub and over the layer to others."""
        self._loop.call_soon_threadsafe(self._fanout.note, dict(tops), traces)
        self._loop.call_soon_threadsafe(self._layer.hint, dict(tops), traces)

    def publish_ephemeral(self, topic: str, event: str) -> None:
        """Send an encoded event, which is not logged, to current listeners in every process that the layer reaches."""
        self._loop.call_soon_threadsafe(self._fanout.publish_ephemeral, topic, event)
        self._loop.call_soon_threadsafe(self._layer.publish_ephemeral, topic, event)

    def hint_revocation(self) -> None:
        """Note that a revocation was committed, so that it is handled soon."""
        self._loop.call_soon_threadsafe(self._revoked.set)

    # Connections

    async def admit(self, scope: Mapping[str, Any], wanted: ConnectionRequest) -> Admitted:
        """Admit a client, or raise `Refusal`."""
        return await self._handshakes.admit(scope, wanted)

    async def admit_again(self, connection: Connection, names: Sequence[str]) -> Admitted:
        """Admit an open connection to these topics instead, or raise `Refusal`."""
        return await self._handshakes.admit_again(connection, names)

    def holding(self, connection: Connection) -> _Holding:
        """Return a context manager that keeps a connection joined, and has it catch up."""
        return _Holding(self, connection)

    def change(self, connection: Connection, positions: Positions, reset: Sequence[str]) -> None:
        """Make a connection listen to exactly these topics."""
        dropped, added = connection.positions.keys() - positions.keys(), positions.keys() - connection.positions.keys()
        self._fanout.forget(connection, dropped)
        self._topic_visits.closed(connection.person_pk, dropped)
        self._topic_visits.opened(connection.person_pk, added)
        self._fanout.listen(connection, positions)
        connection.change(positions, reset)
        self._enforcer.replay(connection)

    def _listen_also(self, connection: Connection, positions: Positions) -> None:
        self.change(connection, {**connection.positions, **positions}, [])

    def join(self, connection: Connection) -> None:
        # Listen before the connection reads the log, so that no event falls between its read and the hub's.
        self._fanout.listen(connection, connection.positions)
        self._registry.add(connection)
        measures.connections.labels(connection.kind).inc()
        measures.opened.labels(connection.kind).inc()
        for oldest in self._registry.of_owner(connection.owner)[: -cap_of(connection.owner)]:
            oldest.end(TOO_MANY)
        self._shared_cap.changed(connection.owner)
        if self._draining:
            connection.end(RESTART)
        connection.share = self._share
        if connection.credential:
            self.presence.arrived(connection.person_pk)
        else:
            self._count_anonymous(connection)
        self._topic_visits.opened(connection.person_pk, connection.positions)
        self._enforcer.join(connection)
        self._list_members.join(connection)
        connection.start().add_done_callback(lambda _: self._fanout.caught_up(connection))

    def leave(self, connection: Connection) -> None:
        self._fanout.forget(connection, connection.positions)
        self._enforcer.leave(connection)
        self._registry.remove(connection)
        measures.connections.labels(connection.kind).dec()
        self._shared_cap.changed(connection.owner)
        if not connection.credential:
            self._anonymous -= 1
        elif not self._registry.of_owner(connection.owner):
            self.presence.left(connection.person_pk)
        self._topic_visits.closed(connection.person_pk, connection.positions)
        connection.stop()

    def _count_anonymous(self, connection: Connection) -> None:
        self._anonymous += 1
        if 0 < hub_settings.live_anonymous < self._anonymous:
            connection.end(TOO_MANY)

    def connections(self) -> list[Connection]:
        return self._registry.all()

    @property
    def is_draining(self) -> bool:
        return self._draining

    def layer_answers(self, seconds: float) -> bool:
        """Return whether the channel layer takes a message. Call it from another thread, which waits."""
        return self._layer.answers_within(seconds, self._loop)

    def drain(self) -> None:
        """Ask every client to reconnect elsewhere. Callable from any thread and from a signal handler."""
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        # Connections that still arrive are ended as well: a server listens on for a moment, and then waits for them.
        self._draining = True
        for connection in self.connections():
            connection.end(RESTART)

    async def stop(self) -> None:
        """End every connection, and release threads and database connections."""
        self._drain()
        await cancel_all(self._tasks)
        await self.presence.close()
        await self._topic_visits.close()
        await self._shared_cap.close()
        await self._layer.close()
        await asyncio.to_thread(self._fanout.close)
        await asyncio.to_thread(self.database.close)
        await asyncio.to_thread(self.cache.close)

    async def _forever(self, step: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a step in a loop. Log a fault (an unreachable database, say) and try again."""
        while True:
            try:
                await step()
            except asyncio.CancelledError:
                if self._is_ending():
                    raise
                self._go_on_after_cancellation(step.__qualname__)
            except CONNECTION_ERRORS as error:
                log.warning("%s could not reach the database; trying again: %s", step.__qualname__, first_line(error))
                await asyncio.sleep(SWEEP_SECONDS)
            except Exception:
                log.exception("%s failed; trying again", step.__qualname__)
                await asyncio.sleep(SWEEP_SECONDS)

    def _is_ending(self) -> bool:
        # `stop` cancels all tasks, and so does a closing event loop. A single task was cancelled by other code, by
        # mistake. Without this check nothing would ever be fanned out, or swept, again.
        return all(task.done() or task.cancelling() for task in self._tasks)

    def _go_on_after_cancellation(self, name: str) -> None:
        log.error("%s was cancelled by other code; continuing", name)
        if task := asyncio.current_task():
            task.uncancel()

    # Messages of the channel layer

    def _on_layer_message(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "hub.hint":
            # A process of an earlier release sends a mapping, and no traces.
            self._fanout.note(dict(message["tops"]), dict(message.get("traces", ())))
        else:
            self._fanout.publish_ephemeral(message["topic"], message["event"])

    # Periodic work

    async def _sweep(self) -> None:
        due = self._loop.time() + SWEEP_SECONDS
        await asyncio.sleep(SWEEP_SECONDS)
        measures.loop_lag.observe(max(0.0, self._loop.time() - due))
        self._end_stalled()
        await self.database(sweep_in_turn)
        await self._fanout.check_log()

    def _end_stalled(self) -> None:
        longest = self._loop.time() - STALL_SECONDS
        for connection in self.connections():
            since = connection.stalled_since()
            if since is not None and since < longest:
                connection.end(TOO_SLOW)

    async def _send_keepalives(self) -> None:
        # One share at a time, so that no event waits behind thousands of keepalive frames.
        await asyncio.sleep(KEEPALIVE_SECONDS / _SHARES)
        self._share = (self._share + 1) % _SHARES
        await in_turn([one.send_keepalive for one in self.connections() if one.share == self._share])

    async def _handle_revocations(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._revoked.wait(), SWEEP_SECONDS)
            # Revocations usually come in groups: gather them for one read.
            await asyncio.sleep(_GATHER_SECONDS)
        self._revoked.clear()
        await self._enforcer.handle_revocations()

    async def _forget_old(self) -> None:
        await asyncio.sleep(FORGET_SECONDS)
        await self.database(forget_old)


class _Holding:
    """A context manager as `contextmanager` would make it, but half a kilobyte smaller; each socket keeps one."""

    __slots__ = ("_connection", "_hub")

    def __init__(self, hub: Hub, connection: Connection) -> None:
        self._hub = hub
        self._connection = connection

    def __enter__(self) -> None:
        self._hub.join(self._connection)

    def __exit__(self, *error: object) -> None:
        self._hub.leave(self._connection)


# One per process

_hub: Hub | None = None
_lock = threading.Lock()
_of_parents: list[Hub] = []


def start_hub() -> Hub:
    """Return the process's hub. Make it on the running event loop if there is none; nothing starts at import."""
    global _hub  # noqa: PLW0603 -- one per process, made when first needed
    with _lock:
        if _hub is None:
            _hub = Hub()
        return _hub


def current_hub() -> Hub | None:
    return _hub


async def stop_hub() -> None:
    global _hub
    with _lock:
        hub, _hub = _hub, None
    if hub is not None:
        await hub.stop()


def _forget_parent() -> None:
    """Forget the parent's hub after a fork: no thread runs its loop here. The child publishes as if it had no hub."""
    # A new lock: another thread of the parent may have held the old one at the fork.
    global _hub, _lock
    if _hub is not None:
        # Keep a reference: collecting it would close sockets and a selector that the parent still uses.
        _of_parents.append(_hub)
    _hub, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget_parent)
