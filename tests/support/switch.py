"""A network switch in a process of its own, which delays and drops frames by rules.

    python -m tests.support.switch 02:00:00:00:00:01=tap1 02:00:00:00:00:02=tap2

makes these TAP devices, and prints a line. Whoever started it moves each into a network namespace. A line of JSON on
standard input, a list of `Rule`, replaces the rules, and is answered by a line. Linux would do the same by `tc netem`,
which many kernels lack.
"""

from __future__ import annotations

import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

_TUNSETIFF = 0x400454CA
_TAP_WITHOUT_HEADER = 0x0002 | 0x1000
_FRAME = 65536
_IPV4, _TCP = b"\x08\x00", 6
_SYN = 0x02


@dataclass(frozen=True)
class Rule:
    """Treatment of the frames from one host to another. Hosts are named by their devices."""

    source: str
    target: str
    delay: float = 0.0
    """Seconds."""
    loss: float = 0.0
    """The part of the frames that is dropped, from 0.0 to 1.0."""
    forgets: int = 0
    """While this is as it was, TCP connections pass. A higher number drops those that were open before, in silence."""


class Switch:
    """Devices by the address of their host, and the rules between them."""

    def __init__(self, devices: Mapping[bytes, str]) -> None:
        self._names = {_open(name): name for name in devices.values()}
        files = {name: file for file, name in self._names.items()}
        self._files = {address: files[name] for address, name in devices.items()}
        self._rules: dict[tuple[str, str], Rule] = {}
        self._known: dict[tuple[str, str], set[bytes]] = {}
        self._due: list[tuple[float, int, int, bytes]] = []
        self._numbers = count()
        self._chance = random.Random(0)

    def run(self) -> None:
        """Pass frames on until standard input is closed."""
        poll = select.poll()
        for file in (0, *self._names):
            poll.register(file, select.POLLIN)
        while True:
            for file, _ in poll.poll(self._milliseconds()):
                if file:
                    self._take(file)
                elif not self._obey():
                    return
            self._send_due()

    def _milliseconds(self) -> float | None:
        return max(0.0, self._due[0][0] - time.monotonic()) * 1000 if self._due else None

    def _obey(self) -> bool:
        """Take new rules. Return whether there may be more."""
        line = sys.stdin.readline()
        if not line:
            return False
        before, rules = self._rules, [Rule(**rule) for rule in json.loads(line)]
        self._rules = {(rule.source, rule.target): rule for rule in rules}
        for pair, rule in self._rules.items():
            if rule.forgets > (before[pair].forgets if pair in before else 0):
                self._known[min(pair, pair[::-1])] = set()
        print("ok", flush=True)  # noqa: T201 -- the answer
        return True

    def _take(self, file: int) -> None:
        frame = os.read(file, _FRAME)
        target = self._files.get(frame[:6])
        if target is None:
            return  # A broadcast: hosts know each other's addresses.
        pair = self._names[file], self._names[target]
        rule = self._rules.get(pair)
        if rule is None:
            _write(target, frame)
        elif self._passes(frame, rule):
            heapq.heappush(self._due, (time.monotonic() + rule.delay, next(self._numbers), target, frame))

    def _passes(self, frame: bytes, rule: Rule) -> bool:
        if rule.forgets and not self._is_known(frame, (rule.source, rule.target)):
            return False
        return self._chance.random() >= rule.loss

    def _is_known(self, frame: bytes, pair: tuple[str, str]) -> bool:
        """Return whether the frame's TCP connection was opened since the switch forgot. Both directions are one."""
        if frame[12:14] != _IPV4 or frame[23] != _TCP:
            return True
        head = 14 + (frame[14] & 0x0F) * 4
        source, target = frame[26:30] + frame[head : head + 2], frame[30:34] + frame[head + 2 : head + 4]
        connection = min(source, target) + max(source, target)
        known = self._known.setdefault(min(pair, pair[::-1]), set())
        if frame[head + 13] & _SYN:
            known.add(connection)
        return connection in known

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._due and self._due[0][0] <= now:
            _, _, target, frame = heapq.heappop(self._due)
            _write(target, frame)


def _open(name: str) -> int:
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TAP_WITHOUT_HEADER))
    return file


def _write(file: int, frame: bytes) -> None:
    # The device is down, or its queue is full: a network may lose any frame.
    with suppress(OSError):
        os.write(file, frame)


def main(given: Sequence[str]) -> None:
    devices = dict(each.split("=") for each in given)
    switch = Switch({bytes.fromhex(address.replace(":", "")): name for address, name in devices.items()})
    print("ready", flush=True)  # noqa: T201 -- the answer
    switch.run()


if __name__ == "__main__":
    main(sys.argv[1:])
