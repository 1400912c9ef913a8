"""A database that refuses to write: pages and readers go on, and the caller of `notify.send` decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.test import Client
from notifications.signals import notify

from accounts.models import User
from notifications_hub import publish, streams
from notifications_hub.notification import Notification

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@contextmanager
def refusing_writes() -> Iterator[None]:
    """Refuse the statements that write, as a full disk does."""

    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if re.search(r"\b(INSERT|UPDATE)\b", sql):
            raise OperationalError("could not extend file: No space left on device")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


def test_a_page_is_shown_without_its_flash(alice: User, bob: User, client_for: Callable[[User], Client]) -> None:
    notify.send(bob, recipient=alice, verb="wrote")
    client = client_for(alice)
    with refusing_writes():
        response = client.get("/notifications/")
    assert response.status_code == 200
    assert "messages" in response.context
    assert Notification.objects.get().delivered_at is None
    # It was not lost: the next page flashes it.
    client.get("/")
    assert Notification.objects.get().delivered_by == "flash"


@pytest.mark.django_db(transaction=True)
def test_a_reader_gets_the_events_that_have_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    [start] = streams.read({"post.1": None})
    publish("post.1", "comment.created", {"n": 1})
    monkeypatch.setattr("notifications_hub.streams.store.number_soon", lambda topics: None)
    publish("post.1", "comment.created", {"n": 2})
    with refusing_writes():
        [reading] = streams.read({"post.1": start.position})
    assert [event.seq for event in reading.events] == [1]
    [reading] = streams.read({"post.1": start.position})
    assert [event.seq for event in reading.events] == [1, 2]


def test_a_caller_that_prefers_its_own_work_uses_a_savepoint(alice: User, bob: User) -> None:
    with transaction.atomic():
        bob.first_name = "Robert"
        bob.save()
        with refusing_writes(), pytest.raises(DatabaseError), transaction.atomic():
            notify.send(bob, recipient=alice, verb="wrote")
    bob.refresh_from_db()
    assert bob.first_name == "Robert"
    assert not Notification.objects.exists()
