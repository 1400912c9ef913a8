from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from notifications_hub import broadcast
from notifications_hub.announcements.announce import withdraw
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.inbox.marks import Mark, mark, mark_all
from notifications_hub.inbox.queries import counts, items
from notifications_hub.notification import Notification
from notifications_hub.streams.models import IDS_IN_AN_EVENT
from tests.inbox.support import NEVER, columns, events_of, ids, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases

EVENTS = {
    Mark.READ: "notification.read",
    Mark.UNREAD: "notification.unread",
    Mark.SEEN: "notification.seen",
    Mark.ARCHIVE: "notification.archived",
}


def armed(row: Notification) -> Delivery:
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address="7")])
    return Delivery.objects.get(notification=row)


@pytest.mark.parametrize("action", EVENTS)
def test_a_mark_changes_what_it_names_and_says_exactly_that(alice: User, bob: User, action: Mark) -> None:
    first, second = send_one(alice, bob), send_one(alice, bob)
    if action is Mark.UNREAD:
        mark_all(alice, Mark.READ)

    assert mark(alice, action, [first.item_id]).changed == 1
    assert events_of(alice, EVENTS[action]) == [{"ids": [first.item_id]}]
    assert mark(alice, action, [first.item_id]).changed == 0, "what is so already does not change"
    assert mark_all(alice, action).changed == 1
    assert events_of(alice, EVENTS[action])[1:] == [{"ids": [second.item_id]}]


def test_unarchiving_publishes_the_whole_item(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    mark(alice, Mark.ARCHIVE, [row.item_id])

    assert mark(alice, Mark.UNARCHIVE, [row.item_id]).changed == 1
    assert ids(items(alice)) == [row.item_id]
    assert [event["id"] for event in events_of(alice, "notification.updated")] == [row.item_id]


def test_the_whole_archive_is_moved_back_at_once(alice: User, bob: User) -> None:
    send_one(alice, bob)
    send_one(alice, bob)
    mark_all(alice, Mark.ARCHIVE)

    assert mark_all(alice, Mark.UNARCHIVE).changed == 2
    assert mark_all(alice, Mark.UNARCHIVE).changed == 0


def test_reading_all_leaves_the_archive_alone(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    mark(alice, Mark.ARCHIVE, [row.item_id])

    assert mark_all(alice, Mark.READ).changed == 0


@pytest.mark.parametrize("action", Mark)
def test_charlie_cannot_mark_alices(alice: User, bob: User, charlie: User, action: Mark) -> None:
    row = send_one(alice, bob)
    before = columns(row)

    assert mark(charlie, action, [row.item_id]).changed == 0
    assert mark_all(charlie, action).changed == 0
    assert columns(row) == before


@pytest.mark.parametrize(
    "name", [NEVER, f"a{NEVER}", "", "abc", "-1", "0", "01", "1e3", "٣", "a", "a5x", "9" * 40, "1\n", "\ud800"]
)
def test_a_missing_id_changes_nothing(alice: User, bob: User, name: str) -> None:
    send_one(alice, bob)

    assert mark(alice, Mark.READ, [name]).changed == 0


def test_an_announcement_cannot_be_marked_by_the_id_of_its_row(alice: User) -> None:
    broadcast(title="Maintenance at noon")
    [row] = items(alice).rows

    assert mark(alice, Mark.READ, [str(row.pk)]).changed == 0
    assert mark(alice, Mark.READ, [row.item_id]).changed == 1


def test_an_announcement_without_a_row_gets_one_silently_and_is_marked(alice: User, bob: User) -> None:
    announcement = broadcast(title="Maintenance at noon")

    assert mark(alice, Mark.READ, [announcement.item_id]).changed == 1
    assert events_of(alice, "notification.read") == [{"ids": [announcement.item_id]}]
    assert events_of(alice, "notification.created") == []
    assert counts(alice).unread == 0
    assert counts(bob).unread == 1, "bob has not read it"


def test_reading_all_reads_announcements_that_have_no_row_yet(alice: User, bob: User) -> None:
    announcement, row = broadcast(title="Maintenance at noon"), send_one(alice, bob)

    assert mark_all(alice, Mark.READ).changed == 2
    [event] = events_of(alice, "notification.read")
    assert sorted(event["ids"]) == sorted([announcement.item_id, row.item_id])


def test_a_withdrawn_announcement_cannot_be_marked(alice: User) -> None:
    announcement = broadcast(title="Maintenance at noon")
    items(alice)
    withdraw(announcement)

    assert mark(alice, Mark.READ, [announcement.item_id]).changed == 0


def test_charlie_cannot_mark_an_announcement_for_others(charlie: User) -> None:
    announcement = broadcast(title="Staff only", audience="staff")

    assert mark(charlie, Mark.READ, [announcement.item_id]).changed == 0
    assert not Notification.objects.filter(recipient=charlie).exists()


@pytest.mark.parametrize(("action", "reason"), [(Mark.READ, "read"), (Mark.ARCHIVE, "archived")])
def test_reading_or_archiving_cancels_a_waiting_push(alice: User, bob: User, action: Mark, reason: str) -> None:
    waiting = armed(send_one(alice, bob))
    mark_all(alice, action)
    waiting.refresh_from_db()

    assert (waiting.state, waiting.reason) == (DeliveryState.CANCELLED, reason)


@pytest.mark.parametrize("action", [Mark.SEEN, Mark.UNREAD, Mark.UNARCHIVE])
def test_other_marks_leave_the_push_alone(alice: User, bob: User, action: Mark) -> None:
    waiting = armed(send_one(alice, bob))
    mark_all(alice, action)
    waiting.refresh_from_db()

    assert waiting.state == DeliveryState.WAITING


def test_charlie_cannot_cancel_alices_push(alice: User, bob: User, charlie: User) -> None:
    row = send_one(alice, bob)
    waiting = armed(row)
    mark(charlie, Mark.READ, [row.item_id])
    mark_all(charlie, Mark.READ)
    waiting.refresh_from_db()

    assert waiting.state == DeliveryState.WAITING


def test_more_ids_than_fit_in_an_event_are_all_marked(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    more = IDS_IN_AN_EVENT + 20
    Notification.objects.bulk_create(
        Notification(recipient=alice, verb="replied", actor_content_type=row.actor_content_type, actor_object_id="1")
        for _ in range(more)
    )

    assert mark_all(alice, Mark.READ).changed == more + 1
    assert sum(len(event["ids"]) for event in events_of(alice, "notification.read")) == more + 1
    assert counts(alice).unread == 0
