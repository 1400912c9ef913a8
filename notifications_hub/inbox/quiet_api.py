"""The routes of the API for a person's quiet hours and pause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from notifications_hub.inbox.quiet_form import clock, minutes, paused, store
from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.quiet_hours.calendar import MOST_WINDOWS, InvalidSchedule, Schedule, Window
from notifications_hub.quiet_hours.schedules import default_schedule, schedule_of
from notifications_hub.users import Person

router = Router(tags=["quiet hours"])

_PROBLEMS = {(400, 401, 403, 429): Problem}
_EXAMPLE: dict[str, JsonValue] = {
    "zone": "Europe/Berlin",
    "windows": [{"days": [0, 1, 2, 3, 4], "start": "22:00", "end": "07:00"}],
    "silent": True,
}


class QuietWindow(Schema):
    model_config = ConfigDict(extra="forbid")

    days: list[int] = Field(min_length=1, max_length=7, description="Days on which it begins, from 0 for Monday.")
    start: str = Field(pattern=r"^\d\d:\d\d$", examples=["22:00"], description="Local time.")
    end: str = Field(
        pattern=r"^\d\d:\d\d$", examples=["07:00"], description="On the next day, unless it is after the start."
    )


class QuietHoursGiven(Schema):
    """A person's quiet hours, as a whole. The pause stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    zone: str = Field(max_length=100, description="The IANA name of a time zone.")
    windows: list[QuietWindow] = Field(max_length=MOST_WINDOWS)
    silent: bool = Field(True, description="Whether open pages show no toasts meanwhile.")


class QuietHoursShown(Schema):
    zone: str = Field(examples=["Europe/Berlin"])
    windows: list[QuietWindow]
    silent: bool
    paused_until: datetime | None = Field(description="The end of the pause; null without one.")
    quiet_until: datetime | None = Field(description="The end of what holds now, quiet hours or a pause; else null.")


class Pause(Schema):
    model_config = ConfigDict(extra="forbid")

    until: AwareDatetime | None = Field(description="A time within a year, with its offset. Null ends the pause.")


@router.get("", response={200: QuietHoursShown, (401, 429): Problem}, url_name="quiet_hours", summary="Get quiet hours")
def get_quiet_hours(request: HttpRequest) -> dict[str, Any]:
    """Return the weekly quiet hours and the pause. Without any, the windows are empty."""
    return _shown(_schedule(person_of(request)))


@router.put("", response={200: QuietHoursShown, **_PROBLEMS}, url_name="quiet_hours", summary="Set quiet hours")
def set_quiet_hours(request: HttpRequest, given: QuietHoursGiven) -> dict[str, Any]:
    """Replace the quiet hours. What waits is looked at again."""
    before = _schedule(person_of(request))
    try:
        windows = tuple(Window(frozenset(one.days), minutes(one.start), minutes(one.end)) for one in given.windows)
        schedule = replace(before, zone=given.zone, windows=windows, silent=given.silent)
    except ValueError as error:
        raise HttpError(400, str(error)) from None
    return _stored(request, schedule)


@router.post("pause/", response={200: QuietHoursShown, **_PROBLEMS}, url_name="quiet_pause", summary="Pause everything")
def pause_notifications(request: HttpRequest, given: Pause) -> dict[str, Any]:
    """Hold back everything until a time, as quiet hours do, or end the pause."""
    try:
        schedule = paused(_schedule(person_of(request)), given.until and given.until.astimezone(UTC))
    except InvalidSchedule as error:
        raise HttpError(400, str(error)) from None
    return _stored(request, schedule)


def _schedule(person: Person) -> Schedule:
    return schedule_of(person) or default_schedule(person)


def _stored(request: HttpRequest, schedule: Schedule) -> dict[str, Any]:
    store(person_of(request), schedule)
    return _shown(schedule)


def _shown(schedule: Schedule) -> dict[str, Any]:
    now = timezone.now()
    until = schedule.paused_until
    return {
        "zone": schedule.zone,
        "windows": [
            {"days": sorted(one.days), "start": clock(one.start), "end": clock(one.end)} for one in schedule.windows
        ],
        "silent": schedule.silent,
        "paused_until": until if until and until > now else None,
        "quiet_until": schedule.quiet_until(now),
    }
