"""The processes that run a hub or `hub_worker`, listed in the shared cache, so that `hub_doctor` knows them."""

from __future__ import annotations

import functools
import os
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notifications_hub.cache_keys import cache_key
from notifications_hub.guarded_cache import cache
from notifications_hub.live.cache_sharing import is_cache_shared

REFRESH_SECONDS = 20.0
WORKER = "hub_worker"
_LIFE_SECONDS = 60.0
_SERVERS = ("daphne", "granian", "gunicorn", "hypercorn", "uvicorn")

_Entry = tuple[str, bool, float]
"""Program, whether it has a lifespan, and the time until which the entry counts. Every release can read a tuple."""


@dataclass(frozen=True, slots=True)
class ListedProcess:
    """A process that runs a hub or is a worker. Without a lifespan it started the hub at its first request."""

    program: str
    """The server's name, `WORKER`, or an empty text for an unknown server."""
    has_lifespan: bool = True
    name: str = field(default_factory=lambda: f"{os.getpid()}-{secrets.token_hex(4)}")


def server_of(send: object) -> str:
    """Return the name of the server that made this `send`, as far as nothing has wrapped it."""
    inner = send.func if isinstance(send, functools.partial) else send
    owner = type(getattr(inner, "__self__", inner))
    package = owner.__module__.partition(".")[0].strip("_")
    return package if package in _SERVERS else ""


def enlist(process: ListedProcess) -> None:
    """Keep a process in the list. Call it every `REFRESH_SECONDS`; it mostly only reads."""
    listed = _listed()
    # Another process may have overwritten the list from an older read, so an entry is looked for each time.
    if process.name not in listed or listed[process.name][2] < time.time() + _LIFE_SECONDS / 2:
        entry = (process.program, process.has_lifespan, time.time() + _LIFE_SECONDS)
        cache.set(_key(), {**listed, process.name: entry}, _LIFE_SECONDS)


def remove(process: ListedProcess) -> None:
    listed = dict(_listed())
    if listed.pop(process.name, None):
        cache.set(_key(), listed, _LIFE_SECONDS)


def running() -> list[ListedProcess] | None:
    """Return the processes that run now, or None if the cache is not shared and cannot know."""
    if not is_cache_shared():
        return None
    return [ListedProcess(program, lifespan, name) for name, (program, lifespan, _until) in _listed().items()]


def _key() -> str:
    return cache_key("processes")


def _listed() -> Mapping[str, _Entry]:
    listed: dict[str, Any] = cache.get(_key()) or {}
    return {name: entry for name, entry in listed.items() if entry[2] > time.time()}
