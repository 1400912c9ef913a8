"""State that one test leaves in the process, and that the next one does not see."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from notifications.signals import notify
from pytest_django import Settings

from notifications_hub import Message, check_rate
from notifications_hub.audiences import topics_of
from notifications_hub.cache_keys import cache_key
from notifications_hub.streams.models import Event
from notifications_hub.testing import forget_earlier_tests
from notifications_hub.testing.isolation import end_background_work
from notifications_hub.transports.memory import Memory
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from accounts.models import User
    from notifications_hub.streams.numberer import Numberer

ClientFor = Callable[["User"], Client]


def flashes(client: Client) -> list[str]:
    return [str(message) for message in client.get("/notifications/").context["messages"]]


@pytest.mark.both_databases
def test_a_poll_of_an_earlier_test_holds_back_no_flash(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    assert client.get("/live/poll/?wait=0&visible=1").status_code == 200
    notify.send(bob, recipient=alice, verb="waved")
    assert flashes(client) == []
    forget_earlier_tests()
    assert len(flashes(client)) == 1


@pytest.mark.django_db
def test_rates_begin_anew() -> None:
    assert [bool(check_rate("a-form", "1/d")) for _ in range(2)] == [False, True]
    forget_earlier_tests()
    assert not check_rate("a-form", "1/d")


@pytest.mark.django_db
def test_memberships_are_looked_up_again(alice: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AUDIENCES": {"staff_now": f"{__name__}.staff_now"}}
    reread = type(alice).objects.get
    assert topics_of(reread(pk=alice.pk)) == ["everyone"]
    type(alice).objects.filter(pk=alice.pk).update(email="staff@example.com")
    assert topics_of(reread(pk=alice.pk)) == ["everyone"]
    forget_earlier_tests()
    assert topics_of(reread(pk=alice.pk)) == ["everyone", "audience.staff_now"]


def staff_now() -> QuerySet[User]:
    return get_user_model().objects.filter(email="staff@example.com")


@pytest.mark.django_db
def test_entries_of_the_host_stay_in_the_cache() -> None:
    cache.set("the-hosts-own", "here")
    forget_earlier_tests()
    assert cache.get("the-hosts-own") == "here"


def test_each_test_of_this_repository_begins_with_the_keys_of_every_process() -> None:
    """The tests above have called `forget_earlier_tests()`, which must not hide the cache of a later test's worker."""
    assert cache_key("processes") == "notifications_hub:processes"


async def test_a_transport_in_memory_is_empty() -> None:
    memory = Memory()
    await memory.send(Message(id="1", kind="default", title="Hello"), "1")
    forget_earlier_tests()
    assert memory.outbox == []


def connections_of_others() -> int:
    """Return how many connections would keep Django from dropping the test's database."""
    with connection.cursor() as sql:
        sql.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        [count] = sql.fetchone()
    return int(count)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_no_thread_of_the_hub_is_left_with_a_connection(
    alice: User, bob: User, numberer: Numberer, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = connections_of_others()
    with monkeypatch.context() as patch:
        patch.setattr("notifications_hub.streams.numberer.IDLE_SECONDS", 60.0)
        notify.send(bob, recipient=[alice, bob], verb="waved")
        assert numberer.at_work
        end_background_work()
    # A server process ends a moment after its client has closed the connection.
    wait_until(lambda: connections_of_others() <= before, seconds=30, what="the end of the connection")
    assert "hub-numberer" not in {thread.name for thread in threading.enumerate()}
    assert not Event.objects.filter(seq=None).exists()
    # A later test starts it again.
    notify.send(bob, recipient=[alice, bob], verb="waved")
    assert numberer.finish(20)
    assert not Event.objects.filter(seq=None).exists()
