"""The times of digests, against a model that looks at a clock minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from notifications_hub.kinds import Digest
from notifications_hub.quiet_hours.calendar import InvalidSchedule, Schedule
from tests.quiet_hours.test_calendar import DAY, MINUTE, PLACES, clock, first_shown


def digests(schedule: Schedule, digest: Digest, around: date) -> list[datetime]:
    """Return when digests come in the days around one, by looking at each minute or day."""
    if digest is Digest.HOURLY:
        return [at for at, wall in clock(schedule.zone, around) if wall.minute == 0]
    days = [around + offset * DAY for offset in range(-4, 8)]
    wanted = [day for day in days if digest is Digest.DAILY or day.weekday() == schedule.digest_day]
    return [first_shown(schedule.zone, around, datetime.combine(day, time(schedule.digest_hour))) for day in wanted]


@settings(max_examples=200, deadline=None)
@given(PLACES, st.sampled_from(list(Digest)[1:]), st.integers(0, 23), st.integers(0, 6), st.integers(-24 * 60, 24 * 60))
@example(("Europe/Berlin", date(2026, 3, 29)), Digest.DAILY, 2, 0, 0)
@example(("Europe/Berlin", date(2026, 10, 25)), Digest.DAILY, 2, 0, 0)
@example(("Europe/Berlin", date(2026, 10, 25)), Digest.DAILY, 2, 0, 60)
@example(("Europe/Berlin", date(2026, 10, 25)), Digest.HOURLY, 2, 0, 30)
@example(("Australia/Lord_Howe", date(2026, 10, 4)), Digest.HOURLY, 2, 0, -9 * 60)
@example(("America/Havana", date(2026, 3, 8)), Digest.WEEKLY, 0, 6, -24 * 60)
@example(("Pacific/Apia", date(2011, 12, 29)), Digest.WEEKLY, 8, 4, 0)
def test_the_next_digest_is_that_of_the_model(
    place: tuple[str, date], digest: Digest, hour: int, day: int, minute: int
) -> None:
    zone, around = place
    schedule = Schedule(zone=zone, digest_hour=hour, digest_day=day)
    at = datetime.combine(around, time(), tzinfo=UTC) + minute * MINUTE + timedelta(seconds=7)
    coming = [moment for moment in digests(schedule, digest, around) if moment > at]
    if coming:
        assert schedule.next_digest(digest, at) == coming[0]
        assert schedule.next_digest(digest, coming[0]) > coming[0]
    else:
        # The day of the week is later than the model looks.
        assert schedule.next_digest(digest, at) > at + 5 * DAY


def test_a_person_who_has_stored_nothing_about_digests_gets_them_on_monday_at_eight() -> None:
    stored = {"zone": "Europe/Berlin", "windows": [], "silent": True, "paused_until": None}
    schedule = Schedule.from_json(stored)
    weekly = schedule.next_digest(Digest.WEEKLY, datetime(2026, 7, 1, tzinfo=UTC))
    assert weekly == datetime(2026, 7, 6, 6, tzinfo=UTC)
    assert Schedule.from_json(schedule.as_json()) == schedule


@pytest.mark.parametrize("wrong", [{"digest_hour": 24}, {"digest_hour": -1}, {"digest_day": 7}], ids=str)
def test_impossible_times_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidSchedule) as refused:
        Schedule(**wrong)  # type: ignore[arg-type]
    assert refused.value.field in wrong
