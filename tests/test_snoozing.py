"""Snoozing, and the return of what was snoozed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.db.models import F

from notifications_hub import DeliveryMethod, Kind, broadcast
from notifications_hub.announcements.announce import withdraw
from notifications_hub.delivery.arming import Plan, arm
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.worker import Worker
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.inbox.marks import Mark, mark, mark_all, undo
from notifications_hub.inbox.queries import counts, items
from notifications_hub.inbox_summary import summary_of
from notifications_hub.notification import Notification
from notifications_hub.snoozing import waking
from notifications_hub.snoozing.waking import wake_due
from notifications_hub.testing import isolated_kinds
from tests.inbox.support import API, ClientFor, events_of, ids, post, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.both_databases
INBOX, MARK = "/notifications/", "/notifications/mark/"


def snooze(person: User, *rows: Notification, hours: float = 3) -> str:
    done = mark(person, Mark.SNOOZE, [row.item_id for row in rows], datetime.now(UTC) + timedelta(hours=hours))
    assert done.changed == len(rows)
    return str(done.undo)


def let_time_pass(hours: float = 4) -> None:
    """Move what is snoozed into the past. The database's clock decides what is due, and cannot be frozen."""
    Notification.objects.filter(snoozed_until__isnull=False).update(
        snoozed_until=F("snoozed_until") - timedelta(hours=hours)
    )


def test_a_snoozed_one_leaves_every_list_but_its_own(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    answer = post(client, "notifications/snooze/", {"ids": [row.item_id], "until": "tomorrow"}).json()

    assert answer["changed"] == 1
    [listed] = client.get(f"{API}notifications/", {"show": "snoozed"}).json()["results"]
    assert (listed["id"], listed["snoozed_until"]) == (row.item_id, answer["until"])
    for show in ("all", "unread", "archived", "saved"):
        assert client.get(f"{API}notifications/", {"show": show}).json()["results"] == []
    assert counts(alice).unread == 0
    [event] = events_of(alice, "notification.archived")
    assert event == {"ids": [row.item_id], "snoozed_until": answer["until"]}


def test_it_comes_back_unread_as_a_new_one(alice: User, bob: User) -> None:
    row, newer = send_one(alice, bob), send_one(alice, bob)
    mark(alice, Mark.READ, [row.item_id])
    snooze(alice, row)
    wake_due()
    assert ids(items(alice)) == [newer.item_id], "its time has not come"

    let_time_pass()
    wake_due()
    wake_due()
    assert ids(items(alice, unread=True)) == [row.item_id, newer.item_id], "it is on top"
    created = [event for event in events_of(alice, "notification.created") if event["id"] == row.item_id]
    assert len(created) == 2
    assert (created[-1]["unread"], created[-1]["seen"], created[-1]["delivered"]) == (True, False, False)
    assert "snoozed_until" not in created[-1]


def test_the_next_page_of_the_person_wakes_it_without_a_worker(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    row, other = send_one(alice, bob), send_one(charlie, bob)
    snooze(alice, row)
    snooze(charlie, other)
    let_time_pass()

    assert summary_of(alice).is_due
    page = client_for(alice).get(INBOX)
    assert ([one.id for one in page.context["items"]], page.context["unread"]) == ([row.item_id], 1)
    assert ids(items(charlie, snoozed=True)) == [other.item_id], "a page wakes only what is its person's"
    assert client_for(charlie).get(f"{API}notifications/count/").json()["unread"] == 1


def test_it_is_sent_again_as_the_person_wishes_by_then(alice: User, bob: User, memory: Any) -> None:
    with isolated_kinds():

        class Reply(Kind):
            name = "reply"
            default_methods = (DeliveryMethod.LIVE, DeliveryMethod.FLASH, "memory")

        row = send_one(alice, bob, kind="reply")
        assert Delivery.objects.get().wake == 0
        snooze(alice, row)
        assert Delivery.objects.get().reason == "snoozed"
        let_time_pass()
        wake_due()
        first, second = Delivery.objects.order_by("pk")
        assert (first.state, second.state, second.wake) == (DeliveryState.CANCELLED, DeliveryState.WAITING, 1)
        assert second.repeat not in (0, first.repeat), "an email needs a Message-ID of its own"

        snooze(alice, row)
        choose_methods(alice, "reply", [DeliveryMethod.FLASH])
        let_time_pass()
        wake_due()
        assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 0
        row.refresh_from_db()
        assert (row.toast, row.flash) == (False, True)
