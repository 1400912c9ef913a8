"""Outcomes of each answer of a push service, from the claimed delivery to its trail, with a real worker."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.worker import Worker
from notifications_hub.kinds import Kind, NotificationLike, Privacy, Urgency
from notifications_hub.transports.outbound import host_limits, http_client
from notifications_hub.transports.outbound.host_limits import FAILURES
from notifications_hub.transports.web_push.subscriptions import PushSubscription, register
from notifications_hub.transports.web_push.vapid import VapidKey
from tests.push_lab.faults import Fault
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.support.deliveries import make_due, one_worker

__all__ = ["one_worker"]

pytestmark = pytest.mark.django_db

SOON = {"Retry-After": "120"}


class Private(Kind):
    name = "tests.private"
    urgency = Urgency.HIGH
    ttl = 600
    privacy = Privacy.TITLE

    def tag(self, notification: NotificationLike) -> str:
        return notification.target_name


class Secret(Private):
    name = "tests.answer_secret"
    privacy = Privacy.NOTHING


@pytest.fixture
def reader(push_site: LocalPushService, vapid: VapidKey) -> Reader:
    return push_site.subscribe(vapid.public)


@pytest.fixture
def push(alice: User, bob: User, reader: Reader, one_worker: Worker) -> Callable[..., Delivery]:
    """Notify Alice, who has a browser, and run the worker."""
    register(alice, reader.to_json(), "Firefox/153.0")

    def push(**given: Any) -> Delivery:
        notify.send(bob, recipient=alice, **{"verb": "replied", "description": "x" * 3000, **given})
        make_due()
        one_worker.run_due()
        return Delivery.objects.latest("pk")

    return push


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        *(([Fault(status)], ("sent", [status], "kept")) for status in (200, 201, 202)),
        *(([Fault(status)], ("failed", [status], "deleted")) for status in (404, 410)),
        *(([Fault(status)], ("waiting", [status], "held back")) for status in (400, 401, 403, 301, 302, 307, 308)),
        ([Fault(413)], ("sent", [413, 201], "kept")),
        ([Fault(413), Fault(413)], ("failed", [413, 413], "kept")),
        ([Fault(413), Fault(503)], ("waiting", [413, 503], "kept")),
        ([Fault(413), Fault(410)], ("failed", [413, 410], "deleted")),
        ([Fault(429, headers=SOON)], ("waiting", [429], "kept")),
        *(([Fault(status)], ("waiting", [status], "kept")) for status in (204, 500, 502, 503)),
        ([Fault(mode="hang")], ("waiting", [None], "kept")),
        ([Fault(mode="drop", times=9)], ("waiting", [None], "kept")),
    ],
)
def test_each_answer_has_its_outcome(
    monkeypatch: pytest.MonkeyPatch,
    push_site: LocalPushService,
    push: Callable[..., Delivery],
    faults: Sequence[Fault],
    expected: tuple[str, list[int | None], str],
) -> None:
    monkeypatch.setattr(http_client, "DEADLINE", 0.5)
    for fault in faults:
        push_site.fail(fault)
    one = push()
    assert (one.state, [entry.get("status") for entry in one.trail], fate_of_the_browser()) == expected
    assert one.attempts == len(one.trail)
    assert all(datetime.fromisoformat(entry["at"]) <= datetime.now(UTC) for entry in one.trail)
    assert all(entry["reason"] for entry in one.trail)


def fate_of_the_browser() -> str:
    left = PushSubscription.objects.first()
    if left is None:
        return "deleted"
    return "held back" if left.quarantined_at else "kept"


def test_a_retry_is_due_when_the_push_service_asked(push_site: LocalPushService, push: Callable[..., Delivery]) -> None:
    push_site.fail(Fault(429, headers=SOON))
    one = push()
    assert (one.due_at - datetime.now(UTC)).total_seconds() == pytest.approx(120, abs=2)


def test_a_browser_that_is_held_back_gets_no_push_and_the_trail_records_it(
    push_site: LocalPushService, push: Callable[..., Delivery], one_worker: Worker, alice: User, reader: Reader
) -> None:
    push_site.fail(Fault(403))
    one = push()
    for _ in range(3):
        make_due()
        one_worker.run_due()
    one.refresh_from_db()
    assert [entry["reason"] for entry in one.trail] == [
        "push_refused",
        "held_back",
    ]
    assert len(push_site.requests) == 1
    register(alice, reader.to_json(), "")
    make_due()
    one_worker.run_due()
    one.refresh_from_db()
    assert one.state == "sent"


def test_an_open_circuit_sends_nothing_and_the_trail_records_it(
    monkeypatch: pytest.MonkeyPatch, push_site: LocalPushService, push: Callable[..., Delivery], one_worker: Worker
) -> None:
    push_site.fail(Fault(503, times=FAILURES))
    for _ in range(FAILURES):
        push()
    one = push()
    assert one.trail[0]["reason"] == "host_failing"
    assert one.trail[0]["parameters"] == {"host": push_site.host}
    assert (one.attempts, one.state, len(push_site.requests)) == (0, "waiting", FAILURES)
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + host_limits.OPEN_SECONDS)
    monkeypatch.setattr(host_limits, "time", later)
    make_due()
    assert one_worker.run_due() >= FAILURES + 1
    while Delivery.objects.filter(state="waiting").exists():
        make_due()
        one_worker.run_due()
    one.refresh_from_db()
    assert [entry["state"] for entry in one.trail] == ["waiting", "sent"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}


def test_the_browsers_of_a_batch_are_read_and_written_in_one_go(
    push_site: LocalPushService, vapid: VapidKey, alice: User, bob: User, one_worker: Worker
) -> None:
    for _ in range(8):
        register(alice, push_site.subscribe(vapid.public).to_json(), "")
    for _ in range(20):
        notify.send(bob, recipient=alice, verb="replied")
    make_due()
    with CaptureQueriesContext(connection) as queries:
        assert one_worker.run_due() == 160
    asked = [query["sql"] for query in queries if "notifications_hub_pushsubscription" in query["sql"]]
    assert len([sql for sql in asked if sql.startswith("SELECT")]) == 1
    recorded = [query["sql"] for query in queries if "went" in query["sql"]]
    assert len(recorded) + len(asked) <= 20, "fewer than one query per push"
    assert len(push_site.requests) == 160


def payload_sent(push_site: LocalPushService, reader: Reader) -> dict[str, Any]:
    *_, message = push_site.messages.values()
    shape: dict[str, Any] = json.loads(reader.read(message.body))["notification"]
    return shape | {"ttl": message.ttl, "urgency": message.urgency, "topic": message.topic}


def test_a_kind_decides_urgency_lifetime_and_privacy(
    push_site: LocalPushService, reader: Reader, push: Callable[..., Delivery], bob: User
) -> None:
    push(kind="tests.private", target=bob, description="of your account")
    shown = payload_sent(push_site, reader)
    assert (shown["title"], shown["body"]) == ("Bob replied Bob", "")
    assert 590 <= shown["ttl"] <= 600
    assert (shown["urgency"], shown["tag"]) == ("high", "tests.private:Bob")

    push(kind="tests.answer_secret", target=bob, description="of your account")
    secret = payload_sent(push_site, reader)
    assert (secret["title"], secret["body"]) == ("You have a new notification", "")
    assert secret["topic"] != shown["topic"]


def test_a_later_push_replaces_a_waiting_one_with_the_same_tag(
    push_site: LocalPushService, push: Callable[..., Delivery], bob: User
) -> None:
    for _ in range(2):
        push(kind="tests.private", target=bob)
    push()
    assert [message.state for message in push_site.messages.values()] == ["replaced", "stored", "stored"]


def test_a_retried_push_asks_to_be_kept_for_its_remaining_lifetime(
    settings: Settings, push_site: LocalPushService, reader: Reader, push: Callable[..., Delivery]
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_TTL": 3600}
    push(timestamp=datetime.fromtimestamp(datetime.now(UTC).timestamp() - 3000, UTC))
    assert 590 <= payload_sent(push_site, reader)["ttl"] <= 600
