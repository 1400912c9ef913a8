"""Follow, unfollow and mute one thing. Each change updates the person's open pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Self

from django.db import models
from django.utils import timezone

from notifications_hub import streams
from notifications_hub.database import transaction
from notifications_hub.following.followed import Followed
from notifications_hub.following.models import FOREVER, Follow, FollowState
from notifications_hub.following.reasons import FOLLOWING, known_reasons
from notifications_hub.message import timestamp
from notifications_hub.streams import NewEvent
from notifications_hub.streams.models import inbox_topic

CHANGED = "following.updated"
"""The event that tells a person's open pages."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The way a person stands to a thing: whether they follow it, why, and until when it is muted."""

    following: bool = False
    reason: str = ""
    muted_until: datetime | None = None

    @classmethod
    def of(cls, row: Follow | None) -> Self:
        if row is None or row.state != FollowState.FOLLOWING:
            return cls()
        is_over = row.muted_until is None or row.muted_until <= datetime.now(UTC)
        return cls(True, row.reason, None if is_over else row.muted_until)

    @property
    def muted(self) -> bool:
        return self.muted_until is not None

    @property
    def ends(self) -> datetime | None:
        """The end of the mute; None if it has none, or if nothing is muted."""
        return None if self.muted_until == FOREVER else self.muted_until

    def as_json(self, followed: Followed) -> dict[str, Any]:
        """Return the JSON of the API and of `following.updated` events."""
        return {
            "object": followed.reference,
            "following": self.following,
            "muted": self.muted,
            "muted_until": timestamp(self.ends) if self.ends else None,
        }


def follow(person: Any, obj: models.Model, *, reason: str = FOLLOWING, automatic: bool = False) -> bool:
    """Let a person follow a row, and end a mute of it. Return whether that changed anything.

    With `automatic` it changes nothing for a person who follows it already, or who decided not to. Raise
    `NotFollowable`, or `ValueError` for a reason that nobody declares. It asks no `may_follow`: the caller decides.
    """
    followed = Followed.of(obj)
    if automatic:
        return bool(follow_automatically([person], followed, reason))
    return follow_key(person, followed, reason=reason)


def unfollow(person: Any, obj: models.Model) -> bool:
    """Let a person follow a row no more, not even automatically. Return whether they followed it."""
    return unfollow_key(person, Followed.of(obj))


def is_following(person: Any, obj: models.Model) -> bool:
    """Return whether a person follows a row, muted or not."""
    return standing_of(person, Followed.of(obj)).following


def mute(person: Any, obj: models.Model, until: datetime | None = None) -> bool:
    """Mute a row that a person follows, until a time or until they unmute it. Return whether they follow it.

    `followers_of` then skips them. What is sent to them alone, such as a mention, still arrives.
    """
    return mute_key(person, Followed.of(obj), until)


def unmute(person: Any, obj: models.Model) -> bool:
    """End a mute. Return whether there was one."""
    return unmute_key(person, Followed.of(obj))


# By the key of a row, which may be gone


def standing_of(person: Any, followed: Followed) -> Standing:
    return Standing.of(Follow.objects.about(followed).filter(person=person).first())


def followed_among(person: Any, things: Collection[str]) -> set[str]:
    """Return those of the things, as text, that a person follows. It takes one query, and none without things."""
    keys: dict[int, list[str]] = defaultdict(list)
    for one in map(Followed.parse, things):
        keys[one.content_type_id].append(one.key)
    if not keys:
        return set()
    wanted = models.Q()
    for content_type, its in keys.items():
        wanted |= models.Q(content_type=content_type, object_key__in=its)
    return {str(row.followed) for row in Follow.objects.filter(wanted, person=person).active()}


def follow_key(person: Any, followed: Followed, *, reason: str = FOLLOWING) -> bool:
    checked(reason)
    with transaction.atomic():
        row, is_new = _locked(person, followed, FollowState.FOLLOWING, reason)
        before = Standing.of(row)
        if not is_new and before.following and not before.muted and row.reason == reason:
            return False
        if not before.following:
            row.since = timezone.now()
        row.state, row.reason, row.muted_until = FollowState.FOLLOWING, reason, None
        _store(person, row)
        return True


def unfollow_key(person: Any, followed: Followed) -> bool:
    with transaction.atomic():
        row, _is_new = _locked(person, followed, FollowState.IGNORED, FOLLOWING)
        if row.state == FollowState.IGNORED:
            return False
        row.state, row.muted_until = FollowState.IGNORED, None
        _store(person, row)
        return True


def mute_key(person: Any, followed: Followed, until: datetime | None) -> bool:
    """Raise `ValueError` for a naive time."""
    if until is not None and timezone.is_naive(until):
        raise ValueError("mute(): give a time with its zone, such as timezone.now() + timedelta(days=7).")
    with transaction.atomic():
        row = _active(person, followed)
        if row is None:
            return False
        row.muted_until = FOREVER if until is None else until.astimezone(UTC)
        _store(person, row)
        return True


def unmute_key(person: Any, followed: Followed) -> bool:
    with transaction.atomic():
        row = _active(person, followed)
        if row is None or row.muted_until is None:
            return False
        row.muted_until = None
        _store(person, row)
        return True


def follow_automatically(people: Sequence[Any], followed: Followed, reason: str) -> list[Any]:
    """Let those people follow it who neither follow it nor decided not to. Return them."""
    checked(reason)
    keys = [person.pk for person in people]
    known = set(Follow.objects.about(followed).filter(person__in=keys).values_list("person", flat=True))
    # In one order, because two transactions that insert the same people in opposite orders would deadlock.
    fresh = sorted((person for person in people if person.pk not in known), key=attrgetter("pk"))
    if not fresh:
        return []
    rows = [
        Follow(person=one, content_type_id=followed.content_type_id, object_key=followed.key, reason=reason)
        for one in fresh
    ]
    with transaction.atomic(savepoint=False):
        # Another transaction may have inserted one since.
        Follow.objects.bulk_create(rows, ignore_conflicts=True)
        data = Standing(True, reason).as_json(followed)
        streams.append_many(NewEvent(inbox_topic(one.pk), CHANGED, data) for one in fresh)
    return fresh


def checked(reason: str) -> str:
    """Return the reason if it is declared. Raise `ValueError`."""
    if reason not in known_reasons():
        known = ", ".join(known_reasons())
        raise ValueError(
            f"Nobody declares the reason {reason!r} (known: {known}). "
            "Declare a FollowReason with that code in the `notifications.py` of an installed app."
        )
    return reason


def _locked(person: Any, followed: Followed, state: FollowState, reason: str) -> tuple[Follow, bool]:
    rows = Follow.objects.select_for_update(no_key=True)
    return rows.get_or_create(
        person=person,
        content_type_id=followed.content_type_id,
        object_key=followed.key,
        defaults={"state": state, "reason": reason},
    )


def _active(person: Any, followed: Followed) -> Follow | None:
    rows = Follow.objects.select_for_update(no_key=True).about(followed).active()
    return rows.filter(person=person).first()


def _store(person: Any, row: Follow) -> None:
    row.save()
    streams.append(inbox_topic(person.pk), CHANGED, Standing.of(row).as_json(row.followed))
