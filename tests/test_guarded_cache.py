"""The cache behind its breaker: one caller finds out that it is away, and the others do not wait."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.core.cache import caches

from notifications_hub import guarded_cache
from notifications_hub.guarded_cache import CacheAway, cache


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were asked for, of a cache that does not answer."""
    asked: list[str] = []

    def swallow(key: str, *given: Any, **named: Any) -> Any:
        asked.append(key)
        raise OSError("timed out")

    monkeypatch.setattr(caches["default"], "get", swallow)
    return asked


def test_after_a_failure_nobody_asks_for_a_while(asked: list[str], caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OSError, match="timed out"):
        cache.get("a")
    for key in "bcd":
        with pytest.raises(CacheAway):
            cache.get(key)
    assert asked == ["a"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_one_caller_tries_again_after_the_pause(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("notifications_hub.guarded_cache.time.monotonic", lambda: now[0])
    with pytest.raises(OSError, match="timed out"):
        cache.get("a")
    now[0] += guarded_cache.PAUSE_SECONDS + 0.1
    guarded_cache._breaker._enter()  # the caller that tries, and has no answer yet
    with pytest.raises(CacheAway):
        cache.get("b")
    assert asked == ["a"]


@pytest.mark.django_db
def test_it_is_asked_as_before_once_it_answers(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="timed out"):
        cache.get("a")
    monkeypatch.undo()
    monkeypatch.setattr(guarded_cache, "PAUSE_SECONDS", 0.0)
    guarded_cache.forget_failures()
    cache.set("guarded", 1, 10)
    assert [cache.get("guarded"), cache.get("guarded")] == [1, 1]


@pytest.mark.django_db
def test_a_key_that_does_not_exist_is_no_failure() -> None:
    with pytest.raises(ValueError, match="not found"):
        cache.incr("a-key-that-nobody-set")
    assert cache.get("a-key-that-nobody-set") is None
