"""A guard around code of another library that connects to addresses which people entered.

That library connects by itself, so its connections are checked by an audit hook (PEP 578) of the interpreter, which
sees them all. The hook acts only in a thread that runs inside `guarded`. There it refuses

- connections to private networks, unless the site lists the host,
- reading files that are not Python's own, and writing any,
- new processes, and new threads, which would not be guarded (Python 3.11 reports no threads).

It does not bound the size of an answer: the libraries read it whole, in memory. A hook cannot be removed, so it is
installed with the first use.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from notifications_hub.transports.outbound.endpoints import MayBePrivate, is_public

_SECRETIVE_LOGGERS = ("apprise", "urllib3.connectionpool", "urllib3.util.retry")
"""Loggers whose records may hold an address, with its tokens."""
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Forbidden(OSError):
    """Raised inside the guarded code. Libraries treat it like any connection that failed."""


class Guard:
    """The rules of one guarded call, and a record of it. Other threads may only call `cut_off`.

    A `trusted` call, whose address is the site's own, may do everything.
    """

    def __init__(self, may_be_private: MayBePrivate, *, trusted: bool = False) -> None:
        self.trusted = trusted
        self.refused = False
        self.logged: list[str] = []
        self._may_be_private = may_be_private
        self._name_is_listed = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._cut = False

    def cut_off(self) -> None:
        """End the connections of the call, so that its thread ends soon."""
        with self._lock:
            self._cut = True
            for one in self._sockets:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def forbid(self, what: str) -> None:
        if self.trusted:
            return
        self.refused = True
        raise Forbidden(f"Not allowed here: {what}.")

    def looks_up(self, host: object, port: object) -> None:
        number = int(port) if isinstance(port, int) or (isinstance(port, str) and port.isdecimal()) else 0
        self._name_is_listed = self._may_be_private(_text(host), number)

    def connects(self, one: socket.socket, address: Any) -> None:
        if one.family not in (socket.AF_INET, socket.AF_INET6) or not self._may_connect(address):
            self.forbid("a connection to a private network")
        # TLS takes the socket's file descriptor, so only a duplicate can still end the connection.
        twin = one.dup()
        with self._lock:
            self._sockets.append(twin)
            if self._cut:
                raise Forbidden("The deadline is over.")

    def close(self) -> None:
        with self._lock:
            for one in self._sockets:
                one.close()
            self._sockets.clear()

    def _may_connect(self, address: Any) -> bool:
        host, port = _text(address[0]), int(address[1])
        try:
            return self._name_is_listed or self._may_be_private(host, port) or is_public(host)
        except ValueError:
            # A name that was not looked up before: nobody knows where it leads.
            return False


@contextmanager
def guarded(guard: Guard) -> Iterator[None]:
    """Guard what this thread does inside the block."""
    _install()
    _here.guard = guard
    try:
        yield
    finally:
        _here.guard = None
        guard.close()


class _Here(threading.local):
    guard: Guard | None = None


_here = _Here()


@cache
def _install() -> None:
    sys.addaudithook(_audit)
    for name in _SECRETIVE_LOGGERS:
        logging.getLogger(name).addFilter(_keep_to_guard)


def _keep_to_guard(record: logging.LogRecord) -> bool:
    """Keep records of guarded calls out of the log: they may hold tokens."""
    if _here.guard is None:
        return True
    _here.guard.logged.append(record.getMessage())
    return False


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    check = _CHECKS.get(event)
    if check is not None and _here.guard is not None:
        check(_here.guard, *arguments)


def _opens(guard: Guard, path: object, mode: object, flags: object) -> None:
    if isinstance(path, int):
        return
    writes = isinstance(flags, int) and bool(flags & _WRITES)
    if writes or not os.path.realpath(_text(path)).startswith(_own_folders()):
        guard.forbid("a file")


def _forbids(guard: Guard, *arguments: object) -> None:
    guard.forbid("a thread or a process")


_CHECKS: dict[str, Callable[..., None]] = {
    "open": _opens,
    "socket.connect": Guard.connects,
    "socket.getaddrinfo": lambda guard, host, port, *rest: guard.looks_up(host, port),
    **dict.fromkeys(
        (
            "_thread.start_joinable_thread",
            "_thread.start_new_thread",
            "os.exec",
            "os.fork",
            "os.forkpty",
            "os.posix_spawn",
            "os.spawn",
            "os.system",
            "socket.sendto",
            "subprocess.Popen",
        ),
        _forbids,
    ),
}


@cache
def _own_folders() -> tuple[str, ...]:
    """Return the folders of Python, of its packages and of time zones."""
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    folders = {os.path.realpath(sysconfig.get_path(name)) for name in names}
    return (*(f"{folder}{os.sep}" for folder in sorted(folders)), "/usr/share/zoneinfo/")


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return str(Path(value)) if isinstance(value, os.PathLike) else str(value)
