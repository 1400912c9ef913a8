"""The list of processes in the shared cache, which `hub_doctor` reads."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.cache import caches
from uvicorn.config import Config
from uvicorn.lifespan.on import LifespanOn

from notifications_hub.live import process_list
from notifications_hub.live.process_list import ListedProcess, enlist, remove, running, server_of

if TYPE_CHECKING:
    from pytest_django import Settings

ONE, OTHER = ListedProcess("uvicorn", has_lifespan=True), ListedProcess("daphne", has_lifespan=False)


@pytest.fixture(autouse=True)
def _shared_cache(settings: Settings, tmp_path: Path) -> Iterator[None]:
    backend = "django.core.cache.backends.filebased.FileBasedCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}
    yield
    caches["default"].clear()


def test_a_process_is_listed_until_it_stops() -> None:
    enlist(ONE)
    enlist(OTHER)
    assert running() == [ONE, OTHER]
    remove(ONE)
    assert running() == [OTHER]
    remove(ONE)
    assert running() == [OTHER]


def test_an_entry_that_another_process_overwrote_is_written_again() -> None:
    enlist(ONE)
    before = caches["default"].get(process_list._key())
    enlist(OTHER)
    # A third process wrote the list that it had read before.
    caches["default"].set(process_list._key(), before)
    enlist(OTHER)
    assert running() == [ONE, OTHER]


def test_a_killed_process_leaves_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_list, "_LIFE_SECONDS", 0.2)
    enlist(ONE)
    assert running() == [ONE]
    time.sleep(0.25)
    assert running() == []


def test_a_process_mostly_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    enlist(ONE)
    written: list[object] = []
    monkeypatch.setattr(caches["default"], "set", lambda *given: written.append(given))
    enlist(ONE)
    assert written == []
    monkeypatch.setattr(process_list, "_LIFE_SECONDS", 1000)
    enlist(ONE)
    assert len(written) == 1


def test_a_cache_that_is_not_shared_knows_nothing(settings: Settings) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    assert running() is None


def test_a_server_is_known_by_what_sends() -> None:
    async def application(scope: object, receive: object, send: object) -> None: ...

    uvicorn = LifespanOn(Config(application, log_config=None))
    assert server_of(uvicorn.send) == "uvicorn"
    assert server_of(partial(uvicorn.send)) == "uvicorn"


def test_a_wrapped_send_is_of_no_known_server() -> None:
    async def send(message: object) -> None: ...

    assert server_of(send) == ""
    assert server_of(partial(send)) == ""
