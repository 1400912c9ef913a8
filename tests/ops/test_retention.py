"""Retention removes old data, and only from the beginning of each log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from accounts.models import User
from notifications_hub import broadcast, streams
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.models import Notification
from notifications_hub.ops import inbox_retention, retention
from notifications_hub.ops.inbox_retention import InboxState
from notifications_hub.streams import NewEvent, pruning
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
OLD = NOW - timedelta(days=100)
LONG_AGO = NOW - timedelta(days=90)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


def log(topic: str, *moments: datetime) -> None:
    """Log one event at each of these moments, numbered in this order."""
    streams.append_many(NewEvent(topic, "post.created", {}) for _ in moments)
    for event, moment in zip(Event.objects.filter(topic=topic).order_by("seq"), moments, strict=True):
        Event.objects.filter(pk=event.pk).update(created=moment)


def seqs(topic: str) -> list[int | None]:
    return list(Event.objects.filter(topic=topic).order_by("seq").values_list("seq", flat=True))


def settled(person: User, by: User, at: datetime | None) -> Delivery:
    notify.send(by, recipient=person, verb="replied")
    arming.arm([Plan(notification_pk=Notification.objects.latest("pk").pk, transport="web_push", address="7")])
    planned = Delivery.objects.latest("pk")
    if at:
        Delivery.objects.filter(pk=planned.pk).update(state=DeliveryState.SENT, created=at, settled_at=at)
    return planned


def test_old_events_are_removed_from_the_beginning_of_each_log() -> None:
    log("post.1", OLD, OLD, NOW)
    log("post.2", OLD, OLD)
    log("post.3", NOW)

    pruned = retention.prune(LONG_AGO)

    assert (seqs("post.1"), seqs("post.2"), seqs("post.3")) == ([3], [], [1])
    assert pruned.events == 4
    kept = dict(Stream.objects.values_list("topic", "pruned_through"))
    assert kept == {"post.1": 2, "post.2": 2, "post.3": 0}


def test_an_old_event_after_a_young_one_stays_because_a_log_has_no_holes() -> None:
    log("post.1", OLD, NOW, OLD, NOW)
    retention.prune(LONG_AGO)

    assert seqs("post.1") == [2, 3, 4]


def test_only_a_reader_behind_the_removed_events_must_reset() -> None:
    log("post.1", OLD, OLD, NOW)
    epoch = Stream.objects.get().epoch
    retention.prune(LONG_AGO)

    [behind] = streams.read({"post.1": Position(epoch, 0, 1)})
    [level] = streams.read({"post.1": Position(epoch, 0, 2)})
    assert behind.reset
    assert not level.reset
    assert [event.seq for event in level.events] == [3]


def test_numbers_continue_after_a_whole_log_is_removed() -> None:
    log("post.1", OLD, OLD)
    retention.prune(LONG_AGO)
    streams.append("post.1", "post.created", {})

    assert seqs("post.1") == [3]


def test_a_long_log_is_removed_in_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "STEP", 10)
    log("post.1", *[OLD] * 35, NOW)

    assert retention.prune(LONG_AGO).events == 35
    assert seqs("post.1") == [36]


def test_many_topics_are_pruned_in_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "STEP", 3)
    monkeypatch.setattr(pruning, "TOPICS", 3)
    for number in range(10):
        log(f"post.{number}", OLD)
    for number in range(10):
        streams.append(f"post.{number}", "post.created", {})

    assert retention.prunable(LONG_AGO).events == 10
    assert retention.prune(LONG_AGO).events == 10
    assert {tuple(seqs(f"post.{number}")) for number in range(10)} == {(2,)}


def test_events_whose_numbers_are_not_in_the_order_of_ids_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "STEP", 10)
    log("post.1", *[OLD] * 30, NOW)
    # The first id gets the last number, as if its transaction had committed after all others.
    Event.objects.filter(seq=1).update(seq=100)
    for seq in range(2, 31):
        Event.objects.filter(seq=seq).update(seq=seq - 1)
    Event.objects.filter(seq=100).update(seq=30)

    assert retention.prune(LONG_AGO).events == 30
    assert seqs("post.1") == [31]


def test_young_events_cost_nothing_however_many_topics_there_are() -> None:
    streams.append_many(NewEvent(f"post.{number}", "post.created", {}) for number in range(400))
    with CaptureQueriesContext(connection) as queries:
        retention.prune(LONG_AGO)

    assert len(queries) <= 7


def test_an_event_without_a_number_stays() -> None:
    Event.objects.create(topic="post.1", kind="post.created", created=OLD)
    retention.prune(LONG_AGO)

    assert Event.objects.count() == 1


def test_old_settled_deliveries_are_removed_and_waiting_ones_never(alice: User, bob: User) -> None:
    settled(alice, bob, OLD)
    young, waiting = settled(alice, bob, NOW), settled(alice, bob, None)
    Delivery.objects.update(created=OLD)

    assert retention.prune(LONG_AGO).deliveries == 1
    assert set(Delivery.objects.all()) == {young, waiting}
    assert Notification.objects.count() == 3


def test_deliveries_are_removed_in_several_steps(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "ROWS", 2)
    for _ in range(5):
        settled(alice, bob, OLD)

    assert retention.prune(LONG_AGO).deliveries == 5


def test_a_dry_run_counts_the_same_and_removes_nothing(alice: User, bob: User) -> None:
    settled(alice, bob, OLD)
    log("post.1", OLD, OLD, NOW)
    found = retention.prunable(LONG_AGO)
    assert seqs("post.1") == [1, 2, 3]

    assert retention.prune(LONG_AGO) == found
    assert (found.deliveries, found.events) == (1, 2)


def in_inbox(person: User, by: User, kind: str = "default", **state: Any) -> int:
    notify.send(by, recipient=person, verb="replied", kind=kind)
    row = Notification.objects.latest("pk")
    Notification.objects.filter(pk=row.pk).update(committed_at=OLD, timestamp=OLD, **state)
    return int(row.pk)


def test_old_rows_of_inboxes_are_removed_by_state_and_kind(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_retention, "RANGE", 2)
    read: dict[str, Any] = {"unread": False, "read_at": OLD}
    archived: dict[str, Any] = {"unread": False, "archived_at": OLD}
    rows = {
        "read": in_inbox(alice, bob, **read),
        "reply": in_inbox(alice, bob, "comment.reply", **read),
        "unread": in_inbox(alice, bob),
        "archived": in_inbox(alice, bob, **archived),
    }
    notify.send(bob, recipient=alice, verb="young")
    Notification.objects.filter(verb="young").update(unread=False)
    remaining = Notification.objects.filter(pk__in=rows.values())

    assert inbox_retention.prunable_rows(LONG_AGO, InboxState.READ) == 2
    assert inbox_retention.prune_inboxes(LONG_AGO, InboxState.READ, ["comment.reply"]) == 1
    assert set(remaining.values_list("pk", flat=True)) == {rows[name] for name in ("read", "unread", "archived")}
    assert inbox_retention.prune_inboxes(LONG_AGO, InboxState.ARCHIVED) == 1
    assert inbox_retention.prune_inboxes(LONG_AGO, InboxState.READ) == 1
    assert inbox_retention.prune_inboxes(LONG_AGO, InboxState.ALL) == 1
    assert [row.verb for row in Notification.objects.all()] == ["young"]

    streams.number([streams.inbox_topic(alice.pk)])
    events = Event.objects.filter(topic=streams.inbox_topic(alice.pk)).exclude(kind="tombstone")
    kinds = sorted(events.values_list("kind", flat=True))
    assert kinds == ["notification.created", *["notification.deleted"] * 4]


def test_a_row_of_an_announcement_stays(alice: User, bob: User) -> None:
    announcement = broadcast(title="Hello", by=bob)
    Notification.objects.create(
        recipient=alice, announcement=announcement, verb="", unread=False, committed_at=OLD, actor=bob
    )
    assert inbox_retention.prune_inboxes(LONG_AGO, InboxState.ALL) == 0
    assert Notification.objects.count() == 1
