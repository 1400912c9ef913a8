"""Announcing, editing and withdrawing: which events open pages receive, and how often."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.conf import global_settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.audiences import UnknownAudience
from notifications_hub.models import Notification
from notifications_hub.streams.sweeper import Isolation, sweep
from tests.announcements.support import kinds_on, log_of

if TYPE_CHECKING:
    from pytest_django import Settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _nothing_failed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announce, "_isolation", Isolation(longest=60))


def members_named(count: int) -> None:
    User.objects.bulk_create(User(username=f"member{number}") for number in range(count))


def test_an_announcement_is_one_whole_event_and_creates_no_row(alice: User) -> None:
    announcement = broadcast(title="Hello", url="/posts/1/", level="warning")

    [(kind, item)] = log_of("everyone")
    assert kind == "announcement.created"
    assert (item["id"], item["kind"], item["title"]) == (f"a{announcement.pk}", "announcement", "Hello")
    opening = f"/notifications/a{announcement.pk}/open/"
    assert (item["url"], item["level"], item["unread"]) == (opening, "warning", True)
    assert not Notification.objects.exists()


def test_announcing_costs_the_same_for_any_size_of_audience() -> None:
    with CaptureQueriesContext(connection) as before:
        broadcast(title="Hello")
    members_named(500)
    with CaptureQueriesContext(connection) as after:
        broadcast(title="Hello")

    assert len(after) == len(before)


def test_an_announcement_goes_to_its_audience_only(alice: User) -> None:
    group = Group.objects.create(name="Readers")
    broadcast(title="For staff", audience="staff")
    broadcast(title="For readers", audience=f"group.{group.pk}")

    assert kinds_on("staff") == kinds_on(f"group.{group.pk}") == ["announcement.created"]
    assert kinds_on("everyone") == []


def test_a_rollback_discards_the_announcement() -> None:
    def announce_and_fail() -> None:
        with transaction.atomic():
            broadcast(title="Never mind")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        announce_and_fail()

    assert not Announcement.objects.exists()
    assert kinds_on("everyone") == []


def test_an_unknown_audience_is_rejected_by_name() -> None:
    with pytest.raises(UnknownAudience, match=r"'stuff' is not an audience; choose one of everyone, staff"):
        broadcast(title="Hello", audience="stuff")
    assert not Announcement.objects.exists()


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x" * 121},
        {"body": "x" * 5001},
        {"url": "https://elsewhere.example/"},
        {"url": "//elsewhere.example/"},
        {"level": "panic"},
        {"starts_at": NOON, "ends_at": NOON},
    ],
)
def test_invalid_text_is_rejected_at_the_call(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        broadcast(**{"title": "Hello"} | wrong)  # type: ignore[arg-type]
    assert kinds_on("everyone") == []


def test_the_longest_chinese_text_fits_an_event() -> None:
    broadcast(title="图" * 120, body="书" * 5000)

    [(_kind, item)] = log_of("everyone")
    assert len(item["body"]) == 600
    assert item["body"].endswith("…")


def test_without_an_end_it_runs_for_the_sites_usual_time(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ANNOUNCEMENT_DAYS": 3}
    with time_machine.travel(NOON, tick=False):
        announcement = broadcast(title="Hello")
    assert announcement.ends_at == NOON + timedelta(days=3)


def test_a_planned_announcement_is_published_once_at_its_start() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        announcement = broadcast(title="Later", starts_at=NOON + HOUR)
        sweep()
        assert kinds_on("everyone") == []
        assert announcement.state is AnnouncementState.PLANNED

        clock.shift(HOUR)
        sweep()
        sweep()

    assert kinds_on("everyone") == ["announcement.created"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_many_sweepers_at_once_announce_it_once() -> None:
    announcement = broadcast(title="Later", starts_at=datetime.now(UTC) + HOUR)
    Announcement.objects.filter(pk=announcement.pk).update(starts_at=datetime.now(UTC) - HOUR)
    start = threading.Barrier(8)

    def sweep_with_the_others() -> None:
        start.wait()
        try:
            announce.announce_due()
        finally:
            connections.close_all()

    sweepers = [threading.Thread(target=sweep_with_the_others) for _ in range(8)]
    for sweeper in sweepers:
        sweeper.start()
    for sweeper in sweepers:
        sweeper.join()

    assert kinds_on("everyone") == ["announcement.created"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_withdrawal_waits_for_the_rows_lock() -> None:
    announcement = broadcast(title="Oops")

    def withdraw() -> None:
        try:
            announce.withdraw(announcement)
        finally:
            connections.close_all()

    withdrawing = threading.Thread(target=withdraw)
    with transaction.atomic():
        Announcement.objects.select_for_update().get(pk=announcement.pk)
        withdrawing.start()
        withdrawing.join(0.3)
    withdrawing.join()

    announcement.refresh_from_db()
    assert announcement.withdrawn_at is not None


def test_an_announcement_that_ended_before_its_start_was_seen_is_never_announced() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        broadcast(title="Later", starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
        clock.shift(3 * HOUR)
        sweep()

    assert kinds_on("everyone") == []
    assert Announcement.objects.get().state is AnnouncementState.ENDED


def test_its_end_removes_it_from_open_pages_once() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        announcement = broadcast(title="Today only", ends_at=NOON + HOUR)
        sweep()
        clock.shift(HOUR)
        sweep()
        sweep()
        announcement.refresh_from_db()
        assert announcement.state is AnnouncementState.ENDED

    assert log_of("everyone")[1:] == [("announcement.withdrawn", {"ids": [f"a{announcement.pk}"]})]


def test_an_edit_sends_the_whole_announcement_to_open_pages() -> None:
    announcement = broadcast(title="Clsoed")
    announcement.title = "Closed"
    announcement.save()
    announce.publish_edit(announcement)

    kind, item = log_of("everyone")[-1]
    assert kind == "announcement.updated"
    assert item["title"] == "Closed"


def test_an_edit_of_a_stale_instance_reaches_open_pages() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        stale = broadcast(title="Later", starts_at=NOON + HOUR)
        clock.shift(HOUR)
        announce.announce_due()
        assert stale.announced_at is None

        announce.publish_edit(stale)

    assert kinds_on("everyone") == ["announcement.created", "announcement.updated"]


def test_an_edit_of_a_planned_or_withdrawn_announcement_is_not_published() -> None:
    planned = broadcast(title="Later", starts_at=datetime.now(UTC) + HOUR)
    announce.publish_edit(planned)
    assert kinds_on("everyone") == []

    withdrawn = broadcast(title="Oops")
    announce.withdraw(withdrawn)
    announce.publish_edit(withdrawn)
    assert kinds_on("everyone") == ["announcement.created", "announcement.withdrawn"]


def test_a_withdrawal_is_published_once() -> None:
    announcement = broadcast(title="Oops")

    assert announce.withdraw(announcement) is True
    assert announce.withdraw(announcement) is False
    assert kinds_on("everyone") == ["announcement.created", "announcement.withdrawn"]
    announcement.refresh_from_db()
    assert announcement.state is AnnouncementState.WITHDRAWN


def test_a_withdrawn_plan_is_never_announced() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        announce.withdraw(broadcast(title="Later", starts_at=NOON + HOUR))
        clock.shift(HOUR)
        sweep()
    assert kinds_on("everyone") == []


def test_the_event_has_every_language() -> None:
    later = datetime.now(UTC) + HOUR
    announcement = broadcast(title="Closed", body="*Sorry*", starts_at=later)
    AnnouncementTranslation.objects.create(announcement=announcement, language="zh-hans", title="闭馆", body="**抱歉**")
    with time_machine.travel(later, tick=False):
        sweep()

    [(_kind, item)] = log_of("everyone")
    assert item["translations"] == {"zh-hans": {"title": "闭馆", "body": "抱歉"}}
    assert (item["title"], item["body"]) == ("Closed", "Sorry")
    assert not {"recipient", "unread_count"} & item.keys()


# An announcement that cannot be published


LANGUAGES = [code for code, _name in global_settings.LANGUAGES]


def in_every_language(announcement: Announcement) -> None:
    """Save an announcement too large for an event, as a host's own code may do past the form's check."""
    AnnouncementTranslation.objects.bulk_create(
        AnnouncementTranslation(announcement=announcement, language=language, title="图" * 120, body="书" * 600)
        for language in LANGUAGES
    )


def test_an_announcement_too_large_for_an_event_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        poison = broadcast(title="In every language", starts_at=NOON + HOUR)
        in_every_language(poison)
        good = [broadcast(title=f"Good {number}", starts_at=NOON + HOUR) for number in range(2)]
        over = broadcast(title="Over soon", ends_at=NOON + HOUR)
        clock.shift(HOUR)
        for _ in range(3):
            sweep()

    assert kinds_on("everyone") == ["tombstone", *["announcement.created"] * 2, "announcement.withdrawn"]
    poison.refresh_from_db()
    assert poison.announced_at is None
    assert all(Announcement.objects.get(pk=one.pk).announced_at for one in (*good, over))
    assert caplog.text.count(f"Announcement {poison.pk} failed") == 1


def test_a_failed_announcement_is_published_once_it_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        poison = broadcast(title="In every language", starts_at=NOON + HOUR)
        in_every_language(poison)
        clock.shift(HOUR)
        sweep()
        poison.translations.all().delete()
        monkeypatch.setattr(announce, "_isolation", Isolation(longest=60))
        sweep()
    assert kinds_on("everyone") == ["announcement.created"]


def test_a_new_announcement_is_published_beside_waiting_ones(caplog: pytest.LogCaptureFixture) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        in_every_language(broadcast(title="In every language", starts_at=NOON + HOUR))
        clock.shift(HOUR)
        assert broadcast(title="Now").announced_at == NOON + HOUR
    assert kinds_on("everyone") == ["announcement.created"]


def test_methods_given_as_a_text_are_rejected() -> None:
    with pytest.raises(TypeError, match=r"like \{'live'\}, not a text"):
        broadcast(title="Hello", methods="live")
    assert not Announcement.objects.exists()


@pytest.mark.parametrize("title", ["", "   ", "\u200b\u2060", "\u3164", "Hello\0", "Hello \ud83d"], ids=repr)
def test_a_blank_or_unstorable_title_is_rejected(title: str) -> None:
    with pytest.raises(ValidationError, match="title"):
        broadcast(title=title)


def test_unstorable_text_is_rejected() -> None:
    with pytest.raises(ValidationError, match="body"):
        broadcast(title="Hello", body="a\0b")
