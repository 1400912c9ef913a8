"""The routes of the API for digests: how often emails of each kind come, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field, JsonValue

from notifications_hub.database import transaction
from notifications_hub.delivery.digest_choices import digest_of, digests_by_kind
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.inbox.digest_form import digested_kinds
from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.kinds import Digest, UnknownKind
from notifications_hub.quiet_hours.digests import save_digests
from notifications_hub.quiet_hours.schedules import default_schedule, save_schedule, schedule_of
from notifications_hub.users import Person

router = Router(tags=["digests"])

_PROBLEMS = {(400, 401, 403, 429): Problem}
_EXAMPLE: dict[str, JsonValue] = {"zone": "Europe/Berlin", "hour": 8, "day": 0, "kinds": {"comment.reply": "daily"}}


class DigestsGiven(Schema):
    """The times of digests, and how often they come by kind. What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _EXAMPLE})

    zone: str | None = Field(
        None, max_length=100, description="The IANA name of a time zone. Quiet hours have the same one."
    )
    hour: int | None = Field(None, ge=0, le=23, description="Local hour of daily and weekly digests.")
    day: int | None = Field(None, ge=0, le=6, description="Day of weekly digests, from 0 for Monday.")
    kinds: dict[str, Digest | None] = Field(
        default_factory=dict, max_length=1000, description="How often, by the name of a kind. Null: the kind's default."
    )


class DigestsShown(Schema):
    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    zone: str
    hour: int
    day: int
    kinds: dict[str, Digest] = Field(description="How often, by the name of each kind that emails come for.")


@router.get("", response={200: DigestsShown, (401, 429): Problem}, url_name="digests", summary="Get digests")
def get_digests(request: HttpRequest) -> dict[str, Any]:
    """Return how often emails of each kind come, and when digests are sent."""
    return _shown(person_of(request))


@router.patch("", response={200: DigestsShown, **_PROBLEMS}, url_name="digests", summary="Change digests")
def change_digests(request: HttpRequest, given: DigestsGiven) -> dict[str, Any]:
    """Change digests. What waits moves to the next one."""
    person = person_of(request)
    before = schedule_of(person) or default_schedule(person)
    try:
        schedule = replace(
            before,
            zone=given.zone or before.zone,
            digest_hour=before.digest_hour if given.hour is None else given.hour,
            digest_day=before.digest_day if given.day is None else given.day,
        )
        with transaction.atomic():
            save_digests(person, given.kinds)
            if schedule != before:
                save_schedule(person, schedule)
    except (UnknownKind, ValueError) as error:
        raise HttpError(400, str(error)) from None
    wake_worker(1.0)
    return _shown(person)


def _shown(person: Person) -> dict[str, Any]:
    schedule = schedule_of(person) or default_schedule(person)
    chosen = digests_by_kind(person.pk)
    return {
        "zone": schedule.zone,
        "hour": schedule.digest_hour,
        "day": schedule.digest_day,
        "kinds": {kind.name: digest_of(kind, chosen.get(kind.name)) for kind in digested_kinds(person)},
    }
