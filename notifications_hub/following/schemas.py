"""The schemas of the API of following, as OpenAPI shows them."""

from __future__ import annotations

from datetime import datetime

from ninja import Schema
from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

_REFERENCE = "Signed by the site: from a follow button, or from the `reason` of a notification."
_A_STANDING: dict[str, JsonValue] = {
    "object": "12.9:rJ7h0mPzKp7bV2",
    "following": True,
    "muted": True,
    "muted_until": "2026-12-01T12:00:00.000000Z",
}
_A_FOLLOWED: dict[str, JsonValue] = {
    **_A_STANDING,
    "type": "Post",
    "name": "Moving plants",
    "url": "/posts/9/",
    "reason": {"code": "commenter", "label": "You commented on it"},
    "since": "2026-11-20T12:00:00Z",
}


class FollowedObject(Schema):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"object": _A_STANDING["object"]}})

    object: str = Field(max_length=400, description=_REFERENCE)


class Mute(FollowedObject):
    until: AwareDatetime | None = Field(
        None, description="A time within a year, with its offset. Null or left out: until the person unmutes it."
    )


class StandingShown(Schema):
    model_config = ConfigDict(json_schema_extra={"example": _A_STANDING})

    object: str = Field(description=_REFERENCE)
    following: bool
    muted: bool
    muted_until: str | None = Field(description="The end of the mute; null if it has none, or if nothing is muted.")


class FollowReasonShown(Schema):
    code: str = Field(examples=["commenter"])
    label: str = Field(examples=["You commented on it"])


class FollowedShown(StandingShown):
    model_config = ConfigDict(json_schema_extra={"example": _A_FOLLOWED})

    type: str = Field(description="What it is, in words.")
    name: str
    url: str = Field(description="A path of this site, or an empty text.")
    reason: FollowReasonShown
    since: datetime


class FollowingShown(Schema):
    results: list[FollowedShown] = Field(description="The latest first, 20 at most.")
    next: str | None = Field(
        description="Pass it as `before` to get the next page; null on the last page.", examples=["41"]
    )
