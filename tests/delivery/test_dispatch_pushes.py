"""Pushes after the commit: those to people who are away are brought forward, and Celery is woken if it runs."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery import current_app
from django.core.cache import cache
from django.db import transaction
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import AWAY_SECONDS
from notifications_hub.delivery.models import Delivery
from notifications_hub.live import presence
from notifications_hub.live.db_threads import Database
from notifications_hub.live.presence import Presence
from tests.support.celery import use_broker
from tests.support.deliveries import BY_MEMORY
from tests.support.processes import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": BY_MEMORY, "ACK_WINDOW": 10}


@pytest.fixture
def _known() -> Iterator[None]:
    """Make the cache as old as if every hub had reported its people."""
    cache.set(presence._since_key(), time.time() - 100, 60)
    yield
    cache.clear()


def due_in(person: User) -> float:
    one = Delivery.objects.get(notification__recipient=person)
    return (one.due_at - datetime.now(UTC)).total_seconds()


def send(actor: User, *people: User, **given: Any) -> None:
    notify.send(actor, recipient=people, verb="replied", **given)


@pytest.mark.usefixtures("_known")
def test_the_push_to_a_person_who_is_away_is_brought_forward(alice: User, bob: User, charlie: User) -> None:
    presence.record_poll(alice.pk, 25)
    send(charlie, alice, bob)
    assert 8 < due_in(alice) <= 10
    assert 1 < due_in(bob) <= AWAY_SECONDS


@pytest.mark.usefixtures("_known")
def test_pushes_are_brought_forward_beside_a_hundred_processes_too(alice: User, bob: User, charlie: User) -> None:
    asyncio.run(one_person_each_in_a_hundred_hubs(alice.pk))
    send(charlie, alice, bob)
    assert 8 < due_in(alice) <= 10
    assert 1 < due_in(bob) <= AWAY_SECONDS
    assert presence.is_connected(alice.pk)


async def one_person_each_in_a_hundred_hubs(last: object) -> None:
    """Run hubs that are then killed. The last one has this person, the others people of no interest."""
    database = Database(threads=1)
    hubs = [Presence(database) for _ in range(100)]
    for number, hub in enumerate(hubs, start=1):
        hub.arrived(last if number == len(hubs) else -number)
    for hub in hubs:
        while hub._write_task is not None:
            await hub._write_task
    database.close()


def test_nothing_is_brought_forward_while_presence_is_unknown(alice: User, bob: User) -> None:
    cache.clear()
    send(bob, alice)
    assert 8 < due_in(alice) <= 10


@pytest.mark.usefixtures("_known")
def test_a_per_process_cache_brings_nothing_forward(settings: Settings, alice: User, bob: User) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    send(bob, alice)
    assert 8 < due_in(alice) <= 10


@pytest.mark.usefixtures("_known")
def test_nothing_is_brought_forward_before_the_commit(alice: User, bob: User) -> None:
    with transaction.atomic():
        send(bob, alice)
        assert due_in(alice) > 8
    assert due_in(alice) <= AWAY_SECONDS


@pytest.mark.usefixtures("_known")
def test_a_delivery_that_waits_for_a_retry_keeps_its_due_time(alice: User, bob: User) -> None:
    send(bob, alice)
    one = Delivery.objects.get()
    Delivery.objects.update(attempts=1, due_at=datetime.now(UTC) + timedelta(seconds=60))
    assert arming.bring_forward([one.notification_id]) == 0
    assert due_in(alice) > 50


@pytest.mark.usefixtures("_known")
def test_a_short_window_is_not_made_longer(settings: Settings, alice: User, bob: User) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ACK_WINDOW": 0}
    send(bob, alice)
    assert due_in(alice) <= 0


@pytest.mark.both_databases(short="sqlite")
def test_an_unreachable_broker_does_not_delay_the_caller(settings: Settings, alice: User, bob: User) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "CELERY": True}
    before = current_app.conf.broker_url
    use_broker(f"redis://127.0.0.1:{free_port()}/0")
    began = time.monotonic()
    for _ in range(5):
        send(bob, alice)
    # One attempt to reach the broker takes five seconds, and each of these calls makes one in the background.
    assert time.monotonic() - began < 4
    assert Delivery.objects.count() == 5
    waking = [thread for thread in threading.enumerate() if thread.name == "hub-wake-worker"]
    assert waking
    for thread in waking:
        thread.join(20)
    # Celery's connections outlive a test.
    use_broker(before)
