"""Results of sending: retries, postponements, shortened messages, final failures."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import sender
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.sender import LAST_PAUSE, pause_after
from notifications_hub.delivery.worker import Worker
from notifications_hub.message import Message
from notifications_hub.notification import Notification
from notifications_hub.transports import PutOff, TooLong, TransportError
from tests.support.deliveries import make_due, memory, one_worker, outcome, send_due, sent, use_memory

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


def pause() -> float:
    """Return the seconds from the last attempt to the next."""
    one = Delivery.objects.get()
    return (one.due_at - datetime.fromisoformat(one.trail[-1]["at"])).total_seconds()


def test_a_temporary_failure_is_retried_and_sent(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send_due(bob, alice)
    memory().fail_next(TransportError("busy", status=503))
    one_worker.run_due()
    assert outcome() == ("waiting", "busy")
    assert one_worker.run_due() == 0
    make_due()
    one_worker.run_due()
    assert sent() == [str(row.pk)]
    assert [entry["state"] for entry in Delivery.objects.get().trail] == ["waiting", "sent"]


def test_pauses_grow_and_vary(alice: User, bob: User, one_worker: Worker) -> None:
    send_due(bob, alice)
    for longest in (5, 10, 20, 40):
        make_due()
        memory().fail_next(TransportError("busy"))
        one_worker.run_due()
        assert longest / 2 - 0.5 < pause() < longest + 0.5
    assert len({pause_after(3) for _ in range(10)}) > 1
    assert all(1800 <= pause_after(attempts) <= 3600 for attempts in (12, 100, 10_000))


@pytest.mark.parametrize(("asked", "waited"), [(300.0, 300.0), (0.0, 1.0), (50_000.0, 50_000.0)])
def test_the_other_side_may_set_the_pause(
    alice: User, bob: User, one_worker: Worker, asked: float, waited: float
) -> None:
    send_due(bob, alice)
    memory().fail_next(TransportError("busy", status=429, retry_after=asked))
    one_worker.run_due()
    assert pause() == pytest.approx(waited, abs=0.5)


def test_a_delivery_is_retried_until_it_expires(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send_due(bob, alice)
    for _ in range(12):
        make_due()
        memory().fail_next(TransportError("busy"))
        one_worker.run_due()
    assert outcome() == ("waiting", "busy")
    Notification.objects.filter(pk=row.pk).update(timestamp=datetime.now(UTC) - timedelta(hours=23.6))
    make_due()
    memory().fail_next(TransportError("busy", status=503))
    one_worker.run_due()
    assert outcome() == ("failed", "gave_up")
    assert len(Delivery.objects.get().trail) == 13
    assert list(memory().addresses(alice)) == [str(alice.pk)]


def test_a_postponement_does_not_count_as_an_attempt(alice: User, bob: User, one_worker: Worker) -> None:
    send_due(bob, alice)
    memory().fail_next(PutOff("Not tried: it does not answer.", retry_after=40))
    one_worker.run_due()
    assert outcome() == ("waiting", "Not tried: it does not answer.")
    assert pause() == pytest.approx(40, abs=0.5)
    one = Delivery.objects.get()
    assert (one.attempts, one.trail[0]["attempted"]) == (0, False)


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ([TooLong("too long", status=413)], ("sent", "accepted")),
        ([TooLong("too long", status=413)] * 2, ("failed", "gave_up")),
        ([TooLong("too long", status=413), TransportError("busy", status=503)], ("waiting", "busy")),
    ],
)
def test_a_message_that_is_too_long_is_shortened_and_tried_once_more(
    alice: User, bob: User, one_worker: Worker, answers: list[TransportError], result: tuple[str, str]
) -> None:
    send_due(bob, alice, description="x" * 2000)
    memory().fail_next(*answers)
    one_worker.run_due()
    assert outcome() == result
    assert [entry.get("status") for entry in Delivery.objects.get().trail] == [
        *(error.status for error in answers),
        *[None] * (2 - len(answers)),
    ]
    assert all(len(message.body) < 200 for message, _address in memory().outbox)


def test_an_unexpected_error_stops_no_other_delivery(
    alice: User,
    bob: User,
    charlie: User,
    one_worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to_alice, to_bob = send_due(charlie, alice, bob)
    deliver = memory().send

    async def surprise(message: Message, address: str) -> None:
        if address == str(alice.pk):
            raise ZeroDivisionError
        await deliver(message, address)

    monkeypatch.setattr(memory(), "send", surprise)
    one_worker.run_due()
    assert Delivery.objects.get(notification=to_alice).reason_parameters == {"error": "ZeroDivisionError"}
    assert sent() == [str(to_bob.pk)]


def test_a_transport_that_never_returns_is_cancelled(
    alice: User, bob: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(message: Message, address: str) -> None:
        await asyncio.sleep(60)

    send_due(bob, alice)
    monkeypatch.setattr(memory(), "send", hang)
    monkeypatch.setattr(sender, "SEND_SECONDS", 0.05)
    one_worker.run_due()
    assert outcome() == ("waiting", "timed_out")


class Strange:
    """An object whose text cannot be made."""

    def __str__(self) -> str:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("reason", "stored"),
    [
        ("half \ud83d of one", "half ? of one"),
        ("a\0b", "ab"),
        ("\ud800\0" + "x" * 300, "?" + "x" * 254),
        (ValueError("no route"), "no route"),
        (None, "None"),
        (Strange(), "unexpected"),
    ],
    ids=["surrogate", "nul", "long", "error", "none", "strange"],
)
def test_any_reason_of_a_transport_is_recorded_and_nothing_is_sent_again(
    alice: User, bob: User, one_worker: Worker, reason: Any, stored: str
) -> None:
    send_due(bob, alice)
    memory().fail_next(TransportError(reason, permanent=True))
    assert one_worker.run_due() == 1
    assert outcome() == ("failed", stored)
    one = Delivery.objects.get()
    assert one.claim is None
    assert [entry["parameters"] for entry in one.trail] == [one.reason_parameters]
    make_due()
    assert (one_worker.run_due(), sent()) == (0, [])


@pytest.mark.parametrize(
    ("asked", "longest"),
    [(float("nan"), 5), (float("inf"), 5), (1e300, LAST_PAUSE), (-5, 1), ("soon", 5)],
)
def test_any_pause_of_a_transport_is_kept_within_bounds(
    alice: User, bob: User, settings: Settings, asked: Any, longest: float
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_TTL": 10**9}
    send_due(bob, alice)
    memory().fail_next(TransportError("busy", retry_after=asked))
    one = Worker()
    one.run_due()
    one.close()
    assert outcome() == ("waiting", "busy")
    assert 0.5 <= pause() <= longest + 0.5


STATUSES = {"text": "teapot", "huge": 10**40, "bool": True, "float": 429.0, "strange": Strange()}


@pytest.mark.parametrize("status", STATUSES.values(), ids=STATUSES)
def test_an_invalid_status_is_not_recorded(alice: User, bob: User, one_worker: Worker, status: Any) -> None:
    send_due(bob, alice)
    memory().fail_next(TransportError("refused", permanent=True, status=status))
    one_worker.run_due()
    assert outcome() == ("failed", "refused")
    assert "status" not in Delivery.objects.get().trail[0]
