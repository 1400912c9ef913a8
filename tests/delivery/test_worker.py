"""The worker: sends, cancellations, and the deliveries of a killed worker. `test_sender.py` has failed sends."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.db import OperationalError
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.announce import withdraw
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.delivery import arming, claiming, worker
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preparing import ACT_SALT
from notifications_hub.delivery.worker import Worker, WorkerThread
from notifications_hub.kinds import DeliveryMethod, Kind, NotificationLike
from notifications_hub.message import Message
from notifications_hub.notification import Notification
from notifications_hub.transports import TransportError
from tests.support.deliveries import make_due, memory, one_worker, outcome, send_due, sent, use_memory
from tests.support.processes import wait_until
from tests.support.together import in_process, together

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Fragile(Kind):
    """A kind whose words fail without their data."""

    name = "tests.fragile"

    def title(self, notification: NotificationLike) -> str:
        return str(notification.data["title"])


class Spoken(Kind):
    name = "tests.spoken"

    def title(self, notification: NotificationLike) -> str:
        return translation.get_language() or ""


class Timed(Kind):
    name = "tests.timed"

    def title(self, notification: NotificationLike) -> str:
        return timezone.get_current_timezone_name()


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


# Sending


def test_a_due_delivery_is_sent_once(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send_due(bob, alice, target=bob, kind="comment.reply", url="/posts/9/")
    assert (one_worker.run_due(), one_worker.run_due()) == (1, 0)
    [(message, address)] = memory().outbox
    assert address == str(alice.pk)
    assert (message.id, message.title, message.url, message.tag) == (
        str(row.pk),
        row.message().title,
        "/posts/9/",
        f"n{row.pk}",
    )
    assert outcome() == ("sent", "accepted")


def test_a_delivery_that_is_not_due_is_not_sent(alice: User, bob: User, one_worker: Worker) -> None:
    send_due(bob, alice)
    Delivery.objects.update(due_at=datetime.now(UTC) + timedelta(seconds=5))
    assert one_worker.run_due() == 0
    assert sent() == []


def test_an_accepted_push_does_not_mark_the_notification_as_delivered(
    alice: User, bob: User, one_worker: Worker
) -> None:
    send_due(bob, alice)
    one_worker.run_due()
    assert Notification.objects.get().delivered_at is None


def test_a_message_is_in_its_persons_language(alice: User, bob: User, one_worker: Worker) -> None:
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    send_due(bob, alice, kind="tests.spoken")
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert (message.title, message.language) == ("zh-hans", "zh-hans")


def test_a_message_shows_times_in_its_persons_time_zone(alice: User, bob: User, one_worker: Worker) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Shanghai")
    send_due(bob, alice, kind="tests.timed")
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert message.title == "Asia/Shanghai"


def test_a_message_bears_a_token_for_its_own_delivery(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send_due(bob, alice)
    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert signing.loads(message.token, salt=ACT_SALT) == [Delivery.objects.get().pk, row.pk]


# Deliveries that became pointless


def read(row: Notification) -> None:
    row.mark_as_read()


def archive(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).archive()


def delete_softly(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).mark_all_as_deleted()


def delivered_elsewhere(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).mark_as_delivered(DeliveryMethod.FLASH)


def deactivate(row: Notification) -> None:
    User.objects.filter(pk=row.recipient_id).update(is_active=False)


def grow_old(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).update(timestamp=datetime.now(UTC) - timedelta(days=2))


@pytest.mark.parametrize(
    ("happen", "reason"),
    [
        (delivered_elsewhere, "delivered_already"),
        (read, "read"),
        (archive, "archived"),
        (delete_softly, "deleted"),
        (grow_old, "expired"),
        (deactivate, "person_inactive"),
    ],
)
def test_a_delivery_that_became_pointless_is_cancelled_with_its_reason(
    alice: User, bob: User, one_worker: Worker, happen: Callable[[Notification], None], reason: str
) -> None:
    [row] = send_due(bob, alice)
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
    arming.arm([arming.Plan(notification_pk=row.pk, transport="web_push", address=str(alice.pk))])
    finish(announcement)
    make_due()
    one_worker.run_due()
    assert sent() == []
    assert outcome() == ("cancelled", "announcement_over")


def test_deleting_a_notification_deletes_its_delivery(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send_due(bob, alice)
    row.delete()
    assert one_worker.run_due() == 0
    assert sent() == []


# Failures other than of sending


def test_an_address_that_is_gone_is_forgotten(alice: User, bob: User, one_worker: Worker) -> None:
    send_due(bob, alice)
    memory().fail_next(TransportError("gone", permanent=True, status=410))
    one_worker.run_due()
    assert outcome() == ("failed", "gone")
    assert Delivery.objects.get().trail[0]["status"] == 410
    assert list(memory().addresses(alice)) == []


def test_an_error_while_forgetting_loses_no_outcome(
    alice: User, bob: User, charlie: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(results: object) -> None:
        raise RuntimeError("cannot forget")

    send_due(charlie, alice, bob)
    memory().fail_next(TransportError("gone", permanent=True))
    monkeypatch.setattr(memory(), "learn", fail)
    one_worker.run_due()
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["failed", "sent"]


def test_a_notification_of_a_broken_kind_is_sent_in_the_default_words(
    alice: User, bob: User, charlie: User, one_worker: Worker
) -> None:
    wordless, good = send_due(charlie, alice, bob, kind="tests.fragile", title="Hello")
    Notification.objects.filter(pk=wordless.pk).update(data={})
    assert one_worker.run_due() == 2
    assert Delivery.objects.get(notification=wordless).state == "sent"
    assert sent() == [str(wordless.pk), str(good.pk)]


def test_a_transport_removed_from_the_settings_fails_its_deliveries(alice: User, bob: User, one_worker: Worker) -> None:
    send_due(bob, alice)
    Delivery.objects.update(transport="pigeon")
    one_worker.run_due()
    assert outcome() == ("failed", "unexpected")


# Several workers, and killed workers


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_delivery_once(alice: User, bob: User) -> None:
    rows = [send_due(bob, alice)[0] for _ in range(60)]

    def work() -> None:
        mine = Worker()
        while Delivery.objects.filter(state=DeliveryState.WAITING).exists():
            mine.run_due()
        mine.close()

    together([work, work])
    assert sorted(sent()) == sorted(str(row.pk) for row in rows)
    assert set(Delivery.objects.values_list("state", "attempts")) == {("sent", 1)}


@pytest.mark.django_db(transaction=True)
def test_another_worker_sends_the_deliveries_of_a_killed_one(alice: User, bob: User) -> None:
    [row] = send_due(bob, alice)
    killed = in_process("""
        import os, signal
        from notifications_hub.delivery.claiming import claim_due
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
def test_the_thread_sends_deliveries_that_fall_due(
    alice: User, bob: User, worker_thread: Callable[[], WorkerThread]
) -> None:
    worker_thread()
    [row] = send_due(bob, alice)
    wait_until(lambda: sent() == [str(row.pk)], seconds=30, what="the push")


@pytest.mark.django_db(transaction=True)
def test_an_idle_thread_stops_at_once(
    worker_thread: Callable[[], WorkerThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "IDLE_SECONDS", 60)
    thread = worker_thread()
    time.sleep(0.2)
    began = time.monotonic()
    thread.stop()
    assert time.monotonic() - began < 30


@pytest.mark.django_db(transaction=True)
def test_a_stopping_thread_finishes_sends_under_way(
    alice: User, bob: User, worker_thread: Callable[[], WorkerThread], monkeypatch: pytest.MonkeyPatch
) -> None:
    sending = threading.Event()
    deliver = memory().send

    async def slowly(message: Message, address: str) -> None:
        sending.set()
        await asyncio.sleep(0.3)
        await deliver(message, address)

    monkeypatch.setattr(memory(), "send", slowly)
    send_due(bob, alice)
    thread = worker_thread()
    assert sending.wait(20)
    thread.stop()
    assert outcome() == ("sent", "accepted")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fault", [OperationalError("away"), ZeroDivisionError("a bug")], ids=repr)
def test_an_error_does_not_end_the_thread(
    alice: User, bob: User, worker_thread: Callable[[], WorkerThread], monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    faults = [fault]
    claim_due = claiming.claim_due

    def fail_once(limit: int, **given: int) -> list[Delivery]:
        if faults:
            raise faults.pop()
        return claim_due(limit, **given)

    monkeypatch.setattr(claiming, "claim_due", fail_once)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.05)
    [row] = send_due(bob, alice)
    worker_thread()
    wait_until(lambda: sent() == [str(row.pk)], seconds=30, what="the push")
    assert faults == []
