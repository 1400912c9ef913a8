"""The worker: what it sends, what it no longer sends, and what it does when sending fails."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core import signing
from django.db import OperationalError
from django.utils import timezone, translation
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast, claiming, delivery, sending, sweeper, worker
from notifications_hub.announcements.announce import make_rows, withdraw
from notifications_hub.announcements.models import Announcement
from notifications_hub.delivery import Delivery, State
from notifications_hub.kinds import Kind, Road, Told
from notifications_hub.message import Message
from notifications_hub.notification import Notification
from notifications_hub.sending import pause_after
from notifications_hub.transports import PutOff, TooLong, TransportError
from notifications_hub.worker import ACT_SALT, Worker, WorkerThread
from tests.support.deliveries import BY_MEMORY, make_due, memory, sent
from tests.support.processes import wait_until
from tests.support.together import in_process, together

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Fragile(Kind):
    """Has no words for what it was not given."""

    name = "tests.fragile"

    def title(self, notification: Told) -> str:
        return str(notification.data["title"])


class Spoken(Kind):
    name = "tests.spoken"

    def title(self, notification: Told) -> str:
        return translation.get_language() or ""


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": BY_MEMORY, "ACK_WINDOW": 0}


@pytest.fixture
def one_worker() -> Iterator[Worker]:
    one = Worker()
    yield one
    one.close()


def send(actor: User, *people: User, **given: Any) -> list[Notification]:
    answers: Any = notify.send(actor, recipient=people, **{"verb": "replied", **given})
    make_due()
    return list(answers[0][1])


def outcome() -> tuple[str, str]:
    one = Delivery.objects.get()
    return one.state, one.reason


def pause() -> float:
    """Seconds from the last attempt to the next."""
    one = Delivery.objects.get()
    return (one.due_at - datetime.fromisoformat(one.trail[-1]["at"])).total_seconds()


# Sending


def test_what_is_due_is_sent_once(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send(bob, alice, target=bob, kind="comment.reply", url="/posts/9/")
    assert (one_worker.run_due(), one_worker.run_due()) == (1, 0)
    [(message, address)] = memory().outbox
    assert address == str(alice.pk)
    assert (message.id, message.title, message.url, message.tag) == (
        str(row.pk),
        row.message().title,
        "/posts/9/",
        f"n{row.pk}",
    )
    assert outcome() == ("sent", "taken by the other side")


def test_what_is_not_due_is_not_sent(alice: User, bob: User, one_worker: Worker) -> None:
    send(bob, alice)
    Delivery.objects.update(due_at=datetime.now(UTC) + timedelta(seconds=5))
    assert one_worker.run_due() == 0
    assert sent() == []


def test_a_push_that_was_taken_has_told_nobody_yet(alice: User, bob: User, one_worker: Worker) -> None:
    send(bob, alice)
    one_worker.run_due()
    assert Notification.objects.get().told_at is None


def test_a_message_is_in_the_language_of_its_person(alice: User, bob: User, one_worker: Worker) -> None:
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    send(bob, alice, kind="tests.spoken")
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert (message.title, message.language) == ("zh-hans", "zh-hans")


def test_a_message_bears_a_token_for_its_own_delivery(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send(bob, alice)
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert signing.loads(message.token, salt=ACT_SALT) == [Delivery.objects.get().pk, row.pk]


# What is pointless by now


def read(row: Notification) -> None:
    row.mark_as_read()


def archive(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).archive()


def delete_softly(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).mark_all_as_deleted()


def told_elsewhere(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).mark_as_told(Road.FLASH)


def deactivate(row: Notification) -> None:
    User.objects.filter(pk=row.recipient_id).update(is_active=False)


def grow_old(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).update(timestamp=datetime.now(UTC) - timedelta(days=2))


@pytest.mark.parametrize(
    ("happen", "reason"),
    [
        (told_elsewhere, "told already"),
        (read, "read already"),
        (archive, "archived"),
        (delete_softly, "deleted"),
        (grow_old, "expired"),
        (deactivate, "the person is no longer active"),
    ],
)
def test_what_became_pointless_is_cancelled_with_its_reason(
    alice: User, bob: User, one_worker: Worker, happen: Callable[[Notification], None], reason: str
) -> None:
    [row] = send(bob, alice)
    happen(row)
    one_worker.run_due()
    assert sent() == []
    assert outcome() == ("cancelled", reason)
    assert [entry["reason"] for entry in Delivery.objects.get().trail] == [reason]


def end(announcement: Announcement) -> None:
    Announcement.objects.filter(pk=announcement.pk).update(ends_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("finish", [withdraw, end])
def test_an_announcement_that_is_over_is_not_sent(
    alice: User, one_worker: Worker, finish: Callable[[Announcement], object]
) -> None:
    announcement = broadcast(title="Closed on Friday")
    make_rows(alice)
    row = Notification.objects.get()
    delivery.arm([delivery.Plan(notification_pk=row.pk, transport="web_push", address=str(alice.pk))])
    finish(announcement)
    make_due()
    one_worker.run_due()
    assert sent() == []
    assert outcome() == ("cancelled", "the announcement is over")


def test_a_deleted_notification_takes_its_delivery_along(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send(bob, alice)
    row.delete()
    assert one_worker.run_due() == 0
    assert sent() == []


# Failing


def test_a_failure_that_passes_is_tried_again_and_sent(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send(bob, alice)
    memory().fail_next(TransportError("busy", status=503))
    one_worker.run_due()
    assert outcome() == ("waiting", "busy")
    assert one_worker.run_due() == 0
    make_due()
    one_worker.run_due()
    assert sent() == [str(row.pk)]
    assert [entry["state"] for entry in Delivery.objects.get().trail] == ["waiting", "sent"]


def test_pauses_grow_and_vary(alice: User, bob: User, one_worker: Worker) -> None:
    send(bob, alice)
    for longest in (5, 10, 20, 40):
        make_due()
        memory().fail_next(TransportError("busy"))
        one_worker.run_due()
        assert longest / 2 - 0.5 < pause() < longest + 0.5
    assert len({pause_after(3) for _ in range(10)}) > 1
    assert all(1800 <= pause_after(attempts) <= 3600 for attempts in (12, 100, 10_000))


@pytest.mark.parametrize(("asked", "waited"), [(300.0, 300.0), (0.0, 1.0), (50_000.0, 50_000.0)])
def test_the_other_side_may_say_when_to_come_back(
    alice: User, bob: User, one_worker: Worker, asked: float, waited: float
) -> None:
    send(bob, alice)
    memory().fail_next(TransportError("busy", status=429, retry_after=asked))
    one_worker.run_due()
    assert pause() == pytest.approx(waited, abs=0.5)


def test_it_is_tried_until_it_is_no_news_any_more(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send(bob, alice)
    for _ in range(12):
        make_due()
        memory().fail_next(TransportError("busy"))
        one_worker.run_due()
    assert outcome() == ("waiting", "busy")
    Notification.objects.filter(pk=row.pk).update(timestamp=datetime.now(UTC) - timedelta(hours=23.6))
    make_due()
    memory().fail_next(TransportError("busy", status=503))
    one_worker.run_due()
    assert outcome() == ("failed", "given up: busy")
    assert len(Delivery.objects.get().trail) == 13
    assert list(memory().addresses(alice)) == [str(alice.pk)]


def test_what_was_put_off_was_no_attempt(alice: User, bob: User, one_worker: Worker) -> None:
    send(bob, alice)
    memory().fail_next(PutOff("Not tried: it does not answer.", retry_after=40))
    one_worker.run_due()
    assert outcome() == ("waiting", "Not tried: it does not answer.")
    assert pause() == pytest.approx(40, abs=0.5)
    one = Delivery.objects.get()
    assert (one.attempts, one.trail[0]["attempted"]) == (0, False)


@pytest.mark.parametrize(
    ("answers", "result"),
    [
        ([TooLong("too long", status=413)], ("sent", "taken by the other side")),
        ([TooLong("too long", status=413)] * 2, ("failed", "given up: too long")),
        ([TooLong("too long", status=413), TransportError("busy", status=503)], ("waiting", "busy")),
    ],
)
def test_what_is_too_long_is_shortened_and_tried_once_more(
    alice: User, bob: User, one_worker: Worker, answers: list[TransportError], result: tuple[str, str]
) -> None:
    send(bob, alice, description="x" * 2000)
    memory().fail_next(*answers)
    one_worker.run_due()
    assert outcome() == result
    assert [entry.get("status") for entry in Delivery.objects.get().trail] == [
        *(error.status for error in answers),
        *[None] * (2 - len(answers)),
    ]
    assert all(len(message.body) < 200 for message, _address in memory().outbox)


def test_an_address_that_is_gone_is_forgotten(alice: User, bob: User, one_worker: Worker) -> None:
    send(bob, alice)
    memory().fail_next(TransportError("gone", permanent=True, status=410))
    one_worker.run_due()
    assert outcome() == ("failed", "gone")
    assert Delivery.objects.get().trail[0]["status"] == 410
    assert list(memory().addresses(alice)) == []


def test_a_fault_in_forgetting_loses_no_outcome(
    alice: User, bob: User, charlie: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(results: object) -> None:
        raise RuntimeError("cannot forget")

    send(charlie, alice, bob)
    memory().fail_next(TransportError("gone", permanent=True))
    monkeypatch.setattr(memory(), "learn", fail)
    with pytest.raises(RuntimeError):
        one_worker.run_due()
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["failed", "sent"]


def test_a_surprise_in_one_stops_no_other(
    alice: User,
    bob: User,
    charlie: User,
    one_worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    to_alice, to_bob = send(charlie, alice, bob)
    deliver = memory().send

    async def surprise(message: Message, address: str) -> None:
        if address == str(alice.pk):
            raise ZeroDivisionError
        await deliver(message, address)

    monkeypatch.setattr(memory(), "send", surprise)
    one_worker.run_due()
    assert Delivery.objects.get(notification=to_alice).reason == "unexpected: ZeroDivisionError"
    assert sent() == [str(to_bob.pk)]


def test_one_whose_kind_fails_is_told_in_the_default_words(
    alice: User, bob: User, charlie: User, one_worker: Worker
) -> None:
    wordless, good = send(charlie, alice, bob, kind="tests.fragile", title="Hello")
    Notification.objects.filter(pk=wordless.pk).update(data={})
    assert one_worker.run_due() == 2
    assert Delivery.objects.get(notification=wordless).state == "sent"
    assert sent() == [str(wordless.pk), str(good.pk)]


def test_a_transport_that_is_gone_from_the_settings_fails_its_deliveries(
    alice: User, bob: User, one_worker: Worker
) -> None:
    send(bob, alice)
    Delivery.objects.update(transport="pigeon")
    one_worker.run_due()
    assert outcome() == ("failed", "unexpected: ImproperlyConfigured")


def test_a_transport_that_never_ends_is_ended(
    alice: User, bob: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(message: Message, address: str) -> None:
        await asyncio.sleep(60)

    send(bob, alice)
    monkeypatch.setattr(memory(), "send", hang)
    monkeypatch.setattr(sending, "SEND_SECONDS", 0.05)
    one_worker.run_due()
    assert outcome() == ("waiting", "took too long")


# Several workers, and workers that die


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_everything_once(alice: User, bob: User) -> None:
    rows = [send(bob, alice)[0] for _ in range(60)]

    def work() -> None:
        mine = Worker()
        while Delivery.objects.filter(state=State.WAITING).exists():
            mine.run_due()
        mine.close()

    together([work, work])
    assert sorted(sent()) == sorted(str(row.pk) for row in rows)
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_worker_had_claimed_is_sent_by_another(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    killed = in_process("""
        import os, signal
        from notifications_hub.claiming import claim_due
        assert claim_due()
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert killed.wait(30) == -signal.SIGKILL
    other = Worker()
    assert other.run_due() == 0
    make_due()  # the lease is over
    assert other.run_due() == 1
    other.close()
    assert sent() == [str(row.pk)]


# The thread beside the hub


@pytest.fixture
def worker_thread() -> Iterator[Callable[[], WorkerThread]]:
    started: list[WorkerThread] = []

    def start() -> WorkerThread:
        started.append(WorkerThread())
        return started[-1]

    yield start
    for thread in started:
        thread.stop()


@pytest.mark.django_db(transaction=True)
def test_the_thread_sends_what_falls_due(alice: User, bob: User, worker_thread: Callable[[], WorkerThread]) -> None:
    worker_thread()
    [row] = send(bob, alice)
    wait_until(lambda: sent() == [str(row.pk)], seconds=5, what="the push")


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_waits_stops_at_once(
    worker_thread: Callable[[], WorkerThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "IDLE_SECONDS", 60)
    thread = worker_thread()
    time.sleep(0.2)
    began = time.monotonic()
    thread.stop()
    assert time.monotonic() - began < 10


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_is_stopped_finishes_what_is_under_way(
    alice: User, bob: User, worker_thread: Callable[[], WorkerThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = threading.Event()
    deliver = memory().send

    async def slowly(message: Message, address: str) -> None:
        sending.set()
        await asyncio.sleep(0.3)
        await deliver(message, address)

    monkeypatch.setattr(memory(), "send", slowly)
    send(bob, alice)
    thread = worker_thread()
    assert sending.wait(5)
    thread.stop()
    assert outcome() == ("sent", "taken by the other side")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [OperationalError("away"), ZeroDivisionError("a bug")], ids=repr)
def test_a_fault_does_not_end_the_thread(
    alice: User, bob: User, worker_thread: Callable[[], WorkerThread], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    faults = [fault]
    claim_due = claiming.claim_due

    def fail_once(limit: int) -> list[Delivery]:
        if faults:
            raise faults.pop()
        return claim_due(limit)

    monkeypatch.setattr(claiming, "claim_due", fail_once)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.05)
    [row] = send(bob, alice)
    worker_thread()
    wait_until(lambda: sent() == [str(row.pk)], seconds=5, what="the push")
    assert faults == []


# The chores of each second


def test_a_chore_that_fails_keeps_no_other_from_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(sweeper, "_chores", [fail, partial(done.append, "swept")])
    sweeper.sweep()
    assert done == ["swept"]


def test_a_database_that_is_away_is_said_to_whoever_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperationalError("away")

    monkeypatch.setattr(sweeper, "_chores", [fail])
    with pytest.raises(OperationalError):
        sweeper.sweep()


def test_a_chore_is_registered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(sweeper, "_chores", [])

    def chore() -> None:
        done.append("swept")

    sweeper.every_second(sweeper.every_second(chore))
    sweeper.sweep()
    assert done == ["swept"]
