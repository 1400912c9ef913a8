"""Snoozing, and the return of what was snoozed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.announce import withdraw
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox.marks import Mark, acknowledge, mark, mark_all, undo
from notifications_hub.inbox.queries import counts, items
from notifications_hub.inbox_summary import summary_of
from notifications_hub.kinds import Kind
from notifications_hub.notification import Notification, emit_items
from notifications_hub.personal_data.export import export
from notifications_hub.snoozing import waking
from notifications_hub.snoozing.waking import wake_due
from notifications_hub.streams.sweeper import Isolation
from tests.inbox.support import API, ClientFor, events_of, ids, post, send_one
from tests.support.deliveries import make_due, one_worker, outcome, sent, use_memory
from tests.support.escalation import step_states
from tests.support.together import in_process, together

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]
INBOX, MARK = "/notifications/", "/notifications/mark/"


class Broken(Kind):
    name = "tests.snooze_broken"

    def title(self, notification: Any) -> str:
        if notification.verb == "breaks":
            raise RuntimeError("a host's words")
        return str(notification.verb)


def snooze(person: User, *rows: Notification, hours: float = 3) -> str:
    done = mark(person, Mark.SNOOZE, [row.item_id for row in rows], datetime.now(UTC) + timedelta(hours=hours))
    assert done.changed == len(rows)
    return str(done.undo)


def let_time_pass() -> None:
    """Move what is snoozed into the past. The database's clock decides what is due, and no test can change it."""
    asleep = Notification.objects.filter(snoozed_until__isnull=False)
    asleep.update(snoozed_until=F("snoozed_until") - timedelta(days=400))


def created(person: User, row: Notification) -> list[dict[str, Any]]:
    return [event for event in events_of(person, "notification.created") if event["id"] == row.item_id]


def test_a_snoozed_one_leaves_every_list_but_its_own(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    answer = post(client, "notifications/snooze/", {"ids": [row.item_id], "until": "tomorrow"}).json()

    assert answer["changed"] == 1
    [listed] = client.get(f"{API}notifications/", {"show": "snoozed"}).json()["results"]
    assert (listed["id"], listed["snoozed_until"]) == (row.item_id, answer["until"])
    for show in ("all", "unread", "archived", "saved"):
        assert client.get(f"{API}notifications/", {"show": show}).json()["results"] == []
    assert counts(alice).unread == 0
    assert events_of(alice, "notification.archived") == [{"ids": [row.item_id], "snoozed_until": answer["until"]}]


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
    first, second = created(alice, row)
    assert (second["unread"], second["seen"], second["delivered"]) == (True, False, False)
    assert "snoozed_until" not in second
    assert first["at"] < second["at"]


def test_a_page_of_the_person_wakes_it_without_a_worker(
    alice: User, bob: User, charlie: User, client_for: ClientFor
) -> None:
    row, other = send_one(alice, bob), send_one(charlie, bob)
    snooze(alice, row)
    snooze(charlie, other)
    let_time_pass()

    assert summary_of(alice).is_due
    page = client_for(alice).get(INBOX)
    assert ([one.id for one in page.context["items"]], page.context["unread"]) == ([row.item_id], 1)
    assert not summary_of(alice).is_due
    assert Notification.objects.get(pk=other.pk).snoozed_until is not None, "a page wakes what is its person's"
    assert client_for(charlie).get(f"{API}notifications/count/").json()["unread"] == 1


def test_it_is_sent_again_as_the_person_wishes_by_then(
    alice: User, bob: User, settings: Settings, one_worker: Worker
) -> None:
    use_memory(settings, ack_window=0)
    row = send_one(alice, bob)
    one_worker.run_due()
    snooze(alice, row)
    let_time_pass()
    wake_due()
    one_worker.run_due()
    assert sent() == [row.item_id, row.item_id]
    first, second = Delivery.objects.order_by("pk")
    assert (first.wake, second.wake, first.state, second.state) == (0, 1, "sent", "sent")

    snooze(alice, row)
    choose_methods(alice, "default", ["flash"])
    let_time_pass()
    wake_due()
    one_worker.run_due()
    assert len(sent()) == 2
    row.refresh_from_db()
    assert (row.toast, row.flash) == (False, True)


def test_an_email_that_is_sent_again_has_an_id_of_its_own(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    numbers = {Delivery(notification=row, wake=wake, escalation=step).repeat for wake in (0, 1) for step in (0, 1)}
    assert len(numbers) == 4
    assert Delivery(notification=row).repeat == 0


def test_snoozing_cancels_what_waits_and_says_so(
    alice: User, bob: User, settings: Settings, client_for: ClientFor
) -> None:
    use_memory(settings, ack_window=60)
    row = send_one(alice, bob)
    snooze(alice, row)

    one = Delivery.objects.get()
    assert (one.state, one.reason) == (DeliveryState.CANCELLED, "snoozed")
    assert "you had already snoozed it" in client_for(alice).get(f"{INBOX}{row.item_id}/why/").content.decode()


def test_a_worker_sends_nothing_of_what_was_snoozed_meanwhile(
    alice: User, bob: User, settings: Settings, one_worker: Worker
) -> None:
    use_memory(settings, ack_window=60)
    row = send_one(alice, bob)
    Notification.objects.filter(pk=row.pk).update(
        archived_at=datetime.now(UTC), snoozed_until=datetime.now(UTC) + timedelta(hours=1)
    )
    make_due()
    one_worker.run_due()
    assert sent() == []
    assert outcome() == ("cancelled", "snoozed")


def test_it_is_flashed_once_open_pages_had_their_time(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    client.get(INBOX)
    snooze(alice, row)
    let_time_pass()
    wake_due()
    row.refresh_from_db()

    assert row.delivered_at is None
    assert row.flash_claimed_until is not None
    assert summary_of(alice).waiting == 0
    Notification.objects.filter(pk=row.pk).update(flash_claimed_until=datetime.now(UTC) - timedelta(seconds=1))
    assert summary_of(alice).waiting == 1


def test_of_several_workers_one_wakes_it(alice: User, bob: User) -> None:
    rows = [send_one(alice, bob) for _ in range(3)]
    snooze(alice, *rows)
    let_time_pass()
    ids = [row.pk for row in rows]

    waking._wake_batch(ids)
    waking._wake_batch(ids)
    assert [len(created(alice, row)) for row in rows] == [2, 2, 2]


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment_wake_it_once(alice: User, bob: User, settings: Settings) -> None:
    use_memory(settings, ack_window=60)
    rows = [send_one(alice, bob) for _ in range(20)]
    snooze(alice, *rows)
    let_time_pass()
    together([wake_due] * 4)

    assert [len(created(alice, row)) for row in rows] == [2] * 20
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 20


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_while_it_wakes_leaves_all_to_the_next(
    alice: User, bob: User, settings: Settings
) -> None:
    use_memory(settings, ack_window=60)
    row = send_one(alice, bob)
    snooze(alice, row)
    let_time_pass()
    killed = in_process("""
        import os
        from notifications_hub.snoozing import waking
        waking.emit_items = lambda *given, emit=waking.emit_items: (emit(*given), os.kill(os.getpid(), 9))
        waking.wake_due()
    """)
    assert killed.wait(60) == -9
    assert len(created(alice, row)) == 1
    wake_due()
    assert len(created(alice, row)) == 2
    assert Delivery.objects.filter(state=DeliveryState.WAITING).count() == 1


def test_one_that_fails_holds_up_no_other(alice: User, bob: User, caplog: pytest.LogCaptureFixture) -> None:
    fine = send_one(alice, bob, kind="tests.snooze_broken")
    bad = send_one(alice, bob, kind="tests.snooze_broken")
    snooze(alice, bad, fine)
    let_time_pass()
    Notification.objects.filter(pk=bad.pk).update(verb="breaks")
    wake_due()
    # A kind's words that fail are replaced, so both come back.
    assert {row.item_id for row in items(alice).rows} == {bad.item_id, fine.item_id}


def test_a_row_that_cannot_wake_rests(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, fine = send_one(alice, bob), send_one(alice, bob)
    snooze(alice, bad, fine)
    let_time_pass()

    def emit(event: str, rows: Any) -> None:
        if any(row.pk == bad.pk for row in rows):
            raise RuntimeError("too large")
        emit_items(event, rows)

    monkeypatch.setattr(waking, "emit_items", emit)
    monkeypatch.setattr(waking, "_isolation", Isolation(longest=60.0))
    wake_due()
    wake_due()
    assert ids(items(alice)) == [fine.item_id]
    assert ids(items(alice, snoozed=True)) == [bad.item_id]


def test_what_must_be_confirmed_cannot_be_put_off(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob, must_acknowledge=True), client_for(alice)
    answer = post(client, "notifications/snooze/", {"ids": [row.item_id], "until": "later"})
    assert answer.json()["changed"] == 0
    page = client.post(MARK, {"snooze": "later", "ids": row.item_id, "next": INBOX}, follow=True)
    assert "What you have to confirm stays" in str(next(iter(page.context["messages"])))
    assert ids(items(alice)) == [row.item_id]

    acknowledge(alice, [row.item_id])
    snooze(alice, row)


def test_a_snooze_ends_an_escalation_as_an_archive_does(alice: User, bob: User) -> None:
    row = send_one(alice, bob, kind="tests.ticket")
    snooze(alice, row)
    let_time_pass()
    wake_due()
    assert step_states() == [("cancelled", "snoozed")] * 2


def test_an_announcement_comes_back_unread_and_is_not_sent_again(alice: User, client_for: ClientFor) -> None:
    announcement = broadcast(title="Maintenance at noon")
    mark_all(alice, Mark.READ)
    done = mark(alice, Mark.SNOOZE, [announcement.item_id], datetime.now(UTC) + timedelta(hours=1))
    assert (done.changed, counts(alice).unread) == (1, 0)
    let_time_pass()
    wake_due()
    assert ids(items(alice, unread=True)) == [announcement.item_id]
    assert not Delivery.objects.exists()


def test_an_announcement_that_is_over_does_not_come_back(alice: User) -> None:
    announcement = broadcast(title="Maintenance at noon")
    mark(alice, Mark.SNOOZE, [announcement.item_id], datetime.now(UTC) + timedelta(hours=1))
    withdraw(announcement)
    let_time_pass()
    before = len(events_of(alice, "notification.updated"))
    wake_due()
    wake_due()
    assert not items(alice).rows
    assert len(events_of(alice, "notification.updated")) == before
    assert not Notification.objects.filter(snoozed_until__isnull=False).exists()


def test_one_that_is_deleted_meanwhile_stays_away(alice: User, bob: User) -> None:
    row, other = send_one(alice, bob), send_one(alice, bob)
    snooze(alice, row, other)
    Notification.objects.filter(pk=row.pk).mark_all_as_deleted()
    let_time_pass()
    wake_due()

    assert (len(created(alice, row)), len(created(alice, other))) == (1, 2)
    assert counts(alice).unread == 1
    assert not summary_of(alice).is_due


def test_it_is_brought_back_at_once_as_it_was(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    mark(alice, Mark.READ, [row.item_id])
    snooze(alice, row)
    back = mark(alice, Mark.UNARCHIVE, [row.item_id])
    assert ids(items(alice, unread=False)) == [row.item_id]
    assert len(created(alice, row)) == 1
    assert undo(alice, str(back.undo)) == 1
    assert ids(items(alice, snoozed=True)) == [row.item_id]


def test_undo_gives_back_the_earlier_time(alice: User, bob: User) -> None:
    first, second = send_one(alice, bob), send_one(alice, bob)
    earlier = snooze(alice, first)
    until = Notification.objects.get(pk=first.pk).snoozed_until
    later = snooze(alice, first, second, hours=9)
    assert undo(alice, earlier) == 0, "a later change has replaced it"
    assert undo(alice, later) == 2
    assert [row.snoozed_until for row in items(alice, snoozed=True).rows] == [until]
    assert ids(items(alice)) == [second.item_id]

    archived = mark_all(alice, Mark.ARCHIVE)
    assert ids(items(alice, snoozed=True)) == [first.item_id], "to archive the inbox leaves what is snoozed"
    undo(alice, str(archived.undo))
    archived = mark(alice, Mark.ARCHIVE, [first.item_id])
    assert ids(items(alice, archived=True)) == [first.item_id]
    assert undo(alice, str(archived.undo)) == 1
    assert Notification.objects.get(pk=first.pk).snoozed_until == until


def test_an_archived_one_stays_archived(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    mark(alice, Mark.ARCHIVE, [row.item_id])
    assert mark(alice, Mark.SNOOZE, [row.item_id], datetime.now(UTC) + timedelta(hours=1)).changed == 0


def test_without_javascript_a_form_snoozes_and_undoes(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    page = client.post(MARK, {"snooze": "monday", "ids": row.item_id, "next": INBOX}, follow=True)
    assert page.context["done"]["text"] == "Snoozed 1 notification."
    listed = client.get(INBOX, {"show": "snoozed"})
    assert "Snoozed until" in listed.content.decode()
    client.post(MARK, {"undo": page.context["done"]["token"]})
    assert ids(items(alice)) == [row.item_id]

    page = client.post(MARK, {"snooze": "own", "until": "2020-01-01T09:00", "ids": row.item_id}, follow=True)
    assert "Choose a time in the future." in map(str, page.context["messages"])
    page = client.post(MARK, {"snooze": "later", "all": "1", "show": "unread", "next": INBOX}, follow=True)
    assert ids(items(alice, snoozed=True)) == [row.item_id]


def test_an_export_says_what_is_saved_and_snoozed(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    mark(alice, Mark.SAVE, [row.item_id])
    snooze(alice, row)
    text = "".join(export(alice))
    assert '"snoozed_until": "20' in text
    assert '"saved_at": "20' in text
