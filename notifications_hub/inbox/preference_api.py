"""The routes of the API for a person's preferences: what they can choose, why not, and changes of one or many."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field, JsonValue

from notifications_hub.inbox import email_form
from notifications_hub.inbox.preference_changes import Refused, Wanted, save
from notifications_hub.inbox.preference_columns import Column, State, addresses_of
from notifications_hub.inbox.preference_table import Group, Row, Table, Whole, preference_table, reason_in
from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.kinds import Digest

router = Router(tags=["preferences"])

MOST_AT_ONCE = 1000
"""The most kinds of one change."""

_CHANGE: dict[str, JsonValue] = {
    "all": {"email": False},
    "groups": {"Conversations": {"web_push": True}},
    "kinds": {"comment.reply": {"methods": {"email": True}}, "chat.mention": {"reset": True}},
}
_SHOWN: dict[str, JsonValue] = {
    "methods": [
        {
            "name": "email",
            "label": "Email",
            "state": "stopped",
            "why": "We stopped sending emails to alice@example.com. The address does not exist.",
            "problem": "",
            "address": "alice@example.com",
            "all": "mixed",
        }
    ],
    "groups": [
        {
            "name": "Conversations",
            "label": "Conversations",
            "methods": {"email": "on"},
            "kinds": [
                {
                    "name": "comment.reply",
                    "label": "Replies",
                    "description": "When somebody answers you.",
                    "locked_because": "",
                    "chosen": True,
                    "methods": [{"name": "email", "on": True, "default": True, "locked_because": ""}],
                    "digest": "daily",
                }
            ],
        }
    ],
}


class MethodColumn(Schema):
    """A delivery method, as it is for this person."""

    name: str
    label: str
    state: State = Field(description="What it needs before its switches have an effect; `ready` if nothing.")
    why: str = Field(description="The same in words; empty if nothing.")
    problem: str = Field(description="Why the last push failed; empty if it did not.")
    address: str = Field(description="The address that gets emails, or empty.")
    all: Whole = Field(description="The state of all kinds together.")


class KindMethod(Schema):
    name: str
    on: bool
    default: bool = Field(description="Whether it is on for people who have not chosen.")
    locked_because: str = Field(description="Why it cannot be changed; empty if it can.")


class KindRow(Schema):
    name: str
    label: str
    description: str
    locked_because: str = Field(description="Why nothing of it can be changed; empty if something can.")
    chosen: bool = Field(description="Whether the person has chosen. `reset` follows the defaults again.")
    methods: list[KindMethod]
    digest: Digest | None = Field(description="How often emails of it come; null on a site without digests.")


class KindGroup(Schema):
    name: str = Field(description="Names the group in a change. Empty for kinds without a group.")
    label: str = Field(description="Its heading, in the person's language.")
    methods: dict[str, Whole] = Field(description="The state of its kinds together, by delivery method.")
    kinds: list[KindRow]


class PreferencesShown(Schema):
    model_config = ConfigDict(json_schema_extra={"example": _SHOWN})

    methods: list[MethodColumn]
    groups: list[KindGroup]


class EmailResumed(Schema):
    resumed: bool = Field(description="False if the address was not stopped.", examples=[True])


class KindChange(Schema):
    model_config = ConfigDict(extra="forbid")

    methods: dict[str, bool] = Field(default_factory=dict, description="Delivery methods, each to be on or off.")
    digest: Digest | None = Field(None, description="How often emails of it come.")
    reset: bool = Field(False, description="Follow the defaults of the site again. `methods` come after that.")


class PreferencesChange(Schema):
    """A change of one or many. A kind wins over its group, and a group over `all`. What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": _CHANGE})

    all: dict[str, bool] = Field(
        default_factory=dict, description="Delivery methods for every kind. Off also holds for kinds to come."
    )
    groups: dict[str, dict[str, bool]] = Field(default_factory=dict, description="The same for groups, by `name`.")
    kinds: dict[str, KindChange] = Field(default_factory=dict, max_length=MOST_AT_ONCE)
    zone: str = Field(
        "", max_length=100, description="The browser's time zone. A person who has stored none gets digests by it."
    )


@router.get(
    "", response={200: PreferencesShown, (401, 429): Problem}, url_name="preferences", summary="Get preferences"
)
def get_preferences(request: HttpRequest) -> dict[str, Any]:
    """Return the kinds in their groups, the delivery methods of each, and why some cannot be changed."""
    return _shown(request)


@router.patch(
    "",
    response={200: PreferencesShown, (400, 401, 403, 429): Problem},
    url_name="preferences",
    summary="Change preferences",
)
def change_preferences(request: HttpRequest, given: PreferencesChange) -> dict[str, Any]:
    """Change what is given, and return all preferences. An error names the remedy, and nothing is changed then.

    A switch for `all` or for a group leaves what is locked as it is.
    """
    wanted = Wanted(
        everything=given.all,
        groups=given.groups,
        kinds={name: one.methods for name, one in given.kinds.items()},
        reset=[name for name, one in given.kinds.items() if one.reset],
        digests={name: one.digest for name, one in given.kinds.items() if one.digest},
        zone=given.zone,
    )
    try:
        save(person_of(request), wanted)
    except Refused as refused:
        raise HttpError(400, str(refused)) from None
    return _shown(request)


@router.post(
    "resume-email/",
    response={200: EmailResumed, (401, 403, 429): Problem},
    url_name="resume_email",
    summary="Resume emails",
)
def resume_email(request: HttpRequest) -> dict[str, bool]:
    """Send emails to the person's own address again, after it was stopped for bounces or a complaint."""
    return {"resumed": email_form.resume(person_of(request))}


def _shown(request: HttpRequest) -> dict[str, Any]:
    table = preference_table(addresses_of(person_of(request)))
    return {
        "methods": [_column(column, table) for column in table.columns],
        "groups": [_group(group, table) for group in table.groups],
    }


def _column(column: Column, table: Table) -> dict[str, Any]:
    names = ("name", "label", "state", "why", "problem", "address")
    [whole] = [one.state for one in table.switches if one.name == column.name]
    return {**{name: getattr(column, name) for name in names}, "all": whole}


def _group(group: Group, table: Table) -> dict[str, Any]:
    return {
        "name": group.name,
        "label": group.label,
        "methods": {one.name: one.state for one in group.switches},
        "kinds": [_kind(row, table) for row in group.rows],
    }


def _kind(row: Row, table: Table) -> dict[str, Any]:
    names = ("name", "label", "description", "locked_because", "chosen", "digest")
    methods = [
        {
            "name": one.name,
            "on": one.checked,
            "default": one.name in row.defaults,
            "locked_because": reason_in(row, one, table.columns),
        }
        for one in row.methods
    ]
    return {**{name: getattr(row, name) for name in names}, "methods": methods}
