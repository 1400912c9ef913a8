"""Signals for hosts: sent after the commit, once, for every way in which something is created, delivered or read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.dispatch import Signal
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from notifications_hub import (
    Notification,
    SettledDelivery,
    TransportError,
    broadcast,
    delivery_settled,
    notification_created,
    notification_delivered,
    notification_read,
    streams,
)
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.delivery import acknowledgement, arming
from notifications_hub.delivery.claiming import Outcome, claim_due
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preparing import act_token
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.streams import inbox_topic
from notifications_hub.streams.cursor import Position
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.support import ClientFor, post, queries_of
from tests.support.deliveries import make_due, memory, one_worker, send, send_due, settle, use_memory
from tests.support.together import rolled_back

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases(short="postgresql")]

SIGNALS = {
    "created": notification_created,
    "delivered": notification_delivered,
    "read": notification_read,
    "settled": delivery_settled,
}


@dataclass
class Heard:
    """The arguments that a host's receivers got, and whether a transaction was open then."""

    created: list[dict[str, Any]] = field(default_factory=list)
    delivered: list[dict[str, Any]] = field(default_factory=list)
    read: list[dict[str, Any]] = field(default_factory=list)
    settled: list[dict[str, Any]] = field(default_factory=list)
    in_transaction: list[bool] = field(default_factory=list)

    def receiver(self, name: str) -> Callable[..., None]:
        def receive(signal: Signal, sender: object, **given: Any) -> None:
            getattr(self, name).append(given)
            self.in_transaction.append(connection.in_atomic_block)

        return receive

    def ends(self) -> list[tuple[str, str]]:
        return [(one.state, one.reason.code) for given in self.settled for one in given["deliveries"]]


@pytest.fixture
def heard() -> Iterator[Heard]:
    heard = Heard()
    receivers = {name: heard.receiver(name) for name in SIGNALS}
    for name, receiver in receivers.items():
        SIGNALS[name].connect(receiver)
    yield heard
    for name, receiver in receivers.items():
        SIGNALS[name].disconnect(receiver)
    assert not any(heard.in_transaction)


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=10)


# Created


def test_a_notification_that_was_created_comes_as_its_row(heard: Heard, alice: User, bob: User) -> None:
    [row] = send(bob, alice, verb="waved")
    assert heard.created == [{"notifications": (row,)}]
    assert heard.created[0]["notifications"][0].recipient == alice


@pytest.mark.both_databases(short="sqlite")
def test_one_call_sends_one_signal_however_many_people_it_notifies(heard: Heard, bob: User) -> None:
    people = get_user_model().objects.bulk_create(User(username=f"person{n}") for n in range(1200))
    rows = send(bob, *people)
    assert [len(given["notifications"]) for given in heard.created] == [1200]
    assert heard.created[0]["notifications"] == tuple(rows)


def test_only_what_was_created_is_in_the_signal(heard: Heard, alice: User, bob: User, charlie: User) -> None:
    send(bob, alice, dedupe_key="once")
    send(bob, alice, charlie, dedupe_key="once")
    send(bob, alice, dedupe_key="once")
    assert [[row.recipient for row in one["notifications"]] for one in heard.created] == [[alice], [charlie]]


def test_a_signal_is_sent_only_after_the_commit(heard: Heard, alice: User, bob: User) -> None:
    with transaction.atomic():
        [row] = send(bob, alice)
        row.mark_as_read()
        arming.mark_delivered([row.pk], "live")
        assert heard == Heard()
    assert len(heard.created) == len(heard.delivered) == len(heard.read) == len(heard.settled) == 1


def test_a_rolled_back_change_sends_nothing(heard: Heard, alice: User, bob: User) -> None:
    with transaction.atomic():
        with rolled_back():
            [row] = send(bob, alice)
            row.mark_as_read()
            arming.mark_delivered([row.pk], "live")
        send(bob, alice, verb="waved")
    assert [row.verb for given in heard.created for row in given["notifications"]] == ["waved"]
    assert heard.delivered == heard.read == heard.settled == []


def test_an_announcement_creates_no_notification_that_a_host_hears_of(heard: Heard, alice: User) -> None:
    broadcast(title="Maintenance")
    make_rows(alice)
    row = Notification.objects.get()
    marks.mark(alice, Mark.READ, [row.item_id])
    assert heard.created == []
    assert [given["recipients"] for given in heard.read] == [{row.pk: alice.pk}]


# Delivered


def by_page(row: Notification) -> None:
    topic = inbox_topic(row.recipient_id)
    epoch, top = streams.moved({topic: None})[topic]
    acknowledgement.acknowledge(row.recipient_id, {topic: Position(epoch, 0, top)})


def by_flash(row: Notification) -> None:
    browser = Client()
    browser.force_login(row.recipient)
    assert browser.get(reverse("profile")).status_code == 200


def by_push(row: Notification) -> None:
    assert report(row, "shown") == 200


def report(row: Notification, action: str) -> int:
    sent = Delivery.objects.get(notification=row)
    PushSubscription.objects.get_or_create(pk=int(sent.address), owner=row.recipient, endpoint_hash="h")
    body = {"token": act_token(sent), "action": action}
    return int(Client().post(reverse("notifications_hub_api:push_act"), body, "application/json").status_code)


def by_host(row: Notification) -> None:
    Notification.objects.filter(pk=row.pk).mark_as_delivered("sms")


@pytest.mark.parametrize(
    ("deliver", "method"), [(by_page, "live"), (by_flash, "flash"), (by_push, "web_push"), (by_host, "sms")]
)
def test_a_delivered_notification_is_reported_once_with_the_method(
    heard: Heard, alice: User, bob: User, deliver: Callable[[Notification], None], method: str
) -> None:
    [row] = send(bob, alice)
    deliver(row)
    deliver(row)
    row.refresh_from_db()
    assert heard.delivered == [{"recipients": {row.pk: alice.pk}, "method": method, "at": row.delivered_at}]


# Read


def by_row(row: Notification, browser: Client) -> None:
    row.mark_as_read()


def by_queryset(row: Notification, browser: Client) -> None:
    Notification.objects.mark_all_as_read(row.recipient)


def by_api(row: Notification, browser: Client) -> None:
    assert post(browser, "notifications/read/", {"ids": [row.item_id]}).json()["changed"] == 1


def by_api_all(row: Notification, browser: Client) -> None:
    assert post(browser, "notifications/read/", {"all": True}).json()["changed"] == 1


def by_form(row: Notification, browser: Client) -> None:
    browser.post(reverse("notifications_hub:mark"), {"action": "read", "ids": [row.item_id]})


def by_push_action(row: Notification, browser: Client) -> None:
    assert report(row, "read") == 200


@pytest.mark.parametrize("read", [by_row, by_queryset, by_api, by_api_all, by_form, by_push_action])
def test_a_read_notification_is_reported_however_it_was_read(
    heard: Heard, alice: User, bob: User, client_for: ClientFor, read: Callable[[Notification, Client], None]
) -> None:
    [row] = send(bob, alice)
    read(row, client_for(alice))
    row.refresh_from_db()
    assert heard.read == [{"recipients": {row.pk: alice.pk}, "at": row.read_at}]


def test_everything_read_at_once_is_one_signal(heard: Heard, alice: User, bob: User, charlie: User) -> None:
    rows = [row for _ in range(3) for row in send(bob, alice)]
    send(bob, charlie)
    marks.mark_all(alice, Mark.READ)
    marks.mark_all(alice, Mark.READ)
    assert [given["recipients"] for given in heard.read] == [{row.pk: alice.pk for row in rows}]


def test_an_undo_sends_nothing_and_what_is_read_again_is_reported_again(heard: Heard, alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    done = marks.mark_all(alice, Mark.READ)
    assert marks.undo(alice, done.undo or "") == 1
    assert len(heard.read) == 1
    marks.mark(alice, Mark.READ, [row.item_id])
    assert len(heard.read) == 2


# Settled


def test_a_sent_delivery_is_settled_with_its_reason(heard: Heard, alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send_due(bob, alice)
    assert one_worker.run_due() == 1
    [given] = heard.settled
    [one] = given["deliveries"]
    settled_at = Delivery.objects.get().settled_at
    assert isinstance(one, SettledDelivery)
    assert (one.notification_pk, one.transport, one.address, one.at) == (row.pk, "web_push", str(alice.pk), settled_at)
    assert (one.state, one.reason.code, str(one.reason)) == ("sent", "accepted", "The service accepted it.")


def test_only_the_last_failure_settles_a_delivery(heard: Heard, alice: User, bob: User, one_worker: Worker) -> None:
    send_due(bob, alice)
    memory().fail_next(TransportError("Busy.", retry_after=1))
    one_worker.run_due()
    assert heard.settled == []
    make_due()
    memory().fail_next(TransportError("Gone.", permanent=True))
    one_worker.run_due()
    assert heard.ends() == [("failed", "transport_said")]
    assert str(heard.settled[0]["deliveries"][0].reason) == "Gone."


@pytest.mark.parametrize(("action", "code"), [(Mark.READ, "read"), (Mark.ARCHIVE, "archived")])
def test_a_mark_settles_the_deliveries_that_it_cancels(
    heard: Heard, alice: User, bob: User, action: Mark, code: str
) -> None:
    send(bob, alice)
    marks.mark_all(alice, action)
    marks.mark_all(alice, action)
    assert heard.ends() == [("cancelled", code)]


def test_a_delivery_that_another_method_made_pointless_is_cancelled(heard: Heard, alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    by_page(row)
    assert heard.ends() == [("cancelled", "delivered_by")]


def test_a_delivery_that_became_pointless_unnoticed_is_settled_by_the_worker(
    heard: Heard, alice: User, bob: User, one_worker: Worker
) -> None:
    [row] = send_due(bob, alice)
    row.mark_as_read()
    one_worker.run_due()
    assert heard.ends() == [("cancelled", "read")]


def test_a_worker_that_lost_its_lease_settles_nothing(heard: Heard, alice: User, bob: User, one_worker: Worker) -> None:
    send_due(bob, alice)
    one_worker.turn()
    make_due()
    [again] = claim_due()
    one_worker.run_due()
    assert heard.settled == []
    assert Delivery.objects.get().claim == again.claim


# Receivers


def test_a_receiver_that_raises_harms_nobody(
    heard: Heard, alice: User, bob: User, one_worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(**given: Any) -> None:
        raise RuntimeError("a host's fault")

    for signal in SIGNALS.values():
        signal.connect(break_down)
    try:
        [row] = send_due(bob, alice)
        one_worker.run_due()
        by_page(row)
        assert marks.mark(alice, Mark.READ, [row.item_id]).changed == 1
    finally:
        for signal in SIGNALS.values():
            signal.disconnect(break_down)
    assert len(heard.created) == len(heard.settled) == len(heard.delivered) == len(heard.read) == 1
    assert caplog.text.count("RuntimeError: a host's fault") == 4


def test_only_a_cancellation_costs_a_query_and_only_if_somebody_listens(
    heard: Heard, monkeypatch: pytest.MonkeyPatch, alice: User, bob: User
) -> None:
    def change_everything() -> None:
        send_due(bob, alice)
        [claimed] = claim_due()
        settle(claimed, Outcome(state=DeliveryState.SENT, reason=DeliveryReason(ReasonCode.ACCEPTED)))
        Notification.objects.mark_all_as_read(alice)
        Notification.objects.mark_as_delivered("sms")

    def cancel() -> None:
        send(bob, alice)
        marks.mark_all(alice, Mark.READ)

    change_everything()
    cancel()
    listened = queries_of(change_everything), queries_of(cancel)
    assert len(heard.created) == 4
    for signal in SIGNALS.values():
        monkeypatch.setattr(signal, "receivers", [])
    assert (queries_of(change_everything), queries_of(cancel) + 1) == listened
    assert len(heard.created) == 4
