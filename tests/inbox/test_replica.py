"""Lists of an inbox that are read from a replica, if it has caught up with this inbox.

The replica of these tests is a second connection to the same database: it has what is committed, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import InterfaceError, OperationalError, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import heartbeat
from notifications_hub.delivery.models import WorkerHeartbeat
from notifications_hub.inbox import replica
from notifications_hub.inbox.queries import items
from notifications_hub.models import Notification
from notifications_hub.ops import doctor
from notifications_hub.streams import Event, inbox_topic

BOTH = ["default", "replica"]
committed = pytest.mark.django_db(databases=BOTH, transaction=True)
uncommitted = pytest.mark.django_db(databases=BOTH)
pytestmark = pytest.mark.postgres

ClientFor = Callable[[User], Client]


@pytest.fixture(autouse=True)
def _with_replica(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "INBOX_REPLICA": "replica"}
    monkeypatch.setattr(replica, "_rest", replica._Rest())
    yield
    connections["replica"].close()


def lists_read_from(alias: str, client: Client) -> tuple[list[str], int]:
    """Return the titles in the inbox, and how many lists were read from this database to show them."""
    with CaptureQueriesContext(connections[alias]) as queries:
        page: dict[str, Any] = client.get("/api/v1/notifications/").json()
    titles = [one["title"] for one in page["results"]]
    return titles, sum("ORDER BY" in one["sql"] and '"recipient_id"' in one["sql"] for one in queries)


@committed
def test_a_replica_that_has_caught_up_is_read(client_for: ClientFor, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    client = client_for(alice)
    titles, lists = lists_read_from("replica", client)
    assert (len(titles), lists) == (1, 1)
    assert lists_read_from("default", client) == (titles, 0)
    assert "waved" in client.get("/notifications/").content.decode()


@committed
def test_a_row_of_the_replica_is_changed_on_the_primary(alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    [row] = items(alice).rows
    assert row._state.db == "default"
    row.mark_as_read()
    assert not Notification.objects.get(pk=row.pk).unread


@uncommitted
def test_a_replica_that_lags_is_not_read(client_for: ClientFor, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    titles, lists = lists_read_from("replica", client_for(alice))
    assert (len(titles), lists) == (1, 0)


@committed
def test_a_change_without_its_number_yet_is_read_from_the_primary(alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    Event.objects.filter(topic=inbox_topic(alice.pk)).update(seq=None)
    with CaptureQueriesContext(connections["replica"]) as queries:
        assert len(items(alice).rows) == 1
    assert len(queries) == 0


@committed
@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_replica_that_is_away_costs_one_try(
    client_for: ClientFor, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    tries: list[int] = []

    def refuse() -> None:
        tries.append(1)
        raise error("connection refused")

    notify.send(bob, recipient=alice, verb="waved")
    connections["replica"].close()
    monkeypatch.setattr(connections["replica"], "connect", refuse)
    client = client_for(alice)
    for _ in range(3):
        assert len(client.get("/api/v1/notifications/").json()["results"]) == 1
    assert len(tries) == 1


@pytest.mark.parametrize(("alias", "count"), [("replica", 0), ("", 0), ("default", 1), ("nowhere", 1)])
def test_a_check_names_a_replica_that_is_none(settings: Settings, alias: str, count: int) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "INBOX_REPLICA": alias}
    assert sum(one.id == "notifications_hub.E089" for one in run_checks()) == count


# The doctor's line


def examined() -> tuple[str, bool]:
    [finding] = [one for one in doctor.examine() if one.about == "inbox replica"]
    return finding.words, finding.good


@committed
def test_the_doctor_finds_a_replica_that_follows() -> None:
    unknown = "'replica' answers. How late it is will be known once a worker runs.", True
    assert examined() == unknown
    heartbeat.forget()
    heartbeat.beat()
    words, good = examined()
    assert good
    assert re.fullmatch(r"'replica' is less than \d+ s behind\.", words)
    # A replica that has stopped still has what a worker wrote long ago.
    WorkerHeartbeat.objects.update(at=timezone.now() - timedelta(minutes=7))
    assert examined() == unknown


@uncommitted
def test_the_doctor_reports_a_replica_that_lags() -> None:
    WorkerHeartbeat.objects.create(pk=1, at=timezone.now())
    words, good = examined()
    assert not good
    assert "'replica' lacks what is new" in words


@committed
@pytest.mark.parametrize("alias", ["replica", "nowhere"])
def test_the_doctor_reports_a_replica_that_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, alias: str
) -> None:
    def refuse() -> None:
        raise OperationalError("connection refused")

    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "INBOX_REPLICA": alias}
    connections["replica"].close()
    monkeypatch.setattr(connections["replica"], "connect", refuse)
    words, good = examined()
    assert not good
    assert words.startswith(f"{alias!r} failed (")
