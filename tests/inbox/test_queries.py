from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.announce import withdraw
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.inbox import queries
from notifications_hub.inbox.places import BadPageMark, PageMark
from notifications_hub.inbox.queries import Counts, InboxPage, counts, items, place_of
from notifications_hub.notification import Notification
from notifications_hub.streams import Event
from tests.inbox.support import ids, queries_of, send_one

pytestmark = pytest.mark.both_databases


def test_the_newest_notification_comes_first(alice: User, bob: User) -> None:
    older, newer = send_one(alice, bob), send_one(alice, bob)

    assert ids(items(alice)) == [newer.item_id, older.item_id]


def test_charlie_sees_none_of_alices_notifications(alice: User, bob: User, charlie: User) -> None:
    send_one(alice, bob)

    assert items(charlie) == InboxPage([], None)
    assert counts(charlie) == Counts(unread=0, unseen=0)


def test_forty_five_are_paged_without_a_gap_or_a_repeat_while_new_ones_arrive(alice: User, bob: User) -> None:
    expected = [send_one(alice, bob).item_id for _ in range(45)][::-1]
    found: list[str] = []
    before = None
    pages = 0
    while pages == 0 or before:
        page = items(alice, place=place_of(alice, before=before))
        found += ids(page)
        before, pages = page.next, pages + 1
        send_one(alice, bob)

    assert found == expected
    assert pages == 3


def test_notifications_of_the_same_moment_are_paged_by_id(alice: User, bob: User) -> None:
    now = timezone.now()
    rows = [send_one(alice, bob, timestamp=now).item_id for _ in range(7)]
    first = items(alice, limit=4)
    second = items(alice, limit=4, place=place_of(alice, before=first.next))

    assert ids(first) + ids(second) == rows[::-1]
    assert second.next is None


def test_a_full_last_page_has_no_next(alice: User, bob: User) -> None:
    for _ in range(4):
        send_one(alice, bob)

    assert items(alice, limit=4).next is None


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("text", ["yesterday", "1", "1.2.3", "1.-2", "9" * 30 + ".1", "9" * 18 + ".1", "1.٣", "1.2\n"])
def test_an_invalid_before_is_rejected(alice: User, text: str) -> None:
    with pytest.raises(BadPageMark):
        place_of(alice, before=text)


def test_a_page_mark_is_read_back_from_its_text(alice: User, bob: User) -> None:
    for moment in (timezone.now(), timezone.now() - timedelta(days=60_000, microseconds=1)):
        mark = PageMark.of(send_one(alice, bob, timestamp=moment))

        assert PageMark.parse(str(mark)) == mark


def test_the_list_can_be_filtered_by_unread_and_kind(alice: User, bob: User) -> None:
    reply = send_one(alice, bob, kind="comment.reply")
    other = send_one(alice, bob)
    other.mark_as_read()

    assert ids(items(alice, unread=True)) == [reply.item_id]
    assert ids(items(alice, unread=False)) == [other.item_id]
    assert ids(items(alice, kinds=["comment.reply"])) == [reply.item_id]
    assert ids(items(alice, kinds=["nothing.like.it"])) == []


def test_a_rare_kind_is_found_by_following_pages_of_a_bounded_scan(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SCANNED", 4)
    rare = [send_one(alice, bob, kind="comment.reply")]
    for _number in range(9):
        send_one(alice, bob)
    rare.append(send_one(alice, bob, kind="comment.reply"))
    broadcast(title="To everyone")
    for _number in range(4):
        send_one(alice, bob)
    assert _pages(alice, kind="comment.reply") == [[], [rare[1].item_id], [], [rare[0].item_id]]
    assert sorted(map(len, _pages(alice, kind="announcement"))) == [0, 0, 0, 1]


def _pages(person: User, *, kind: str) -> list[list[str]]:
    found: list[list[str]] = []
    mark = None
    while not found or mark:
        page = items(person, kinds=[kind], place=place_of(person, before=mark))
        found.append(ids(page))
        mark = page.next
    return found


def test_archived_rows_are_shown_on_demand_and_deleted_ones_never(alice: User, bob: User) -> None:
    archived, deleted = send_one(alice, bob), send_one(alice, bob)
    Notification.objects.filter(pk=archived.pk).archive()
    Notification.objects.filter(pk=deleted.pk).mark_all_as_deleted()

    assert ids(items(alice)) == []
    assert ids(items(alice, archived=True)) == [archived.item_id]
    assert counts(alice) == Counts(unread=0, unseen=0)


def test_an_announcement_gets_its_row_when_the_inbox_is_opened_and_keeps_its_id(alice: User) -> None:
    announcement = broadcast(title="Maintenance at noon")
    events = Event.objects.count()
    [item] = items(alice).items

    assert item.message.id == f"a{announcement.pk}"
    assert item.message.title == "Maintenance at noon"
    assert Notification.objects.filter(recipient=alice, announcement=announcement).count() == 1
    assert ids(items(alice)) == [f"a{announcement.pk}"]
    assert Event.objects.count() == events, "making a row is no event"


def test_an_announcement_is_the_same_item_before_and_after_it_has_a_row(alice: User) -> None:
    announcement = broadcast(title="Maintenance at noon", body="**Save** your work.", url="/status/", level="warning")
    before = announcement.item().as_json()
    [item] = items(alice).items

    assert item.as_json() == before


def test_a_withdrawn_announcement_is_gone_even_if_it_was_read(alice: User) -> None:
    announcement = broadcast(title="Maintenance at noon")
    items(alice)
    Notification.objects.filter(recipient=alice).mark_all_as_read()
    withdraw(announcement)

    assert items(alice).rows == []
    assert counts(alice) == Counts(unread=0, unseen=0)


def test_an_announcement_that_is_over_is_gone(alice: User) -> None:
    announcement = broadcast(title="Maintenance at noon")
    items(alice)
    Announcement.objects.filter(pk=announcement.pk).update(ends_at=timezone.now())

    assert items(alice).rows == []
    assert counts(alice).unread == 0


def test_an_announcement_follows_people_who_leave_and_rejoin_its_audience(alice: User) -> None:
    group = Group.objects.create(name="editors")
    alice.groups.add(group)
    announcement = broadcast(title="Editors only", audience=f"group.{group.pk}")
    assert ids(items(alice)) == [f"a{announcement.pk}"]
    alice.groups.remove(group)
    assert items(User.objects.get(pk=alice.pk)).rows == []
    assert counts(User.objects.get(pk=alice.pk)).unread == 0

    alice.groups.add(group)

    assert ids(items(User.objects.get(pk=alice.pk))) == [f"a{announcement.pk}"]


def test_charlie_gets_no_row_of_an_announcement_for_others(charlie: User) -> None:
    broadcast(title="Staff only", audience="staff")

    assert items(charlie).rows == []
    assert counts(charlie).unread == 0
    assert not Notification.objects.filter(recipient=charlie).exists()


def test_counting_computes_and_writes_nothing(alice: User, bob: User) -> None:
    send_one(alice, bob)
    broadcast(title="Maintenance at noon")
    rows = Notification.objects.count()

    assert counts(alice) == Counts(unread=2, unseen=2)
    assert Notification.objects.count() == rows
    items(alice)
    assert counts(alice) == Counts(unread=2, unseen=2)


def test_unseen_means_unread_and_never_seen(alice: User, bob: User) -> None:
    seen, read = send_one(alice, bob), send_one(alice, bob)
    send_one(alice, bob)
    Notification.objects.filter(pk=seen.pk).mark_all_as_seen()
    read.mark_as_read()

    assert counts(alice) == Counts(unread=2, unseen=1)


def test_marking_as_unread_does_not_make_it_unseen(alice: User, bob: User) -> None:
    row = send_one(alice, bob)
    row.mark_as_read()
    row.mark_as_unread()

    assert counts(alice) == Counts(unread=1, unseen=0)


def test_a_page_takes_as_many_queries_for_forty_as_for_two(alice: User, bob: User) -> None:
    def fill(count: int) -> None:
        for number in range(count):
            send_one(alice, bob, kind="comment.reply")
            announcement = broadcast(title=f"Announcement {number}")
            AnnouncementTranslation.objects.create(announcement=announcement, language="zh-hans", title="公告")
        items(alice)

    fill(1)
    few = queries_of(lambda: items(alice).items)
    fill(20)

    assert queries_of(lambda: items(alice, limit=50).items) == few
    assert queries_of(lambda: counts(alice)) <= 3


def test_making_rows_takes_as_many_queries_for_twenty_as_for_one(alice: User, bob: User) -> None:
    broadcast(title="One")
    one = queries_of(lambda: items(alice).items)
    for number in range(20):
        broadcast(title=f"Another {number}")

    assert queries_of(lambda: items(User.objects.get(pk=alice.pk), limit=50).items) == one + 1  # with the person


def test_an_announcement_comes_in_the_language_that_is_active(alice: User) -> None:
    from django.utils import translation

    announcement = broadcast(title="Maintenance at noon")
    AnnouncementTranslation.objects.create(announcement=announcement, language="zh-hans", title="中午维护")
    with translation.override("zh-hans"):
        [item] = items(alice).items

    assert item.message.title == "中午维护"
    assert item.translations == {"zh-hans": {"title": "中午维护", "body": ""}}
