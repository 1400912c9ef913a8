"""What one test leaves in the process, and that the next one does not see it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.db.models import QuerySet
from django.test import Client
from notifications.signals import notify
from pytest_django import Settings

from notifications_hub import Message, check_rate
from notifications_hub.audiences import topics_of
from notifications_hub.streams.models import Event
from notifications_hub.testing import forget_earlier_tests
from notifications_hub.testing.isolation import end_background_work
from notifications_hub.transports.memory import Memory

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


async def test_a_transport_in_memory_is_empty() -> None:
    memory = Memory()
    await memory.send(Message(id="1", kind="default", title="Hello"), "1")
    forget_earlier_tests()
    assert memory.outbox == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_no_thread_of_the_hub_is_left_with_a_connection(
    alice: User, bob: User, numberer: Numberer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("notifications_hub.streams.numberer.IDLE_SECONDS", 60.0)
        notify.send(bob, recipient=[alice, bob], verb="waved")
        assert numberer.at_work
        end_background_work()
    assert "hub-numberer" not in {thread.name for thread in threading.enumerate()}
    assert not Event.objects.filter(seq=None).exists()
    # A later test starts it again.
    notify.send(bob, recipient=[alice, bob], verb="waved")
    assert numberer.finish(20)
    assert not Event.objects.filter(seq=None).exists()
