"""The choices of a person and a site in the model: kinds, delivery methods, digests, and hours of quiet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from zoneinfo import ZoneInfo

PAGES = timedelta(seconds=30)
"""The time that open pages have to show a notification (`ACK_WINDOW`)."""
EMAIL = timedelta(minutes=10)
DAY = timedelta(days=1)

PHONE, SMS, EMAILS = "web_push", "sms", "email"
SENT = (PHONE, SMS, EMAILS)
"""The methods that are sent to an address. A phone reports what it showed; the others count once they are accepted."""
LIVE, FLASH = "live", "flash"
AT_ONCE, HOURLY, DAILY, WEEKLY = DIGESTS = ("at_once", "hourly", "daily", "weekly")
"""How often emails of a kind come."""
QUIET, DIGEST = "quiet", "digest"


@dataclass(frozen=True, repr=False)
class KindOf:
    """The properties of a kind that the model needs."""

    name: str
    methods: frozenset[str]
    delays: Mapping[str, float] = field(default_factory=dict)
    is_critical: bool = False
    ttl: timedelta | None = None
    digest: str = AT_ONCE

    def __repr__(self) -> str:
        return self.name

    @property
    def locked(self) -> frozenset[str]:
        return self.methods & {SMS}

    def delay(self, method: str) -> timedelta:
        return timedelta(seconds=self.delays[method]) if method in self.delays else EMAIL if method == EMAILS else PAGES


@dataclass(frozen=True)
class Nights:
    """Hours of quiet on some days, from a whole hour to a whole hour, a pause, and the hour and day of digests."""

    zone: str = "UTC"
    days: frozenset[int] = frozenset()
    start: int = 22
    end: int = 7
    silent: bool = True
    paused_until: datetime | None = None
    digest_hour: int = 8
    digest_day: int = 0

    def until(self, at: datetime) -> datetime | None:
        """Return when the quiet that holds now ends: where one window meets the next, the last one's end."""
        end = at
        last = max(at, self.paused_until or at) + 8 * DAY
        while later := max((ends for starts, ends in self._spans(end) if starts <= end < ends), default=None):
            end = later
            if end >= last:
                return last
        return end if end > at else None

    def next_digest(self, digest: str, at: datetime) -> datetime:
        """Return when the next digest comes: when the clock shows a full hour, or the chosen one for the first time."""
        zone = ZoneInfo(self.zone)
        if digest == HOURLY:
            minutes = (at.replace(second=0) + timedelta(minutes=number) for number in count(1))
            return next(one for one in minutes if one.astimezone(zone).minute == 0)
        today = at.astimezone(zone).date()
        days = (today + number * DAY for number in range(-1, 9))
        wanted = (day for day in days if digest == DAILY or day.weekday() == self.digest_day)
        return next(moment for day in wanted if (moment := self._at(day, self.digest_hour, 0)) > at)

    def _spans(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        if self.paused_until is not None:
            yield datetime.min.replace(tzinfo=UTC), self.paused_until
        today = at.astimezone(ZoneInfo(self.zone)).date()
        for day in (today - DAY, today, today + DAY):
            if day.weekday() in self.days:
                last = day if self.end > self.start else day + DAY
                # A time that occurs twice begins a window at once, and ends it at last. One that is skipped is the
                # moment of the skip.
                yield self._at(day, self.start, 0), max(self._at(last, self.end, fold) for fold in (0, 1))

    def _at(self, day: date, hour: int, fold: int) -> datetime:
        return datetime.combine(day, time(hour, fold=fold), ZoneInfo(self.zone)).astimezone(UTC)
