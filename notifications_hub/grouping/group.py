"""A group as its kind words it: the newest of several unread notifications, their number, and their actors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext, ngettext

MOST = 100
"""A group is counted so far, and its actors are those of its newest so many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotificationGroup:
    """Several unread notifications with one group key, as `Kind.group_title` and `Kind.group_body` get them."""

    newest: Any
    """The newest one. Its `actor_name` reads as `who`, so that the words for one notification also suit a group."""
    count: int
    """The number of notifications, 100 at most."""
    actors: Sequence[str]
    """The different actors, newest first."""
    is_storm: bool = False
    """True if they were gathered because they were too many in a short time."""

    @property
    def who(self) -> str:
        """The actors in words, in the active language: "Bob", "Bob and Ann" or "Bob and 4 others"."""
        return who(self.actors)

    @property
    def number(self) -> str:
        """The count in words: 100 reads as "99+"."""
        return number(self.count)


def who(actors: Sequence[str]) -> str:
    """Return actors in words, in the active language. Without any, it is empty."""
    if len(actors) < 2:
        return "".join(actors)
    if len(actors) == 2:
        return gettext("%(first)s and %(second)s") % {"first": actors[0], "second": actors[1]}
    others = len(actors) - 1
    words = ngettext("%(first)s and %(number)d other", "%(first)s and %(number)d others", others)
    return words % {"first": actors[0], "number": others}


def number(count: int) -> str:
    return "99+" if count >= MOST else str(count)
