from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from notifications.signals import notify

from notifications_hub.inbox.marks import Mark, Show, mark, mark_all, undo
from notifications_hub.inbox.queries import counts, items
from notifications_hub.notification import Notification
from notifications_hub.ops.inbox_retention import InboxState, prunable_rows, prune_inboxes
from tests.inbox.support import API, ClientFor, events_of, ids, post, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases(short="postgresql")

INBOX, MARK = "/notifications/", "/notifications/mark/"


def test_a_saved_one_stays_in_its_list_when_it_is_archived(alice: User, bob: User, client_for: ClientFor) -> None:
    row, other, client = send_one(alice, bob), send_one(alice, bob), client_for(alice)

    assert post(client, "notifications/save/", {"ids": [row.item_id]}).json() == {"changed": 1}
    assert post(client, "notifications/save/", {"ids": [row.item_id]}).json() == {"changed": 0}
    assert counts(alice).unread == 2, "saving reads nothing"
    mark_all(alice, Mark.ARCHIVE)
    listed = client.get(f"{API}notifications/", {"show": "saved"}).json()["results"]
    assert [(one["id"], one["saved"], one["archived"]) for one in listed] == [(row.item_id, True, True)]
    assert "saved" not in client.get(f"{API}notifications/", {"show": "archived"}).json()["results"][0]
    assert ids(items(alice, archived=True)) == [other.item_id, row.item_id]


def test_open_pages_get_the_whole_item(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    mark(alice, Mark.SAVE, [row.item_id])
    mark(alice, Mark.UNSAVE, [row.item_id])

    assert [event.get("saved") for event in events_of(alice, "notification.updated")] == [True, None]


def test_nobody_saves_for_another(alice: User, bob: User, charlie: User, client_for: ClientFor) -> None:
    row = send_one(alice, bob)

    assert post(client_for(charlie), "notifications/save/", {"ids": [row.item_id]}).json() == {"changed": 0}
    assert not items(alice, saved=True).rows


def test_saving_and_unsaving_are_undone(alice: User, bob: User) -> None:
    first, second = send_one(alice, bob), send_one(alice, bob)
    mark(alice, Mark.SAVE, [first.item_id])
    saved = mark_all(alice, Mark.SAVE)
    assert (saved.changed, undo(alice, str(saved.undo))) == (1, 1)
    assert ids(items(alice, saved=True)) == [first.item_id]

    mark(alice, Mark.SAVE, [second.item_id])
    removed = mark_all(alice, Mark.UNSAVE)
    assert removed.changed == 2
    mark(alice, Mark.SAVE, [second.item_id])
    assert undo(alice, str(removed.undo)) == 1, "the other was saved again by hand"
    assert len(items(alice, saved=True).rows) == 2


@pytest.mark.parametrize("state", InboxState)
def test_pruning_leaves_saved_and_snoozed_ones(alice: User, bob: User, state: InboxState) -> None:
    rows = [send_one(alice, bob) for _ in range(3)]
    if state is InboxState.READ:
        mark_all(alice, Mark.READ)
    mark(alice, Mark.SAVE, [rows[0].item_id])
    if state is InboxState.ARCHIVED:
        mark_all(alice, Mark.ARCHIVE)
    later = datetime.now(UTC) + timedelta(days=30)
    mark(alice, Mark.UNARCHIVE, [rows[1].item_id])
    mark(alice, Mark.SNOOZE, [rows[1].item_id], later)

    assert prunable_rows(later, state) == 1
    assert prune_inboxes(later, state) == 1
    assert set(Notification.objects.values_list("pk", flat=True)) == {rows[0].pk, rows[1].pk}


def test_without_javascript_a_list_is_marked_whole_and_undone(alice: User, bob: User, client_for: ClientFor) -> None:
    rows, client = [send_one(alice, bob) for _ in range(3)], client_for(alice)
    mark(alice, Mark.SAVE, [row.item_id for row in rows])
    mark(alice, Mark.ARCHIVE, [rows[0].item_id])
    page = client.post(
        MARK, {"action": "unsave", "all": "1", "show": "saved", "next": f"{INBOX}?show=saved"}, follow=True
    )

    assert page.context["done"]["text"] == "Removed 3 notifications from the saved ones."
    assert not page.context["items"]
    client.post(MARK, {"undo": page.context["done"]["token"]})
    assert len(items(alice, saved=True).rows) == 3


@pytest.mark.parametrize(
    ("show", "left"), [(Show.UNREAD, 1), (Show.ALL, 0), (Show.SAVED, 1), (Show.ARCHIVED, 2), (Show.UNCONFIRMED, 2)]
)
def test_a_mark_of_a_list_changes_that_list_alone(alice: User, bob: User, show: Show, left: int) -> None:
    read, unread = send_one(alice, bob), send_one(alice, bob)
    mark(alice, Mark.READ, [read.item_id])
    mark(alice, Mark.SAVE, [unread.item_id])
    mark_all(alice, Mark.ARCHIVE, show=show)

    assert len(items(alice).rows) == left


def test_a_list_is_named_only_for_everything_in_it(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)

    assert post(client, "notifications/archive/", {"ids": [row.item_id], "show": "saved"}).status_code == 400
    assert post(client, "notifications/archive/", {"all": True, "show": "nowhere"}).status_code == 400
    assert post(client, "notifications/archive/", {"all": True, "show": "unread"}).json() == {"changed": 1}


def test_everything_is_offered_for_what_a_mark_can_name_alone(alice: User, bob: User, client_for: ClientFor) -> None:
    """A search and a group have no mark for all of them: it would reach the rest of the inbox."""
    client, box = client_for(alice), b'name="all"'
    for _ in range(21):
        notify.send(bob, recipient=alice, verb="replied", group_key="post-9")
    send_one(alice, bob)
    [grouped] = [row.group_key for row in items(alice).rows if row.group_key]

    bulk = b'data-part="bulk"'
    pages = [client.get(INBOX, query).content.split(bulk)[1] for query in ({}, {"group": grouped}, {"q": "replied"})]
    assert [box in page for page in pages] == [True, False, False]
    assert client.post(MARK, {"action": "archive", "all": "1", "show": "group"}).status_code == 400
    assert counts(alice).unread == 22
