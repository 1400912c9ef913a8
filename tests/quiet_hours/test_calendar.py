"""The calendar of quiet hours, against a model that looks at a clock minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifications_hub.quiet_hours.calendar import (
    LOOKED_AHEAD,
    InvalidSchedule,
    Schedule,
    Window,
    known_zones,
)

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
EVERY_DAY = frozenset(range(7))
# A change of an hour in both halves of the world, of half an hour, at midnight, and a day that does not exist.
DAYS = {
    "Europe/Berlin": [date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 1)],
    "America/New_York": [date(2026, 3, 8), date(2026, 11, 1)],
    "Australia/Lord_Howe": [date(2026, 4, 5), date(2026, 10, 4)],
    "America/Havana": [date(2026, 3, 8), date(2026, 11, 1)],
    "Pacific/Apia": [date(2011, 12, 29), date(2011, 12, 31)],
    "Asia/Shanghai": [date(2026, 2, 17)],
}


@cache
def clock(zone: str, day: date) -> list[tuple[datetime, datetime]]:
    """Return each minute around a day, in UTC and as a clock on the wall shows it."""
    began = datetime(day.year, day.month, day.day, tzinfo=UTC) - 5 * DAY
    minutes = (began + number * MINUTE for number in range(14 * 24 * 60))
    return [(at, at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for at in minutes]


@cache
def shown(zone: str, day: date) -> dict[datetime, list[datetime]]:
    """Return when a clock shows each time of the days around one, which is twice for some."""
    found: dict[datetime, list[datetime]] = {}
    for at, wall in clock(zone, day):
        found.setdefault(wall, []).append(at)
    return found


def first_shown(zone: str, day: date, local: datetime) -> datetime:
    """Return when the clock first shows a time, or else the first minute after it."""
    return _all_shown(zone, day, local)[0]


def last_shown(zone: str, day: date, local: datetime) -> datetime:
    return _all_shown(zone, day, local)[-1]


def _all_shown(zone: str, day: date, local: datetime) -> list[datetime]:
    return shown(zone, day).get(local) or [next(at for at, wall in clock(zone, day) if wall > local)]


def quiet_minutes(schedule: Schedule, around: date) -> set[datetime]:
    """Return the quiet minutes of some days, by looking at each."""
    quiet: set[datetime] = set()
    for offset in range(-3, 6):
        day = around + offset * DAY
        midnight = datetime.combine(day, time())
        for one in schedule.windows:
            if day.weekday() in one.days:
                last = midnight + one.end * MINUTE + (DAY if one.end <= one.start else timedelta())
                began = first_shown(schedule.zone, around, midnight + one.start * MINUTE)
                ended = last_shown(schedule.zone, around, last)
                quiet |= {began + number * MINUTE for number in range((ended - began) // MINUTE)}
    if schedule.paused_until is not None:
        quiet |= {at for at, _wall in clock(schedule.zone, around) if at < schedule.paused_until}
    return quiet


TIMES = st.one_of(st.integers(0, 24 * 60 - 1), st.sampled_from([0, 60, 90, 119, 120, 150, 179, 180, 181, 1320]))
WINDOWS = st.builds(Window, st.frozensets(st.integers(0, 6), min_size=1), TIMES, TIMES)
PLACES = st.sampled_from([(zone, day) for zone, days in DAYS.items() for day in days])


@settings(max_examples=60, deadline=None)
@given(PLACES, st.lists(WINDOWS, max_size=3), st.integers(-24 * 60, 2 * 24 * 60), st.none() | st.integers(-600, 3000))
@example(("Europe/Berlin", date(2026, 3, 29)), [Window(EVERY_DAY, 120, 150)], 60, None)
@example(("Europe/Berlin", date(2026, 10, 25)), [Window(EVERY_DAY, 1320, 150)], 60, None)
@example(("Pacific/Apia", date(2011, 12, 29)), [Window(EVERY_DAY, 1320, 420)], 1300, None)
def test_quiet_hours_are_those_of_a_clock_on_the_wall(
    place: tuple[str, date], windows: list[Window], minutes: int, pause: int | None
) -> None:
    zone, day = place
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + minutes * MINUTE
    paused = None if pause is None else at + pause * MINUTE
    schedule = Schedule(zone=zone, windows=tuple(windows), paused_until=paused)
    quiet = quiet_minutes(schedule, day)
    until = schedule.quiet_until(at)
    assert (until is not None) == (at in quiet)
    if until is None:
        return
    ends = next(one for one, _wall in clock(zone, day) if one > at and one not in quiet)
    # The model knows the days around this one only.
    if ends < at + 2 * DAY:
        assert until == ends
    spans = list(schedule.spans(at, 2))
    assert (spans[0][0] <= at, spans[0][1]) == (True, min(until, at + 2 * DAY))


def in_berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


NIGHTS = Schedule(zone="Europe/Berlin", windows=(Window(frozenset(range(5)), 22 * 60, 7 * 60),))


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-06-05 21:59", None),
        ("2026-06-05 22:00", "2026-06-06 07:00"),
        ("2026-06-06 06:59", "2026-06-06 07:00"),
        ("2026-06-06 07:00", None),
        # Saturday night is no night of the week.
        ("2026-06-06 23:00", None),
        ("2026-06-07 03:00", None),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_begins_on(at: str, until: str | None) -> None:
    assert NIGHTS.quiet_until(in_berlin(at)) == (until and in_berlin(until))


def test_a_night_is_an_hour_shorter_or_longer_when_the_clocks_change() -> None:
    every_night = Schedule(zone="Europe/Berlin", windows=(Window(EVERY_DAY, 22 * 60, 7 * 60),))
    for evening, hours in [("2026-03-28 22:00", 8), ("2026-10-24 22:00", 10), ("2026-06-06 22:00", 9)]:
        at = in_berlin(evening)
        assert every_night.quiet_until(at) == at + timedelta(hours=hours)


def test_whole_days_that_follow_each_other_are_one() -> None:
    weekend = Schedule(zone="Europe/Berlin", windows=(Window(frozenset({5, 6}), 0, 0),))
    assert weekend.quiet_until(in_berlin("2026-06-06 09:00")) == in_berlin("2026-06-08 00:00")
    assert weekend.quiet_until(in_berlin("2026-06-05 23:59")) is None


def test_quiet_hours_without_an_end_are_looked_at_again_in_a_week() -> None:
    always = Schedule(windows=(Window(EVERY_DAY, 0, 0),))
    at = datetime(2026, 6, 6, 9, tzinfo=UTC)
    assert always.quiet_until(at) == at + timedelta(days=LOOKED_AHEAD)


def test_a_pause_ends_with_the_night_it_ends_in() -> None:
    paused = Schedule(zone="Europe/Berlin", windows=NIGHTS.windows, paused_until=in_berlin("2026-06-05 23:00"))
    assert paused.quiet_until(in_berlin("2026-06-05 12:00")) == in_berlin("2026-06-06 07:00")
    assert paused.quiet_until(in_berlin("2026-06-06 07:00")) is None


def test_a_pause_of_months_ends_when_it_ends() -> None:
    until = in_berlin("2026-09-03 12:00")
    paused = Schedule(zone="Europe/Berlin", windows=NIGHTS.windows, paused_until=until)
    assert paused.quiet_until(in_berlin("2026-06-05 23:00")) == until
    in_the_night = replace(paused, paused_until=until + timedelta(hours=11))
    assert in_the_night.quiet_until(in_berlin("2026-06-05 12:00")) == in_berlin("2026-09-04 07:00")


def test_a_schedule_is_stored_as_it_is() -> None:
    paused = Schedule(
        zone="Asia/Shanghai", windows=NIGHTS.windows, silent=False, paused_until=datetime(2026, 6, 6, tzinfo=UTC)
    )
    assert Schedule.from_json(paused.as_json()) == paused
    assert Schedule.from_json(Schedule().as_json()) == Schedule()


def test_what_makes_no_sense_is_refused_by_name() -> None:
    refusals: list[tuple[str, Callable[[], object]]] = [
        ("zone", lambda: Schedule(zone="Mars/Olympus")),
        ("zone", lambda: Schedule(zone="../../etc/passwd")),
        ("days", lambda: Window(frozenset(), 0, 60)),
        ("days", lambda: Window(frozenset({7}), 0, 60)),
        ("start", lambda: Window(EVERY_DAY, -1, 60)),
        ("end", lambda: Window(EVERY_DAY, 0, 1440)),
        ("windows", lambda: Schedule(windows=(Window(EVERY_DAY, 0, 60),) * 15)),
    ]
    for field, make in refusals:
        with pytest.raises(InvalidSchedule) as refused:
            make()
        assert refused.value.field == field
    assert {"UTC", "Europe/Berlin", "Asia/Shanghai"} <= known_zones()
