"""The times until which a person can snooze."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.snoozing.times import BadTime, Choice, chosen, offers, parse, zone_of
from tests.inbox.support import ClientFor, post, send_one

BERLIN = ZoneInfo("Europe/Berlin")
# A Sunday. In the night to the 26th of October 2025, and of the 29th of March 2026, clocks change.
NOW = datetime(2026, 3, 28, 13, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "choice", "expected"),
    [
        ("2026-03-28T14:20", Choice.LATER, "2026-03-28T17:20+01:00"),
        ("2026-03-29T00:30", Choice.LATER, "2026-03-29T04:30+02:00"),
        ("2026-03-28T14:20", Choice.TOMORROW, "2026-03-29T09:00+02:00"),
        ("2026-03-28T14:20", Choice.MONDAY, "2026-03-30T09:00+02:00"),
        ("2026-03-29T23:59", Choice.MONDAY, "2026-03-30T09:00+02:00"),
        ("2026-03-30T08:00", Choice.MONDAY, "2026-04-06T09:00+02:00"),
        ("2026-12-31T10:00", Choice.TOMORROW, "2027-01-01T09:00+01:00"),
    ],
)
def test_a_choice_is_a_time_of_the_persons_zone(now: str, choice: Choice, expected: str) -> None:
    at = datetime.fromisoformat(now).replace(tzinfo=BERLIN)
    assert chosen(choice, BERLIN, at) == datetime.fromisoformat(expected)


def test_late_in_the_evening_nothing_is_later_today() -> None:
    evening = datetime(2026, 3, 28, 22, 0, tzinfo=BERLIN)
    assert [one.words for one in offers(BERLIN, evening)] == ["In 3 hours", "Tomorrow morning", "Next Monday"]
    assert offers(BERLIN, NOW)[0].words == "Later today"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-29T09:30", "2026-03-29T09:30+02:00"),
        ("2026-03-29T09:30:00Z", "2026-03-29T09:30+00:00"),
        ("2026-10-25T02:30", "2026-10-25T02:30+02:00"),  # of two, the first
        ("tomorrow", "2026-03-29T09:00+02:00"),
    ],
)
def test_a_time_of_ones_own_is_read_in_the_persons_zone(text: str, expected: str) -> None:
    assert parse(text, BERLIN, NOW) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-29T02:30", "There is no 02:30 on this day in Europe/Berlin"),
        ("2026-03-28T14:20", "in the future"),
        ("2027-04-01T09:00", "within the next year"),
        ("9999-12-31T23:59", "within the next year"),
        ("0001-01-01T00:00", "Give a day and a time|in the future"),
        ("", "Give a day and a time"),
        ("soon", "Give a day and a time"),
    ],
)
def test_a_time_that_cannot_be_is_refused_with_the_remedy(text: str, words: str) -> None:
    with pytest.raises(BadTime, match=words):
        parse(text, BERLIN, NOW)


@pytest.mark.django_db
def test_the_zone_is_that_of_the_persons_quiet_hours(alice: User, bob: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TIMEZONE_OF": f"{__name__}.in_tokyo"}
    save_schedule(alice, Schedule(zone="Europe/Berlin"))
    assert (str(zone_of(alice)), str(zone_of(bob))) == ("Europe/Berlin", "Asia/Tokyo")


def in_tokyo(person: User) -> str:
    return "Asia/Tokyo"


@pytest.mark.django_db
def test_the_api_lists_the_choices_and_refuses_others(alice: User, bob: User, client_for: ClientFor) -> None:
    row, client = send_one(alice, bob), client_for(alice)
    answer = client.get("/api/v1/notifications/snooze/").json()
    assert [one["until"] for one in answer["results"]] == ["later", "tomorrow", "monday"]
    [first, *_] = answer["results"]
    assert post(client, "notifications/snooze/", {"ids": [row.item_id], "until": first["at"]}).status_code == 200
    refused = post(client, "notifications/snooze/", {"ids": [row.item_id], "until": "never"})
    assert (refused.status_code, refused.json()) == (400, {"detail": "Give a day and a time."})
