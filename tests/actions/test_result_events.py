"""An action that thousands share answers its click soon, and every other page hears of it once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from notifications_hub.actions import result_events
from notifications_hub.actions.models import ActionResult
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import Worker
from notifications_hub.notification import Notification
from notifications_hub.streams import Event, EventTooLarge
from notifications_hub.streams.models import MAX_DATA
from tests.actions import support
from tests.actions.support import ask, click, runs
from tests.inbox.support import columns
from tests.support.deliveries import make_due, one_worker, sent, states, use_memory
from tests.support.full import FULL, report
from tests.support.many_rows import copy_rows, numbers
from tests.support.together import together

if TYPE_CHECKING:
    from accounts.models import User

    ClientFor = Callable[[User], Client]

__all__ = ["one_worker"]

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "PAUSE", 0)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> int:
    """Publish three at once, and start no thread: the sweeper goes on."""
    monkeypatch.setattr(result_events, "AT_ONCE", 3)
    monkeypatch.setattr(result_events, "_go_on_soon", lambda: None)
    return 3


def people(number: int, named: str = "p") -> list[Any]:
    users = get_user_model().objects
    return list(users.bulk_create(users.model(username=f"{named}{at}", first_name=f"P {at}") for at in range(number)))


def published() -> list[int]:
    """Return the people whose pages got the result, once for each event."""
    events = Event.objects.filter(kind="notification.updated").order_by("pk")
    assert all(one.data["result"]["action"] == "approve" for one in events)
    return [int(topic.removeprefix("inbox.")) for topic in events.values_list("topic", flat=True)]


def test_the_click_reaches_its_person_and_a_few_and_sweeps_the_rest(bob: User, client_for: ClientFor, few: int) -> None:
    others = people(11)
    rows = ask(others, bob)
    assert click(client_for(others[7]), rows[7], "approve").status_code == 200
    assert published() == [others[at].pk for at in (7, 0, 1, 2)]

    result_events.publish_the_rest()
    assert sorted(published()) == sorted(one.pk for one in others)
    assert ActionResult.objects.get().published_through is None
    result_events.publish_the_rest()
    assert len(published()) == 11


def test_nobody_is_called_to_what_is_decided_although_their_chunk_has_not_come(
    bob: User, client_for: ClientFor, few: int, settings: Settings, one_worker: Worker
) -> None:
    use_memory(settings, ack_window=0)
    others = people(9)
    rows = ask(others, bob, kind="tests.repeated", request=1)
    assert click(client_for(others[0]), rows[0], "approve").status_code == 200
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 5
    [reminder] = ask([others[8]], bob, kind="tests.repeated", request=1)
    make_due()
    one_worker.run_due()
    assert sent() == [reminder.item_id], "only what was sent after the decision, and tells of it"
    assert states()[1:9] == [("cancelled", "decided")] * 8


def test_a_click_takes_the_same_queries_however_many_share_it(
    bob: User, client_for: ClientFor, few: int, settings: Settings
) -> None:
    use_memory(settings, ack_window=60)
    taken = []
    for number in (5, 50):
        others = people(number, f"of {number}")
        rows = ask(others, bob)
        client = client_for(others[1])
        client.get("/api/v1/notifications/count/")
        with CaptureQueriesContext(connection) as queries:
            assert click(client, rows[1], "approve").status_code == 200
        taken.append(len(queries))
        assert Delivery.objects.exclude(state=DeliveryState.WAITING).filter(notification__in=rows).count() == 4
    assert taken[0] == taken[1]


def test_a_chunk_that_fails_is_published_later_and_whole(
    bob: User, client_for: ClientFor, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = people(9)
    rows = ask(others, bob)
    click(client_for(others[0]), rows[0], "approve")
    before = columns(ActionResult.objects.get())
    before_it = published()
    with monkeypatch.context() as broken:
        broken.setattr(result_events, "emit_items", _killed)
        with pytest.raises(KeyboardInterrupt):
            result_events._publish_more()
    assert columns(ActionResult.objects.get()) == before
    assert published() == before_it

    result_events.publish_the_rest()
    assert sorted(published()) == sorted(one.pk for one in others)


def _killed(*_given: object, **_named: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.django_db(transaction=True)
def test_several_processes_reach_each_page_once(bob: User, client_for: ClientFor, few: int) -> None:
    others = people(40)
    rows = ask(others, bob)
    click(client_for(others[0]), rows[0], "approve")
    together([result_events.publish_the_rest] * 4)
    while result_events._publish_more():
        pass
    assert sorted(published()) == sorted(one.pk for one in others)


@pytest.mark.django_db(transaction=True)
def test_a_thread_goes_on_where_no_worker_and_no_hub_runs(
    bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(result_events, "AT_ONCE", 3)
    others = people(8)
    rows = ask(others, bob)
    click(client_for(others[0]), rows[0], "approve")
    for thread in threading.enumerate():
        if thread.name == "hub-publish-results":
            thread.join(60)
    assert sorted(published()) == sorted(one.pk for one in others)


def test_an_item_at_the_limit_can_still_be_decided(alice: User, bob: User, client_for: ClientFor) -> None:
    size = MAX_DATA - 30_000
    row = None
    while row is None:
        size -= 100
        with suppress(EventTooLarge), transaction.atomic():
            [row] = ask([alice], bob, description="a" * 30_000, text="b" * size)

    answer = click(client_for(alice), row, "decline", "no" * 240)
    assert answer.status_code == 200, answer.content
    assert runs() == ["declined 0"]
    event = Event.objects.get(kind="notification.updated").data
    assert (event["data"], len(event["body"])) == ({}, 1000)
    assert event["result"] == answer.json()["result"]
    listed = client_for(alice).get("/api/v1/notifications/").json()["results"][0]
    assert len(listed["data"]["text"]) == size


@pytest.mark.postgres
def test_the_sweep_reads_an_index_with_only_what_is_under_way() -> None:
    ActionResult.objects.bulk_create(
        ActionResult(key=f"k{at}", kind="x", action="approve", claimed_until="2026-11-20T12:00:00Z")
        for at in range(3000)
    )
    with connection.cursor() as sql:
        sql.execute("ANALYZE notifications_hub_actionresult")
    plan = ActionResult.objects.filter(published_through__isnull=False).order_by("pk")[:1].explain()
    assert "hub_result_unpublished" in plan


@pytest.mark.postgres
def test_a_chunk_reads_an_index_in_its_order(bob: User) -> None:
    row = Notification.objects.create(recipient=bob, actor=bob, verb="asks", action_key="k0")
    copy_rows(Notification.objects.filter(pk=row.pk), numbers(10_000), action_key="'k' || mod(numbers.n, 100)")
    with connection.cursor() as sql:
        sql.execute("ANALYZE notifications_hub_notification")
    others = result_events._others(ActionResult(key="k7", person_id=bob.pk + 1))
    plan = others.filter(pk__gt=5).values_list("pk", flat=True)[:20].explain()
    assert "hub_action_key" in plan
    assert "Sort" not in plan


@pytest.mark.exhaustive
@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
def test_a_click_for_ten_thousand_is_answered_within_a_second(
    bob: User, client_for: ClientFor, settings: Settings
) -> None:
    use_memory(settings, ack_window=3600)
    others = people(10_000)
    rows = ask(others, bob)
    assert Delivery.objects.count() == 10_000
    client = client_for(others[5000])
    client.get("/api/v1/notifications/count/")
    began = time.perf_counter()
    assert click(client, rows[5000], "approve").status_code == 200
    took = time.perf_counter() - began
    for thread in threading.enumerate():
        if thread.name == "hub-publish-results":
            thread.join(300)
    report(f"click {took:.2f} s, all 10,000 pages after {time.perf_counter() - began:.1f} s on {connection.vendor}")
    assert sorted(published()) == sorted(one.pk for one in others)
    assert Notification.objects.filter(unread=False).count() == 1
    assert took < 1 or not FULL
