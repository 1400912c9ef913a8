"""Changes of notifications, and the events they emit to open pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.kinds import DeliveryMethod, Kind, NotificationLike
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.streams import Event
from tests.support.log import delivered_to, notified_ids
from tests.support.together import rolled_back, together

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]

ROWS = Notification.objects
STATE = ("unread", "read_at", "seen_at", "archived_at", "deleted", "delivered_at")


class ActiveLanguage(Kind):
    name = "tests.active_language"

    def title(self, notification: NotificationLike) -> str:
        return translation.get_language() or ""


class LocalTime(Kind):
    """A kind whose title is the time in its data, in the active time zone."""

    name = "tests.local_time"

    def title(self, notification: NotificationLike) -> str:
        return f"{timezone.localtime(datetime.fromisoformat(notification.data['at'])):%H:%M}"


def send(actor: User, *people: User, **given: Any) -> list[Notification]:
    """Notify people, and return the rows in their order. Empty the log, so that a test sees only later events."""
    answers: Any = notify.send(actor, recipient=people, **{"verb": "replied", **given})
    Event.objects.all().delete()
    return list(answers[0][1])


def read(*rows: Notification) -> None:
    ROWS.filter(pk__in=[row.pk for row in rows]).update(unread=False)


def notified_kinds(person: User) -> list[str]:
    return [kind for kind, _data in delivered_to(person)]


# Every change: its method, its event, and the state it starts from


@dataclass(frozen=True)
class Change:
    make: Callable[[InboxQuerySet], int]
    event: str
    before: Mapping[str, Any] = field(default_factory=dict)


CHANGES = {
    "read": Change(InboxQuerySet.mark_all_as_read, "notification.read"),
    "unread": Change(InboxQuerySet.mark_all_as_unread, "notification.unread", {"unread": False}),
    "seen": Change(InboxQuerySet.mark_all_as_seen, "notification.seen"),
    "archived": Change(InboxQuerySet.archive, "notification.archived"),
    "deleted": Change(InboxQuerySet.mark_all_as_deleted, "notification.deleted"),
    "delivered": Change(lambda rows: len(rows.mark_as_delivered(DeliveryMethod.LIVE)), "notification.delivered"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
class TestAChange:
    def test_emits_exactly_the_ids_that_changed(self, alice: User, bob: User, change: Change) -> None:
        first, second = send(bob, alice) + send(bob, alice)
        send(bob, alice)
        ROWS.filter(pk__in=[first.pk, second.pk]).update(**change.before)
        assert change.make(ROWS.filter(pk__in=[first.pk, second.pk])) == 2
        assert delivered_to(alice) == [(change.event, {"ids": [str(first.pk), str(second.pk)]})]

    def test_emits_one_event(self, alice: User, bob: User, change: Change) -> None:
        send(bob, alice)
        ROWS.update(**change.before)
        assert (change.make(ROWS.all()), change.make(ROWS.all())) == (1, 0)
        assert notified_kinds(alice) == [change.event]

    def test_emits_to_each_person_only_their_own(self, alice: User, bob: User, charlie: User, change: Change) -> None:
        of_alice, of_bob = send(charlie, alice, bob)
        ROWS.update(**change.before)
        change.make(ROWS.all())
        assert notified_ids(alice, change.event) == [[str(of_alice.pk)]]
        assert notified_ids(bob, change.event) == [[str(of_bob.pk)]]
        assert delivered_to(charlie) == []

    def test_carries_the_id_of_an_announcement(self, alice: User, change: Change) -> None:
        announcement = broadcast(title="Closed on Friday")
        make_rows(alice)
        ROWS.update(**change.before)
        change.make(ROWS.all())
        assert notified_ids(alice, change.event) == [[f"a{announcement.pk}"]]

    def test_that_rolls_back_emits_nothing(self, alice: User, bob: User, change: Change) -> None:
        send(bob, alice)
        ROWS.update(**change.before)
        was = ROWS.values(*STATE).get()
        with rolled_back():
            change.make(ROWS.all())
        assert ROWS.values(*STATE).get() == was
        assert delivered_to(alice) == []

    def test_works_on_a_query_with_joins_and_duplicates(self, alice: User, bob: User, change: Change) -> None:
        [row] = send(bob, alice)
        ROWS.update(**change.before)
        joined = ROWS.filter(recipient__username="alice", recipient__notifications__verb="replied").distinct()
        assert change.make(joined) == 1
        assert notified_ids(alice, change.event) == [[str(row.pk)]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_concurrent_changes_of_the_same_rows_emit_one_event(alice: User, bob: User, change: Change) -> None:
    for _ in range(5):
        send(bob, alice)
    ROWS.update(**change.before)
    assert sorted(
        together([partial(change.make, ROWS.all()), partial(change.make, ROWS.order_by("timestamp"))] * 2)
    ) == [
        0,
        0,
        0,
        5,
    ]
    assert len(notified_ids(alice, change.event)) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_concurrent_changes_in_any_order_never_deadlock(alice: User, bob: User) -> None:
    for _ in range(30):
        send(bob, alice)

    def back_and_forth(order: str) -> None:
        for _ in range(20):
            with transaction.atomic():
                ROWS.order_by(order).mark_all_as_read()
                ROWS.order_by(order).mark_all_as_unread()

    together([partial(back_and_forth, "id"), partial(back_and_forth, "-id"), partial(back_and_forth, "?")])
    assert ROWS.filter(unread=True).count() == 30


# What each change stores


def test_reading_stores_the_time_and_counts_as_seen(alice: User, bob: User) -> None:
    send(bob, alice)
    ROWS.mark_all_as_read()
    row = ROWS.get()
    assert not row.unread
    assert row.read_at is not None
    assert row.seen_at == row.read_at


def test_marking_as_unread_keeps_it_seen(alice: User, bob: User) -> None:
    send(bob, alice)
    ROWS.mark_all_as_read()
    ROWS.mark_all_as_unread()
    row = ROWS.get()
    assert (row.unread, row.read_at) == (True, None)
    assert row.seen_at is not None


def test_the_first_delivery_method_is_kept(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    assert ROWS.all().mark_as_delivered(DeliveryMethod.FLASH) == [row.pk]
    assert ROWS.all().mark_as_delivered(DeliveryMethod.LIVE) == []
    row.refresh_from_db()
    assert row.delivered_by == "flash"
    assert row.delivered_at is not None


@pytest.mark.parametrize(
    "name", ["mark_all_as_read", "mark_all_as_unread", "mark_all_as_deleted", "mark_all_as_active"]
)
def test_a_change_for_one_person_leaves_others_alone(alice: User, bob: User, charlie: User, name: str) -> None:
    send(charlie, alice, bob)
    ROWS.update(unread=name == "mark_all_as_read", deleted=name == "mark_all_as_active")
    assert getattr(ROWS, name)(alice) == 1
    assert delivered_to(bob) == []


def test_the_related_manager_of_a_person_changes_only_their_rows(alice: User, bob: User, charlie: User) -> None:
    send(charlie, alice, bob)
    alice.notifications.mark_all_as_read()
    assert (alice.notifications.unread().count(), bob.notifications.unread().count()) == (0, 1)


def test_a_soft_deleted_notification_is_neither_listed_nor_changed(alice: User, bob: User) -> None:
    send(bob, alice)
    ROWS.mark_all_as_deleted()
    assert [rows.count() for rows in (ROWS.unread(), ROWS.read(), ROWS.active(), ROWS.deleted())] == [0, 0, 0, 1]
    assert [rows.count() for rows in (ROWS.unread(include_deleted=True), ROWS.read(include_deleted=True))] == [1, 0]
    assert [ROWS.mark_all_as_read(), ROWS.mark_all_as_seen(), ROWS.archive()] == [0, 0, 0]
    assert notified_kinds(alice) == ["notification.deleted"]


@pytest.mark.parametrize(
    ("before", "restore"),
    [
        ({"deleted": True}, InboxQuerySet.mark_all_as_active),
        ({"archived_at": "2026-11-20T12:00Z"}, InboxQuerySet.unarchive),
    ],
)
def test_restoring_emits_the_whole_item_once(
    alice: User, bob: User, before: dict[str, Any], restore: Callable[[InboxQuerySet], int]
) -> None:
    [row] = send(bob, alice, url="/posts/9/")
    ROWS.update(**before)
    assert (restore(ROWS.all()), restore(ROWS.all())) == (1, 0)
    row.refresh_from_db()
    assert delivered_to(alice) == [("notification.updated", row.item().as_json())]
    assert not row.item().archived


# A single instance


def test_an_instance_is_marked_read_and_unread(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    row.mark_as_read()
    assert (row.unread, ROWS.get().unread) == (False, False)
    row.mark_as_unread()
    assert (row.unread, ROWS.get().unread) == (True, True)
    assert notified_kinds(alice) == ["notification.read", "notification.unread"]


def test_a_stale_instance_changes_nothing_twice_and_overwrites_nothing(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    stale = ROWS.get()
    row.mark_as_read()
    ROWS.archive()
    read_at = ROWS.get().read_at
    stale.mark_as_read()
    assert not stale.unread
    assert (ROWS.get().read_at, ROWS.get().archived_at is not None) == (read_at, True)
    assert notified_kinds(alice) == ["notification.read", "notification.archived"]


def test_deleting_an_instance_emits_one_event(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    pk, stale = row.pk, ROWS.get()
    row.delete()
    stale.delete()
    assert not ROWS.exists()
    assert notified_ids(alice, "notification.deleted") == [[str(pk)]]


# Deleting rows


def test_deleting_rows_emits_to_each_person_only_their_own(alice: User, bob: User, charlie: User) -> None:
    of_alice, of_bob = send(charlie, alice, bob)
    ROWS.filter(pk__in=[of_alice.pk, of_bob.pk]).delete()
    assert notified_ids(alice, "notification.deleted") == [[str(of_alice.pk)]]
    assert notified_ids(bob, "notification.deleted") == [[str(of_bob.pk)]]


def test_delete_returns_the_counts_of_django(alice: User, bob: User) -> None:
    send(bob, alice)
    assert ROWS.all().delete() == (1, {"notifications_hub.Notification": 1})
    assert ROWS.all().delete() == (0, {})


def test_a_deletion_that_rolls_back_emits_nothing(alice: User, bob: User) -> None:
    send(bob, alice)
    with rolled_back():
        ROWS.all().delete()
    assert ROWS.count() == 1
    assert delivered_to(alice) == []


def test_the_manager_does_not_offer_to_delete_everything() -> None:
    with pytest.raises(AttributeError):
        ROWS.delete()


def test_a_template_cannot_delete(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    Template("{{ row.delete }}{{ rows.delete }}").render(Context({"row": row, "rows": ROWS.all()}))
    assert ROWS.count() == 1


# No event


def test_a_plain_update_emits_nothing(alice: User, bob: User) -> None:
    """Check that a host's own `update()` emits no event. That is by design: the queryset methods emit them."""
    send(bob, alice)
    ROWS.update(unread=False)
    assert delivered_to(alice) == []


# Text


def test_events_are_in_the_language_of_the_recipient(alice: User, bob: User, charlie: User) -> None:
    User.objects.filter(pk=bob.pk).update(language="zh-hans")
    bob.refresh_from_db()
    with translation.override("zh-hans"):
        notify.send(charlie, recipient=[alice, bob], verb="replied", kind="tests.active_language")
    assert [delivered_to(person)[0][1]["title"] for person in (alice, bob)] == ["en", "zh-hans"]


def test_events_show_times_in_the_time_zone_of_the_recipient(alice: User, bob: User, charlie: User) -> None:
    User.objects.filter(pk=bob.pk).update(time_zone="Asia/Shanghai")
    bob.refresh_from_db()
    at = "2026-11-20T12:00:00+00:00"
    with timezone.override("America/New_York"):
        notify.send(charlie, recipient=[alice, bob], verb="met", kind="tests.local_time", at=at)
    assert [delivered_to(person)[0][1]["title"] for person in (alice, bob)] == ["12:00", "20:00"]


def test_a_restored_item_is_in_the_language_of_the_recipient(alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    send(bob, alice, kind="tests.active_language")
    ROWS.update(deleted=True)
    ROWS.mark_all_as_active()
    assert delivered_to(alice)[0][1]["title"] == "zh-hans"


def test_the_row_of_an_announcement_shows_its_current_text(alice: User) -> None:
    announcement = broadcast(title="Closed on Friday", url="/news/")
    make_rows(alice)
    Announcement.objects.filter(pk=announcement.pk).update(title="Closed on Thursday")
    message = ROWS.get().message()
    assert (message.id, message.title, message.url, message.kind) == (
        f"a{announcement.pk}",
        "Closed on Thursday",
        f"/notifications/a{announcement.pk}/open/",
        "announcement",
    )


def test_str_reveals_no_content(alice: User, bob: User) -> None:
    [row] = send(bob, alice, target=bob, kind="comment.reply")
    assert str(row) == f"comment.reply {row.pk}"


def test_links_to_missing_objects_are_empty(alice: User) -> None:
    broadcast(title="Closed on Friday")
    make_rows(alice)
    row = ROWS.get()
    assert (row.actor_object_url(), row.target_object_url(), row.action_object_url()) == ("", "", "")


# Many rows


def test_many_changes_are_split_into_events_of_at_most_five_hundred(alice: User, bob: User) -> None:
    ROWS.bulk_create([Notification(recipient=alice, verb="replied", actor_name="Bob") for _ in range(1500)])
    with CaptureQueriesContext(connection) as queries:
        assert ROWS.mark_all_as_read(alice) == 1500
    delivered = notified_ids(alice, "notification.read")
    assert [len(ids) for ids in delivered] == [500, 500, 500]
    assert [int(pk) for ids in delivered for pk in ids] == list(ROWS.order_by("pk").values_list("pk", flat=True))
    assert not ROWS.unread().exists()
    assert len(queries) <= 10


def test_a_person_whose_language_and_zone_fail_is_notified_in_the_sites(
    alice: User, bob: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_for_bob(person: User) -> str:
        if person == bob:
            raise RuntimeError("no profile")
        return "zh-hans"

    own = {"LANGUAGE_OF": fail_for_bob, "TIMEZONE_OF": fail_for_bob}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **own}
    notify.send(alice, recipient=[alice, bob], verb="replied", kind="comment.reply", target=bob)
    titles = [item["title"] for person in (alice, bob) for _kind, item in delivered_to(person)]
    assert titles[1] == "Alice replied to “Bob”"
    assert titles[0] != titles[1]
    assert "LANGUAGE_OF failed" in caplog.text
    assert "TIMEZONE_OF returned no time zone" in caplog.text
