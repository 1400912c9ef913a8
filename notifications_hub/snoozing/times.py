"""The times until which a person can snooze: a choice in their own time zone, or a time of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from notifications_hub.message import time_zone_of
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.schedules import schedule_of
from notifications_hub.users import Person

LATER = timedelta(hours=3)
MORNING = time(9)
LONGEST = timedelta(days=366)
_MONDAY = 0


class Choice(StrEnum):
    """A time that pages offer."""

    LATER = "later"
    TOMORROW = "tomorrow"
    MONDAY = "monday"


class BadTime(ValueError):
    """Raised for a time until which nothing can be snoozed. Its text names the remedy, in the active language."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A choice as pages offer it, with the time it means."""

    choice: Choice
    words: str
    at: datetime


def zone_of(person: Person) -> tzinfo:
    """Return the time zone of a person."""
    return zone_in(person, schedule_of(person))


def zone_in(person: Person, schedule: Schedule | None) -> tzinfo:
    """Return the zone of a person's quiet hours, else the one that the site knows of them."""
    return ZoneInfo(schedule.zone) if schedule else time_zone_of(person)


def offers(zone: tzinfo, now: datetime | None = None) -> Sequence[Offer]:
    """Return the choices in their order, as they are in a zone at the moment."""
    words = {Choice.LATER: _("Later today"), Choice.TOMORROW: _("Tomorrow morning"), Choice.MONDAY: _("Next Monday")}
    local = (now or datetime.now(UTC)).astimezone(zone)
    found = [Offer(choice, words[choice], chosen(choice, zone, local)) for choice in Choice]
    # Late in the evening it is no longer today.
    return [
        Offer(one.choice, _("In 3 hours"), one.at)
        if one.choice is Choice.LATER and one.at.date() != local.date()
        else one
        for one in found
    ]


def chosen(choice: Choice, zone: tzinfo, now: datetime | None = None) -> datetime:
    """Return the time that a choice means in a zone."""
    local = (now or datetime.now(UTC)).astimezone(zone)
    if choice is Choice.LATER:
        later = (local.astimezone(UTC) + LATER).astimezone(zone)
        return later.replace(second=0, microsecond=0)
    days = 1 if choice is Choice.TOMORROW else (_MONDAY - local.weekday() - 1) % 7 + 1
    return _morning(local.date() + timedelta(days=days), zone)


def parse(text: str, zone: tzinfo, now: datetime | None = None) -> datetime:
    """Return the time that a choice or an ISO time means. Without an offset, it is one of the zone. Raise `BadTime`."""
    now = now or datetime.now(UTC)
    if text in list(Choice):
        return chosen(Choice(text), zone, now)
    try:
        given = datetime.fromisoformat(text)
        until = given if given.tzinfo is not None else _local(given, zone)
        until = until.astimezone(UTC)
    except BadTime:
        raise
    except (OverflowError, ValueError):
        raise BadTime(_("Give a day and a time.")) from None
    if until <= now:
        raise BadTime(_("Choose a time in the future."))
    if until > now + LONGEST:
        raise BadTime(_("Choose a time within the next year."))
    return until


def _local(given: datetime, zone: tzinfo) -> datetime:
    """Return the moment when clocks of a zone show this time. Of two, when clocks go back, it is the first."""
    moment = given.replace(tzinfo=zone, fold=0)
    if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != given.replace(fold=0):
        words = _("There is no %(time)s on this day in %(zone)s, because clocks go forward. Choose another time.")
        raise BadTime(words % {"time": f"{given:%H:%M}", "zone": zone})
    return moment


def _morning(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, MORNING, tzinfo=zone)
