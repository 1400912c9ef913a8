"""The changes that a person makes themselves, by a page, the API, a push or a link in an email."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from notifications_hub.following.followed import Followed, FollowError
from notifications_hub.following.follows import (
    Standing,
    follow_key,
    mute_key,
    standing_of,
    unfollow_key,
    unmute_key,
)

LONGEST_MUTE = timedelta(days=366)


class FollowRefused(FollowError):
    """Raised when a person may not follow a thing, or when it is gone. A person cannot distinguish the two."""


class Change(StrEnum):
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"
    MUTE = "mute"
    UNMUTE = "unmute"


def make(person: Any, followed: Followed, change: Change, until: datetime | None = None) -> Standing:
    """Make the change, and return how things are then. Raise `FollowRefused`, or `ValueError` for a wrong time.

    To end something needs no right. To begin needs what the host declares for the thing.
    """
    match change:
        case Change.FOLLOW:
            _require_right(person, followed)
            follow_key(person, followed)
        case Change.UNFOLLOW:
            unfollow_key(person, followed)
        case Change.MUTE:
            mute_key(person, followed, _valid(until))
        case Change.UNMUTE:
            unmute_key(person, followed)
    return standing_of(person, followed)


def _require_right(person: Any, followed: Followed) -> None:
    obj, declared = followed.load(), followed.declaration
    if obj is None or declared is None or not declared.allows(person, obj):
        raise FollowRefused(_("You can't follow this."))


def _valid(until: datetime | None) -> datetime | None:
    if until is None:
        return None
    now = datetime.now(UTC)
    if not now < until <= now + LONGEST_MUTE:
        raise ValueError(_("Give a time in the future, within a year."))
    return until
