"""Notifications that must be confirmed: only a button confirms them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from notifications.signals import notify

from notifications_hub import BadArgument, broadcast, notification_acknowledged, notification_read
from notifications_hub.announcements.announce import withdraw
from notifications_hub.announcements.results.models import ResultTally, What
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.inbox.list_query import PAGE
from notifications_hub.inbox.marks import Mark, acknowledge, mark, mark_all, undo
from notifications_hub.inbox.queries import PINNED
from notifications_hub.kinds import Privacy, get_kind
from notifications_hub.message import veiled
from notifications_hub.notification import Notification
from tests.inbox.support import NEVER, ClientFor, events_of, post, send_one
from tests.support.together import together

if TYPE_CHECKING:
    from pytest_django import DjangoCaptureOnCommitCallbacks

    from accounts.models import User

pytestmark = pytest.mark.both_databases(short="postgresql")


def must_confirm(person: User, by: User, **given: Any) -> Notification:
    return send_one(person, by, must_acknowledge=True, **given)


def test_confirming_also_reads_and_every_page_gets_the_whole_item(alice: User, bob: User) -> None:
    row = must_confirm(alice, bob)
    [created] = events_of(alice, "notification.created")
    assert (created["must_acknowledge"], created["acknowledged_at"]) == (True, None)

    assert acknowledge(alice, [row.item_id]) == 1
    row.refresh_from_db()
    assert row.acknowledged_at
    assert row.acknowledged_at == row.read_at == row.seen_at
    [updated] = events_of(alice, "notification.updated")
    assert updated["id"] == row.item_id
    assert updated["acknowledged_at"] is not None
    assert updated["unread"] is False
    assert acknowledge(alice, [row.item_id]) == 0, "it is confirmed once"
    assert Notification.objects.filter(pk=row.pk).acknowledge() == 0, "as if another tab had been faster"
    assert len(events_of(alice, "notification.updated")) == 1


def test_nothing_but_confirming_confirms_or_archives_it(alice: User, bob: User) -> None:
    row, plain = must_confirm(alice, bob), send_one(alice, bob)
    for action in (Mark.SEEN, Mark.READ, Mark.ARCHIVE):
        mark(alice, action, [row.item_id])
        mark_all(alice, action)
    row.refresh_from_db()
    plain.refresh_from_db()
    assert (row.unread, row.archived_at, row.acknowledged_at) == (False, None, None)
    assert plain.archived_at

    acknowledge(alice, [row.item_id])
    assert mark(alice, Mark.ARCHIVE, [row.item_id]).changed == 1, "what is confirmed can be archived"


def test_waiting_deliveries_survive_an_archive_and_are_cancelled_by_confirming(alice: User, bob: User) -> None:
    row = must_confirm(alice, bob)
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address="7")])
    waiting = Delivery.objects.filter(notification=row, state=DeliveryState.WAITING)
    mark(alice, Mark.ARCHIVE, [row.item_id])
    assert waiting.exists()
    acknowledge(alice, [row.item_id])
    assert not waiting.exists()


def test_undoing_a_mark_leaves_what_was_confirmed_since(alice: User, bob: User) -> None:
    row, plain = must_confirm(alice, bob), send_one(alice, bob)
    token = mark_all(alice, Mark.READ).undo
    acknowledge(alice, [row.item_id])
    assert token
    assert undo(alice, token) == 1
    row.refresh_from_db()
    plain.refresh_from_db()
    assert (row.unread, plain.unread) == (False, True)
    assert row.acknowledged_at

    mark(alice, Mark.UNREAD, [row.item_id])
    token = mark_all(alice, Mark.READ).undo
    assert token
    assert undo(alice, token) == 2, "a mark made after confirming can be undone"
    row.refresh_from_db()
    assert row.acknowledged_at


def test_only_ones_own_and_only_what_asks_for_it(alice: User, bob: User, charlie: User) -> None:
    row, plain = must_confirm(alice, bob), send_one(alice, bob)
    assert acknowledge(charlie, [row.item_id, NEVER]) == 0
    assert acknowledge(alice, [plain.item_id]) == 0
    row.refresh_from_db()
    assert row.acknowledged_at is None


def test_a_kind_or_a_call_asks_for_it(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not send_one(alice, bob).must_acknowledge
    monkeypatch.setattr(type(get_kind("default")), "must_acknowledge", True)
    assert send_one(alice, bob).must_acknowledge
    assert not send_one(alice, bob, must_acknowledge=False).must_acknowledge
    with pytest.raises(BadArgument, match="must_acknowledge must be True or False, not 'yes'"):
        notify.send(bob, recipient=alice, verb="replied", must_acknowledge="yes")


def test_signals_tell_of_it_after_the_commit(
    alice: User, bob: User, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    unread, read = must_confirm(alice, bob), must_confirm(alice, bob)
    mark(alice, Mark.READ, [read.item_id])
    heard: dict[str, set[int]] = {}

    def confirmed(recipients: dict[int, int], **_: object) -> None:
        heard["confirmed"] = set(recipients)

    def was_read(recipients: dict[int, int], **_: object) -> None:
        heard["read"] = set(recipients)

    notification_acknowledged.connect(confirmed)
    notification_read.connect(was_read)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            acknowledge(alice, [unread.item_id, read.item_id])
    finally:
        notification_acknowledged.disconnect(confirmed)
        notification_read.disconnect(was_read)
    assert heard == {"confirmed": {unread.pk, read.pk}, "read": {unread.pk}}


def test_an_announcement_is_confirmed_without_a_row_and_counts_once(alice: User, bob: User) -> None:
    announced = broadcast(title="Fire drill", must_acknowledge=True)
    assert acknowledge(alice, [announced.item_id]) == 1
    assert acknowledge(alice, [announced.item_id]) == 0
    row = Notification.objects.get(recipient=alice, announcement=announced)
    assert row.acknowledged_at
    tallied = ResultTally.objects.filter(announcement=announced).values_list("what", "number")
    assert sorted(tallied) == [(What.CONFIRMED, 1), (What.READ, 1), (What.SEEN, 1)]


def test_a_withdrawn_announcement_cannot_be_confirmed(alice: User) -> None:
    announced = broadcast(title="Fire drill", must_acknowledge=True)
    withdraw(announced)
    assert acknowledge(alice, [announced.item_id]) == 0


def test_the_api_confirms_by_ids_only(client_for: ClientFor, alice: User, bob: User) -> None:
    row, client = must_confirm(alice, bob), client_for(alice)
    answer = post(client, "notifications/acknowledge/", {"ids": [row.item_id]})
    assert (answer.status_code, answer.json()) == (200, {"changed": 1})
    assert post(client, "notifications/acknowledge/", {"all": True}).status_code in (400, 422)
    assert post(client, "notifications/acknowledge/", {"ids": [NEVER] * 1001}).status_code in (400, 422)


def test_the_page_confirms_without_a_script(client_for: ClientFor, alice: User, bob: User) -> None:
    row, client = must_confirm(alice, bob), client_for(alice)
    client.post("/notifications/mark/", {"action": "acknowledge", "all": "1"})
    row.refresh_from_db()
    assert row.acknowledged_at is None, "there is no way to confirm everything at once"
    answer = client.post("/notifications/mark/", {"action": "acknowledge", "ids": row.item_id}, follow=True)
    assert "Confirmed. Thank you." in answer.content.decode()
    row.refresh_from_db()
    assert row.acknowledged_at


def test_a_first_page_shows_on_top_what_is_to_be_confirmed(client_for: ClientFor, alice: User, bob: User) -> None:
    old = [must_confirm(alice, bob) for _ in range(PINNED + 2)]
    announced = broadcast(title="Fire drill", must_acknowledge=True)
    for _ in range(PAGE):
        send_one(alice, bob)
    client = client_for(alice)
    page = client.get("/api/v1/notifications/").json()
    newest = [announced.item_id, *(row.item_id for row in reversed(old))]
    assert [item["id"] for item in page["unconfirmed"]["results"]] == newest[:PINNED]
    assert page["unconfirmed"]["count"] == len(newest)
    assert not {item["id"] for item in page["results"]} & set(newest), "the order of the list is as ever"

    further = client.get("/api/v1/notifications/", {"before": page["next"]}).json()
    assert "unconfirmed" not in further
    assert [item["id"] for item in further["results"]] == newest
    only = client.get("/api/v1/notifications/", {"unconfirmed": "true"}).json()
    assert [item["id"] for item in only["results"]] == newest
    assert all(item["must_acknowledge"] for item in only["results"])

    acknowledge(alice, newest)
    assert "unconfirmed" not in client.get("/api/v1/notifications/").json()


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_confirm_at_once_confirm_it_once(alice: User, bob: User) -> None:
    row, announced = must_confirm(alice, bob), broadcast(title="Fire drill", must_acknowledge=True)
    confirm = partial(acknowledge, alice, [row.item_id, announced.item_id])
    assert sum(together([confirm, confirm])) == 2
    assert len(events_of(alice, "notification.updated")) == 2
    tallied = ResultTally.objects.filter(announcement=announced, what=What.CONFIRMED)
    assert [one.number for one in tallied] == [1]


def test_the_page_of_an_announcement_has_the_button(client_for: ClientFor, alice: User) -> None:
    announced, client = broadcast(title="Fire drill", must_acknowledge=True), client_for(alice)
    page = announced.own_page()
    assert 'value="acknowledge"' in client.get(page).content.decode()
    client.post("/notifications/mark/", {"action": "acknowledge", "ids": announced.item_id, "next": page})
    answer = client.get(page).content.decode()
    assert "You confirmed this." in answer
    assert 'value="acknowledge"' not in answer


def test_a_push_of_any_privacy_has_the_button(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    row = must_confirm(alice, bob)
    assert [action.name for action in row.message().actions] == ["acknowledge", "open"]
    monkeypatch.setattr(type(get_kind("default")), "privacy", Privacy.NOTHING)
    hidden = veiled(row.message())
    assert (hidden.title, hidden.actions[0].title) == ("You have a new notification", "Confirm")
    assert hidden.actions[0].url == row.message().actions[0].url == "/notifications/?show=unconfirmed"
