"""The section of the preferences page with quiet hours and the pause: shown, and read from what was sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta

from django.http import QueryDict
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.quiet_hours.calendar import (
    DAYS,
    LONGEST_PAUSE,
    MOST_WINDOWS,
    InvalidSchedule,
    Schedule,
    Window,
    known_zones,
    moment_of,
)
from notifications_hub.quiet_hours.schedules import default_schedule, save_schedule, schedule_of
from notifications_hub.users import Person

MORNING = time(8)
NIGHT_ENDS = time(5)
"""Before it, the next morning is today's."""
_OFFERED = ("22:00", "07:00")


@dataclass(frozen=True, slots=True)
class Day:
    value: str
    short: str | Promise
    label: str | Promise
    checked: bool


@dataclass(frozen=True, slots=True)
class WindowRow:
    """A window as the form shows it. `error` says why it was refused, and `is_new` marks the one to add."""

    number: int
    days: list[Day]
    start: str
    end: str
    is_new: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class QuietSection:
    """The section. `is_set` is false for a person who has stored nothing, so that a browser may propose its zone."""

    zone: str
    zones: list[str]
    rows: list[WindowRow]
    silent: bool
    is_set: bool
    paused_until: datetime | None
    quiet_until: datetime | None
    until: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """Raised for quiet hours that cannot be stored. `section` shows them as they were sent, with the reasons."""

    def __init__(self, section: QuietSection) -> None:
        super().__init__(section.errors)
        self.section = section


def quiet_section(person: Person) -> QuietSection:
    """Return the section, in one query."""
    stored = schedule_of(person)
    schedule = stored or default_schedule(person)
    now = datetime.now(UTC)
    paused = schedule.paused_until
    rows = [_row(number, one.days, clock(one.start), clock(one.end)) for number, one in enumerate(schedule.windows)]
    return QuietSection(
        zone=schedule.zone,
        zones=zones_to_choose(schedule.zone),
        rows=_with_new(rows),
        silent=schedule.silent,
        is_set=stored is not None,
        paused_until=paused if paused and paused > now else None,
        quiet_until=schedule.quiet_until(now),
    )


def save_hours(person: Person, posted: QueryDict) -> bool:
    """Store the windows of the form, and return whether there are any. Raise `Refused`.

    A row without days is left out, unless its times were just entered.
    """
    before = schedule_of(person) or default_schedule(person)
    shown = {_OFFERED, ("", "")} | {(clock(one.start), clock(one.end)) for one in before.windows}
    rows = [_read(posted, number) for number in range(MOST_WINDOWS) if f"start-{number}" in posted]
    zone, silent = posted.get("zone", ""), "silent" in posted
    windows, checked = [], []
    for row in rows:
        if not any(day.checked for day in row.days):
            if (row.start, row.end) not in shown:
                checked.append(replace(row, error=_("Choose at least one day.")))
            continue
        try:
            windows.append(_window(row))
            checked.append(row)
        except ValueError:
            checked.append(replace(row, error=_("Give a start and an end, such as 22:00 and 07:00.")))
    errors = {} if zone in known_zones() else {"zone": _("Choose a time zone from the list.")}
    if errors or any(row.error for row in checked):
        section = replace(quiet_section(person), rows=_with_new(checked), silent=silent, errors=errors)
        raise Refused(section if errors else replace(section, zone=zone, zones=zones_to_choose(zone)))
    store(person, replace(before, zone=zone, windows=tuple(windows), silent=silent))
    return bool(windows)


def save_pause(person: Person, posted: QueryDict) -> datetime | None:
    """Store or end the pause, and return until when it lasts. Raise `Refused`."""
    schedule = schedule_of(person)
    if schedule is None:
        zone = posted.get("zone", "")
        schedule = default_schedule(person)
        schedule = replace(schedule, zone=zone) if zone in known_zones() else schedule
    try:
        until = _paused_until(posted, schedule)
        store(person, paused(schedule, until))
    except InvalidSchedule as error:
        section = replace(quiet_section(person), until=posted.get("until", ""), errors={"until": str(error)})
        raise Refused(section) from None
    return until


def paused(schedule: Schedule, until: datetime | None) -> Schedule:
    """Return the schedule with this pause. Raise `InvalidSchedule` if it is over already, or too long."""
    now = datetime.now(UTC)
    if until is not None and until <= now:
        raise InvalidSchedule("until", _("Choose a time in the future."))
    if until is not None and until > now + LONGEST_PAUSE:
        raise InvalidSchedule("until", _("Choose a time within the next year."))
    return replace(schedule, paused_until=until)


def store(person: Person, schedule: Schedule) -> None:
    """Store a schedule. A worker looks at once at what waited for the earlier one."""
    save_schedule(person, schedule)
    wake_worker(1.0)


def _paused_until(posted: QueryDict, schedule: Schedule) -> datetime | None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    match posted.get("pause", ""):
        case "hour":
            return now + timedelta(hours=1, minutes=1)
        case "morning":
            return _next_morning(schedule)
        case "until":
            return _given(posted.get("until", ""), schedule)
        case _:
            return None


def _next_morning(schedule: Schedule) -> datetime:
    local = schedule.local(datetime.now(UTC))
    day = local.date() if local.time() < NIGHT_ENDS else local.date() + timedelta(days=1)
    return moment_of(datetime.combine(day, MORNING), schedule.zone)


def _given(text: str, schedule: Schedule) -> datetime:
    try:
        local = datetime.fromisoformat(text)
        # Ancient years have no UTC in some zones.
        return moment_of(local.replace(tzinfo=None, second=0, microsecond=0), schedule.zone)
    except (OverflowError, ValueError):
        raise InvalidSchedule("until", _("Give a day and a time.")) from None


def _read(posted: QueryDict, number: int) -> WindowRow:
    days = {int(day) for day in posted.getlist(f"days-{number}") if day in map(str, range(DAYS))}
    return _row(number, frozenset(days), posted.get(f"start-{number}", ""), posted.get(f"end-{number}", ""))


def _row(number: int, days: frozenset[int], start: str, end: str) -> WindowRow:
    choices = [Day(str(day), WEEKDAYS_ABBR[day], WEEKDAYS[day], day in days) for day in range(DAYS)]
    return WindowRow(number, choices, start, end)


def _with_new(rows: list[WindowRow]) -> list[WindowRow]:
    """Number the rows, and add one for another window."""
    numbered = [replace(row, number=number) for number, row in enumerate(rows)]
    if len(rows) < MOST_WINDOWS:
        numbered.append(replace(_row(len(rows), frozenset(), *_OFFERED), is_new=True))
    return numbered


def _window(row: WindowRow) -> Window:
    days = frozenset(int(day.value) for day in row.days if day.checked)
    return Window(days, minutes(row.start), minutes(row.end))


def minutes(text: str) -> int:
    """Return a time of day, such as `22:00`, in minutes. Raise `ValueError`."""
    at = time.fromisoformat(text)
    if at.tzinfo is not None:
        raise ValueError("a local time has no zone")
    return at.hour * 60 + at.minute


def clock(minute: int) -> str:
    return "{:02}:{:02}".format(*divmod(minute, 60))


def zones_to_choose(chosen: str) -> list[str]:
    """Return the zones to choose from: those of places, and the chosen one."""
    places = {name for name in known_zones() if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/"))}
    return sorted(places | {"UTC", chosen})
