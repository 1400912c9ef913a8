"""Groups, storms, tabs, search, saving and snoozing in one inbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.models import User
from notifications_hub import Kind, Storm, kinds
from notifications_hub.inbox import queries
from notifications_hub.inbox.list_query import PAGE
from notifications_hub.inbox.marks import Mark, Show, mark, mark_all, undo
from notifications_hub.inbox.queries import counts, items
from notifications_hub.notification import Notification
from notifications_hub.ops.inbox_retention import InboxState, prune_inboxes
from notifications_hub.snoozing.waking import wake_due
from tests.inbox.support import API, ClientFor, ids, post, send_one

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

INBOX, MARK = "/notifications/", "/notifications/mark/"
LATER = timedelta(hours=3)


class Replied(Kind):
    name = "tests.together_reply"
    label = "Replies"
    group = "Talk"


class Stormy(Kind):
    name = "tests.together_storm"
    storm = Storm(after=2)


_DECLARED = {
    name: kinds._kinds.pop(name)
    for name in (
        Replied.name,
        Stormy.name,
    )
}


@pytest.fixture(autouse=True)
def _declared() -> Iterator[None]:
    """Declare them for these tests alone, because pages and checks read every kind."""
    kinds._kinds.update(_DECLARED)
    yield
    for name in _DECLARED:
        del kinds._kinds[name]


def sent(person: User, by: User, number: int, **given: Any) -> list[Notification]:
    given = {"kind": Replied.name, "group_key": "post-9"} | given
    return [send_one(person, by, **given) for _ in range(number)]


def shown(person: User, **wanted: Any) -> list[tuple[str, int]]:
    return [(item.message.id, (item.group or {}).get("count", 1)) for item in items(person, **wanted).items]


def let_time_pass(*rows: Notification) -> None:
    """Let what is snoozed fall due, and come back."""
    due = Notification.objects.filter(pk__in=[row.pk for row in rows])
    due.update(snoozed_until=datetime.now(UTC) - timedelta(seconds=1))
    wake_due()


def test_a_snoozed_member_leaves_its_group_and_comes_back_to_it(alice: User, bob: User) -> None:
    first, middle, last = sent(alice, bob, 3)
    mark(alice, Mark.SNOOZE, [middle.item_id], datetime.now(UTC) + LATER)
    assert shown(alice) == [(last.item_id, 2)]

    let_time_pass(middle)
    assert shown(alice) == [(middle.item_id, 3)]
    mark(alice, Mark.READ, [middle.item_id], groups=True)
    assert {one for one, _ in shown(alice)} == {first.item_id, middle.item_id, last.item_id}


def test_a_storm_goes_on_while_what_it_gathered_is_snoozed(alice: User, bob: User) -> None:
    alone = sent(alice, bob, 2, kind=Stormy.name, group_key=None)
    gathered = sent(alice, bob, 3, kind=Stormy.name, group_key=None)
    changed = mark(alice, Mark.SNOOZE, [gathered[-1].item_id], datetime.now(UTC) + LATER, groups=True).changed
    assert changed == 3
    [after] = sent(alice, bob, 1, kind=Stormy.name, group_key=None)
    singly = [(row.item_id, 1) for row in (after, *reversed(alone))]
    assert shown(alice) == singly

    let_time_pass(*gathered)
    assert shown(alice) == [(gathered[-1].item_id, 4), *singly[1:]]
    assert counts(alice).unread == 6


def test_undoing_a_mark_of_a_group_restores_all_of_it(alice: User, bob: User) -> None:
    rows = sent(alice, bob, 4)
    mark(alice, Mark.SAVE, [rows[1].item_id])
    snoozed = mark(alice, Mark.SNOOZE, [rows[0].item_id], datetime.now(UTC) + LATER)
    archived = mark(alice, Mark.ARCHIVE, [rows[3].item_id], groups=True)
    assert (snoozed.changed, archived.changed, shown(alice)) == (1, 3, [])

    assert undo(alice, str(archived.undo)) == 3
    assert shown(alice) == [(rows[3].item_id, 3)]
    assert ids(items(alice, saved=True)) == [rows[1].item_id]
    assert ids(items(alice, snoozed=True)) == [rows[0].item_id]


@pytest.mark.parametrize("where", [{"q": "first"}, {"show": "saved"}])
def test_where_rows_stand_singly_a_mark_takes_none_beside_them(
    alice: User, bob: User, client_for: ClientFor, where: dict[str, str]
) -> None:
    older, newest = send_one(alice, bob, "other", group_key="k"), send_one(alice, bob, "first", group_key="k")
    mark(alice, Mark.SAVE, [newest.item_id])
    client = client_for(alice)
    page = client.get(INBOX, where).content.decode()
    bulk = re.findall(r'<form class="nh-bulk".*?</form>', page, re.DOTALL)
    assert len(bulk) == 1
    assert 'name="groups"' not in bulk[0]
    assert "data-grouped" not in page
    assert 'name="groups"' in client.get(INBOX).content.decode(), "in the inbox, the newest stands for all"

    client.post(MARK, {"action": "archive", "ids": [newest.item_id]})
    assert ids(items(alice)) == [older.item_id]


def test_a_page_of_a_group_never_marks_the_whole_inbox(alice: User, bob: User, client_for: ClientFor) -> None:
    sent(alice, bob, PAGE + 2)
    sent(alice, bob, PAGE + 2, group_key=None)
    client, key = client_for(alice), str(Notification.objects.exclude(group_key=None)[0].group_key)
    page = client.get(INBOX, {"group": key}).content.decode()
    assert 'rel="next"' in page
    assert 'name="all"' not in page
    assert 'name="all"' in client.get(INBOX).content.decode()

    answer = client.post(MARK, {"action": "archive", "all": "1", "show": "group", "groups": "1"})
    assert answer.status_code == 400
    assert not items(alice, archived=True).rows


def test_search_tab_and_list_combine(alice: User, bob: User, client_for: ClientFor) -> None:
    rows = [send_one(alice, bob, verb, kind=kind) for kind in (Replied.name, "default") for verb in ("ate", "slept")]
    mark_all(alice, Mark.SAVE)
    client = client_for(alice)

    def found(**where: str) -> list[str]:
        listed = client.get(f"{API}notifications/", where).json()["results"]
        in_page = [one.id for one in client.get(INBOX, where).context["items"]]
        assert in_page == [one["id"] for one in listed]
        return in_page

    assert found(show="saved", q="ate") == [rows[2].item_id, rows[0].item_id]
    assert found(show="saved", q="ate", tab="Talk") == [rows[0].item_id]
    mark(alice, Mark.SNOOZE, [row.item_id for row in rows[1:]], datetime.now(UTC) + LATER)
    assert found(show="snoozed", tab="Talk") == [rows[1].item_id]
    assert found(show="snoozed", q="slept", kind="default") == [rows[3].item_id]
    assert len(found(show="saved")) == 4


def test_all_saved_ones_of_a_tab_are_marked_and_the_mark_is_undone(
    alice: User, bob: User, client_for: ClientFor
) -> None:
    talk, other = sent(alice, bob, 2), sent(alice, bob, 2, kind="default")
    mark(alice, Mark.SAVE, [talk[0].item_id, other[0].item_id])
    client = client_for(alice)
    which = {"all": True, "show": "saved", "tab": "Talk", "undo": True}
    done = post(client, "notifications/unsave/", which).json()
    assert done["changed"] == 1
    assert ids(items(alice, saved=True)) == [other[0].item_id]
    assert post(client, "notifications/undo/", {"undo": done["undo"]}).json() == {"changed": 1}
    assert mark_all(alice, Mark.ARCHIVE, kinds=[Replied.name], show=Show.SAVED).changed == 1
    assert counts(alice).unread == 3


@pytest.mark.parametrize("state", [InboxState.UNREAD, InboxState.ALL])
def test_what_came_back_is_not_pruned_by_its_first_age(alice: User, bob: User, state: InboxState) -> None:
    row, old = send_one(alice, bob), send_one(alice, bob)
    mark(alice, Mark.SNOOZE, [row.item_id], datetime.now(UTC) + LATER)
    long_ago = datetime.now(UTC) - timedelta(days=100)
    Notification.objects.update(committed_at=long_ago, timestamp=long_ago)
    let_time_pass(row)

    assert prune_inboxes(datetime.now(UTC) - timedelta(days=90), state) == 1
    assert ids(items(alice)) == [row.item_id]
    assert not Notification.objects.filter(pk=old.pk).exists()


def test_unread_ones_among_those_put_aside_are_looked_for_in_parts(
    alice: User, bob: User, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SCANNED", 3)
    wanted, *others = sent(alice, bob, 5, group_key=None)
    mark(alice, Mark.READ, [row.item_id for row in others])
    mark_all(alice, Mark.SAVE)

    page = items(alice, saved=True, unread=True)
    assert not page.rows
    assert page.next is not None
    listed = client_for(alice).get(f"{API}notifications/", {"show": "saved", "unread": "true"}).json()
    assert [one["id"] for one in listed["results"]] == [wanted.item_id]
