"""A topic with presence for tests, and what receivers get of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts.models import User
from notifications_hub import joined, left, topic
from notifications_hub.live import topic_presence, topics
from notifications_hub.live.topic_presence import Pair, PresenceHub, register

ROOM = "cafe.window"
Said = tuple[str, str, str]


@pytest.fixture(autouse=True)
def cafe(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))
    monkeypatch.setattr(topics, "_with_presence", dict(topics._with_presence))

    @topic("cafe.<slug:name>", presence=True)
    def may_enter(user: Any, name: str) -> bool:
        return True

    monkeypatch.setattr(topic_presence, "SUSPECT_SECONDS", 0.0)
    yield
    topic_presence._suspected.clear()


@pytest.fixture
def heard() -> Iterator[list[Said]]:
    """Collect what receivers get, and check that no transaction is open."""
    heard: list[Said] = []

    def on_joined(topic: str, user: User, **kwargs: Any) -> None:
        assert not connection.in_atomic_block
        heard.append(("joined", topic, str(user)))

    def on_left(topic: str, user: User, **kwargs: Any) -> None:
        assert not connection.in_atomic_block
        heard.append(("left", topic, str(user)))

    joined.connect(on_joined)
    left.connect(on_left)
    yield heard
    joined.disconnect(on_joined)
    left.disconnect(on_left)


@pytest.fixture
def hubs(db: None) -> tuple[str, str]:
    for name in ("one", "other"):
        register(name)
    return "one", "other"


def pair(person: User) -> Pair:
    return ROOM, person.pk


def end_lease(hub: str) -> None:
    PresenceHub.objects.filter(name=hub).update(leased_until=Now() - timedelta(seconds=1))
