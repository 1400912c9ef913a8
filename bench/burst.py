"""A burst of events to open sockets: the events that arrived, their times, and the processor time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from subprocess import Popen

from bench.client import Client, Line, Received
from bench.processes import Server
from bench.stage import finish


@dataclass(frozen=True, slots=True)
class Burst:
    received: Received
    expected: int
    published_per_second: float
    server_cpu: float
    """The cores that the servers used from the first event to the last."""

    @property
    def seconds(self) -> float:
        return max((self.received.last_ns - self.received.first_ns) / 1e9, 0.001)

    @property
    def per_second(self) -> float:
        return self.received.events / self.seconds

    @property
    def lost(self) -> str:
        missing = self.expected - self.received.events
        return f"{missing:,} ({missing / self.expected:.1%})" if missing else "0"

    @property
    def whole(self) -> bool:
        return self.received.events == self.expected and self.received.disorder == 0


def burst(servers: Sequence[Server], lines: Sequence[Line], expected: int, publish: Callable[[], Popen[str]]) -> Burst:
    """Open the sockets, publish, and wait for all events, or until no more arrive."""
    with Client(lines, expect=expected, at_once=200) as client:
        client.connected().check()
        for server in servers:
            server.settle()
        before = sum(server.cpu_seconds() for server in servers)
        pace = finish(publish())["per_second"]
        received = client.rest()
        cpu = sum(server.cpu_seconds() for server in servers) - before
    seconds = max((received.last_ns - received.first_ns) / 1e9, 0.001)
    return Burst(received, expected, pace, cpu / seconds)
