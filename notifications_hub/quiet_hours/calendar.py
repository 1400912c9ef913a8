"""The calendar of a person: quiet hours, a pause and the times of digests, in a time zone. It reads no clock, no table.

A window begins when the clock first shows its start, and ends when the clock last shows its end. So it stays whole in
the night in which an hour occurs twice. A time that the clock skips is the moment at which it skips.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from notifications_hub.kinds import Digest

DAYS = 7
DAY_MINUTES = 24 * 60
DAY_HOURS = 24
MOST_WINDOWS = 14
LONGEST_PAUSE = timedelta(days=366)
LOOKED_AHEAD = DAYS + 1
"""Days. Quiet hours without an end are looked at again after so many."""
MORNING, MONDAY = 8, 0
"""The hour and the day of digests for people who have not chosen."""
_DAY = timedelta(days=1)

Span = tuple[datetime, datetime]
"""A start and an end in UTC. The end does not belong to it."""


class InvalidSchedule(ValueError):
    """Raised for quiet hours that make no sense. `field` names the part, and the message is for developers."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Window:
    """Quiet hours of some weekdays, from 0 for Monday, in minutes since local midnight.

    A window whose end is not after its start ends on the next day. With the same start and end it lasts a day.
    """

    days: frozenset[int]
    start: int
    end: int

    def __post_init__(self) -> None:
        if not self.days or not self.days <= set(range(DAYS)):
            raise InvalidSchedule("days", "Give at least one day, from 0 for Monday to 6 for Sunday.")
        for name in ("start", "end"):
            if not 0 <= getattr(self, name) < DAY_MINUTES:
                raise InvalidSchedule(name, "A time is between 00:00 and 23:59.")

    def span_on(self, day: date, zone: ZoneInfo) -> Span:
        """Return the window that begins on this day, whatever weekday that is."""
        last = day if self.end > self.start else day + _DAY
        return _first(_at(day, self.start), zone), _last(_at(last, self.end), zone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A person's quiet hours and pause, and the hour and weekday of their digests.

    With `silent`, open pages show no toasts meanwhile.
    """

    zone: str = "UTC"
    windows: tuple[Window, ...] = ()
    silent: bool = True
    paused_until: datetime | None = None
    digest_hour: int = MORNING
    digest_day: int = MONDAY

    def __post_init__(self) -> None:
        if self.zone not in known_zones():
            raise InvalidSchedule("zone", "Give the IANA name of a time zone, such as Europe/Berlin.")
        if len(self.windows) > MOST_WINDOWS:
            raise InvalidSchedule("windows", f"Give at most {MOST_WINDOWS} windows.")
        if self.digest_hour not in range(DAY_HOURS):
            raise InvalidSchedule("digest_hour", "Give an hour from 0 to 23.")
        if self.digest_day not in range(DAYS):
            raise InvalidSchedule("digest_day", "Give a day from 0 for Monday to 6 for Sunday.")

    def quiet_until(self, at: datetime) -> datetime | None:
        """Return when the quiet hours that hold at this time end; None if none do.

        Windows that meet or overlap count as one, and so does a pause. If windows have no end, it is a week away.
        """
        pause = self.paused_until if self.paused_until is not None and at < self.paused_until else None
        # A pause may be longer than windows are looked for, so they are looked for from its end on.
        since = pause or at
        return next((end for start, end in self.spans(since, LOOKED_AHEAD) if start <= since < end), pause)

    def next_digest(self, digest: Digest, at: datetime) -> datetime:
        """Return when the first digest after this time comes. What is wanted at once comes at this time.

        Hourly is when the clock shows a full hour. A daily hour that occurs twice counts the first time.
        """
        zone = ZoneInfo(self.zone)
        if digest is Digest.AT_ONCE:
            return at
        if digest is Digest.HOURLY:
            return _next_full_hour(at, zone)
        return next(moment for moment in self._digests(digest, at, zone) if moment > at)

    def _digests(self, digest: Digest, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        day = at.astimezone(zone).date() - _DAY
        while True:
            if digest is Digest.DAILY or day.weekday() == self.digest_day:
                yield _first(_at(day, self.digest_hour * 60), zone)
            day += _DAY

    def local(self, at: datetime) -> datetime:
        """Return what a clock in the zone shows."""
        return at.astimezone(ZoneInfo(self.zone))

    def spans(self, at: datetime, days: int) -> Iterator[Span]:
        """Yield the quiet hours from this time on, merged and in order. Those that hold already began earlier."""
        ends = at + timedelta(days=days)
        yield from _merged((start, min(end, ends)) for start, end in self._spans(at, ends) if end > at)

    def _spans(self, at: datetime, ends: datetime) -> Iterator[Span]:
        if self.paused_until is not None:
            yield datetime.min.replace(tzinfo=UTC), self.paused_until
        if not self.windows:
            return
        zone = ZoneInfo(self.zone)
        # A window of two days ago may last until now, where a zone has skipped a whole day.
        day, last = at.astimezone(zone).date() - 2 * _DAY, ends.astimezone(zone).date()
        while day <= last:
            yield from (one.span_on(day, zone) for one in self.windows if day.weekday() in one.days)
            day += _DAY

    def as_json(self) -> dict[str, Any]:
        return {
            "zone": self.zone,
            "windows": [{"days": sorted(one.days), "start": one.start, "end": one.end} for one in self.windows],
            "silent": self.silent,
            "paused_until": self.paused_until and self.paused_until.astimezone(UTC).isoformat(),
            "digest_hour": self.digest_hour,
            "digest_day": self.digest_day,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Schedule:
        """Return a stored schedule. Raise `ValueError`, `TypeError` or `KeyError` if it is invalid."""
        windows = (Window(frozenset(one["days"]), one["start"], one["end"]) for one in stored["windows"])
        until = stored["paused_until"]
        return cls(
            zone=stored["zone"],
            windows=tuple(windows),
            silent=stored["silent"],
            paused_until=datetime.fromisoformat(until) if until else None,
            digest_hour=stored.get("digest_hour", MORNING),
            digest_day=stored.get("digest_day", MONDAY),
        )


@cache
def known_zones() -> frozenset[str]:
    """Return the names of the time zones that this server knows."""
    return frozenset(available_timezones() | {"UTC"})


def moment_of(local: datetime, zone: str) -> datetime:
    """Return in UTC when a clock in a zone last shows this time, or skips it."""
    return _last(local, ZoneInfo(zone))


def _at(day: date, minutes: int) -> datetime:
    return datetime.combine(day, time(*divmod(minutes, 60)))


def _first(local: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock first shows this time, or skips it."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return moment if _shown(moment, zone) == local else _skip(local, zone)


def _last(local: datetime, zone: ZoneInfo) -> datetime:
    """Return when the clock last shows this time, or skips it."""
    moment = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return moment if _shown(moment, zone) == local else _skip(local, zone)


def _next_full_hour(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the next minute in which the clock shows a full hour. Half an hour may be skipped or repeated."""
    minute = at.astimezone(UTC).replace(second=0, microsecond=0)
    while True:
        minute += timedelta(minutes=1)
        if minute.astimezone(zone).minute == 0:
            return minute


def _shown(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _skip(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the second at which the clock skips a time. The offsets before and after give bounds for it."""
    before, after = (local.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (before, middle) if _shown(middle, zone) > local else (middle, after)
    return after


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    yield from found
