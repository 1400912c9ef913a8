"""Times of announcements in the admin's own zone: shown, read and named, also when clocks or zones change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import Settings

from notifications_hub import broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.admin_pages.zone import COOKIE, zone_of
from notifications_hub.announcements.models import Announcement
from notifications_hub.streams.models import Event
from tests.announcements.support import ADD, LIST, change, filled_in

if TYPE_CHECKING:
    from django.test import Client, RequestFactory

pytestmark = [pytest.mark.both_databases(short="sqlite"), pytest.mark.django_db]

BERLIN, TOKYO = "Europe/Berlin", "Asia/Tokyo"
# Clocks in Berlin: 2030-03-31 02:00 becomes 03:00, and 2030-10-27 03:00 becomes 02:00.
SKIPPED, TWICE = ("2030-03-31", "02:30:00"), ("2030-10-27", "02:30:00")


@pytest.fixture
def berliner(writer: Client) -> Client:
    writer.cookies[COOKIE] = BERLIN
    return writer


def planned(starts: tuple[str, str], ends: tuple[str, str] = ("2031-06-01", "12:00:00"), **more: Any) -> dict[str, Any]:
    given = {"starts_at_0": starts[0], "starts_at_1": starts[1], "ends_at_0": ends[0], "ends_at_1": ends[1]}
    return filled_in(**given, **more)


def start() -> datetime:
    return Announcement.objects.get().starts_at.astimezone(UTC)


def test_times_are_read_and_shown_in_the_browsers_zone_which_is_named(berliner: Client) -> None:
    assert "All times are in the time zone Europe/Berlin." in berliner.get(ADD).content.decode()
    berliner.post(ADD, planned(("2030-07-01", "18:00:00")))
    assert start() == datetime(2030, 7, 1, 16, tzinfo=UTC)
    page = berliner.get(change(Announcement.objects.get())).content.decode()
    assert 'value="18:00:00"' in page
    assert 'name="zone" value="Europe/Berlin"' in page
    listed = berliner.get(LIST).content.decode()
    assert "(Europe/Berlin)" in listed
    assert "6 p.m." in listed


def test_the_zone_is_the_hosts_for_the_person_or_the_browsers_or_the_sites(rf: RequestFactory) -> None:
    request = rf.get(ADD)
    assert str(zone_of(request)) == "UTC"
    request.COOKIES[COOKIE] = BERLIN
    assert str(zone_of(request)) == BERLIN
    with timezone.override(TOKYO):
        assert str(zone_of(request)) == TOKYO


def test_without_a_script_the_sites_zone_is_named(writer: Client) -> None:
    assert "All times are in the time zone UTC." in writer.get(ADD).content.decode()


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("cookie", ["Nowhere/Land", "../../etc/passwd", "/etc/passwd", "\x00", "x" * 4000, ""])
def test_an_unknown_zone_is_ignored(writer: Client, cookie: str) -> None:
    writer.cookies[COOKIE] = cookie
    assert "All times are in the time zone UTC." in writer.get(ADD).content.decode()
    answer = writer.post(ADD, planned(("2030-07-01", "18:00:00"), zone=cookie.replace("\0", "")))
    assert answer.status_code == 302
    assert start() == datetime(2030, 7, 1, 18, tzinfo=UTC)


@pytest.mark.both_databases(short="postgresql")
def test_a_form_is_read_in_the_zone_in_which_it_was_shown(berliner: Client) -> None:
    berliner.cookies[COOKIE] = TOKYO
    wrong = planned(("2030-07-01", "18:00:00"), zone=BERLIN, title="")
    page = berliner.post(ADD, wrong).content.decode()
    assert 'value="18:00:00"' in page
    assert 'name="zone" value="Europe/Berlin"' in page
    berliner.post(ADD, planned(("2030-07-01", "18:00:00"), zone=BERLIN))
    assert start() == datetime(2030, 7, 1, 16, tzinfo=UTC)


def test_a_time_that_clocks_skip_is_refused_by_name(berliner: Client) -> None:
    page = berliner.post(ADD, planned(SKIPPED)).content.decode()
    assert "There is no 02:30 on this day in Europe/Berlin, because clocks go forward." in page
    assert 'value="02:30:00"' in page
    assert not Announcement.objects.exists()
    berliner.post(ADD, planned((SKIPPED[0], "03:00:00")))
    assert start() == datetime(2030, 3, 31, 1, tzinfo=UTC)


def test_of_two_equal_times_it_is_the_first(berliner: Client) -> None:
    berliner.post(ADD, planned(TWICE))
    assert start() == datetime(2030, 10, 27, 0, 30, tzinfo=UTC)


def test_saving_what_is_shown_moves_no_time(berliner: Client) -> None:
    second = datetime(2030, 10, 27, 1, 30, 0, 123456, tzinfo=UTC)
    end = datetime(2031, 6, 1, 10, 0, 0, 654321, tzinfo=UTC)
    announcement = broadcast(title="Hello", starts_at=second, ends_at=end)
    page = berliner.get(change(announcement)).content.decode()
    assert 'value="02:30:00"' in page
    berliner.post(change(announcement), planned(TWICE, zone=BERLIN, title="Hello there"))
    announcement.refresh_from_db()
    assert (announcement.title, announcement.starts_at, announcement.ends_at) == ("Hello there", second, end)


def test_a_usual_end_is_at_the_same_time_of_day(berliner: Client, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_DAYS": 30}
    berliner.post(ADD, planned(("2030-03-20", "18:00:00"), ("", "")))
    end = Announcement.objects.get().ends_at.astimezone(ZoneInfo(BERLIN))
    assert (end.date().isoformat(), end.hour) == ("2030-04-19", 18)


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("zone", [BERLIN, TOKYO, "Pacific/Apia", "America/St_Johns"])
def test_a_worker_in_another_zone_starts_it_at_the_same_moment(
    berliner: Client, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    berliner.post(ADD, planned(("2030-07-01", "18:00:00")))
    moments = {datetime(2030, 7, 1, 15, 59, 59, tzinfo=UTC): [], datetime(2030, 7, 1, 16, 0, 1, tzinfo=UTC): ["x"]}
    for now, events in moments.items():
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        with timezone.override(zone):
            announce.announce_due()
        assert Event.objects.count() == len(events)
