"""Hosts on one machine: network namespaces joined by a switch that delays, drops and forgets what they send.

    with Network("web", "redis") as network:
        with network["redis"].entered():
            server = RedisServer(address=network["redis"].address)
        network.between("web", "redis", loss=1.0)

Root alone can make namespaces, so `needs_namespaces` skips tests that use them for anybody else.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from tests.support.processes import ROOT, Closing
from tests.support.switch import Rule

_NEW_NETWORK = 0x40000000
_THIS_NETWORK = Path("/proc/thread-self/ns/net")
_numbers = count(1)


def _can_make_namespaces() -> bool:
    return os.geteuid() == 0 and Path("/dev/net/tun").exists() and _ip_program() is not None


def _ip_program() -> str | None:
    return shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


needs_namespaces = pytest.mark.skipif(
    not _can_make_namespaces(), reason="needs root, `ip` and /dev/net/tun: it makes hosts of network namespaces"
)


@dataclass(frozen=True)
class Host:
    """A network namespace with one address. `device` is its end of the network."""

    namespace: str
    device: str
    address: str
    hardware_address: str

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Let this thread be on the host. Sockets, programs and threads that it makes meanwhile stay there."""
        before = os.open(_THIS_NETWORK, os.O_RDONLY)
        try:
            _enter_file(Path("/run/netns") / self.namespace)
            yield
        finally:
            _enter(before)
            os.close(before)


class Network(Closing):
    """Hosts that reach each other, by their names."""

    def __init__(self, *names: str) -> None:
        number = next(_numbers)
        own = f"h{os.getpid()}-{number}"
        self._hosts = {
            name: Host(f"{own}-{name}", f"{own}-{place}", f"10.77.{number}.{place}", f"02:00:00:00:00:{place:02x}")
            for place, name in enumerate(names, 1)
        }
        self._rules: dict[tuple[str, str], Rule] = {}
        taps = [f"{host.hardware_address}={host.device}" for host in self._hosts.values()]
        self._switch = subprocess.Popen(
            [sys.executable, "-m", "tests.support.switch", *taps],
            cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        try:
            self._hear("ready")
            for host in self._hosts.values():
                self._join(host)
        except BaseException:  # Ctrl-C too: nobody else could remove the namespaces
            self.close()
            raise

    def __getitem__(self, name: str) -> Host:
        return self._hosts[name]

    def between(self, one: str, other: str, *, delay: float = 0.0, loss: float = 0.0) -> None:
        """Delay all frames between two hosts by these seconds, and drop this part of them, in both directions."""
        self._change(one, other, delay=delay, loss=loss)

    def everywhere(self, *, delay: float = 0.0, loss: float = 0.0) -> None:
        """Do the same between all hosts."""
        for one in self._hosts:
            for other in self._hosts:
                if one < other:
                    self._change(one, other, delay=delay, loss=loss, is_told=False)
        self._tell()

    def cut(self, one: str, other: str) -> None:
        """Drop everything between two hosts in silence, until `between` or `heal`."""
        self.between(one, other, loss=1.0)

    def forget(self, one: str, other: str) -> None:
        """Drop what belongs to TCP connections that are open now, in silence, as a firewall does that was restarted."""
        rule = self._rules.get((self._hosts[one].device, self._hosts[other].device))
        self._change(one, other, forgets=(rule.forgets if rule else 0) + 1)

    def heal(self) -> None:
        """Let everything pass. What was forgotten stays so."""
        for pair, rule in self._rules.items():
            self._rules[pair] = replace(rule, delay=0.0, loss=0.0)
        self._tell()

    def close(self) -> None:
        self._switch.communicate()
        for host in self._hosts.values():
            subprocess.run([str(_ip_program()), "netns", "delete", host.namespace], check=False, capture_output=True)

    def _change(self, one: str, other: str, *, is_told: bool = True, **values: float) -> None:
        devices = self._hosts[one].device, self._hosts[other].device
        for pair in (devices, devices[::-1]):
            self._rules[pair] = replace(self._rules.get(pair, Rule(*pair)), **values)  # type: ignore[arg-type]
        if is_told:
            self._tell()

    def _tell(self) -> None:
        assert self._switch.stdin is not None
        self._switch.stdin.write(json.dumps([asdict(rule) for rule in self._rules.values()]) + "\n")
        self._switch.stdin.flush()
        self._hear("ok")

    def _hear(self, word: str) -> None:
        assert self._switch.stdout is not None
        heard = self._switch.stdout.readline().strip()
        assert heard == word, f"the switch said {heard!r}"

    def _join(self, host: Host) -> None:
        _ip("netns", "add", host.namespace)
        _ip("link", "set", host.device, "netns", host.namespace)
        own = ("-n", host.namespace)
        _ip(*own, "link", "set", "lo", "up")
        _ip(*own, "link", "set", host.device, "address", host.hardware_address, "up")
        _ip(*own, "address", "add", f"{host.address}/24", "dev", host.device)
        for other in self._hosts.values():
            if other is not host:
                # A router would not say either that a host behind it has gone.
                known = ("lladdr", other.hardware_address, "nud", "permanent", "dev", host.device)
                _ip(*own, "neighbour", "replace", other.address, *known)


def _ip(*arguments: str) -> None:
    ran = subprocess.run([str(_ip_program()), *arguments], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, f"ip {' '.join(arguments)}: {ran.stderr}"


def _enter_file(namespace: Path) -> None:
    file = os.open(namespace, os.O_RDONLY)
    try:
        _enter(file)
    finally:
        os.close(file)


def _enter(file: int) -> None:
    # Python has `os.setns` from 3.12 on.
    if ctypes.CDLL(None, use_errno=True).setns(file, _NEW_NETWORK) != 0:
        raise OSError(ctypes.get_errno(), "setns")
