"""The steps of an escalation, as a kind declares them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any

UNSENDABLE = frozenset({"live", "flash"})
"""Delivery methods that wait for a page of the person, so nothing can be sent by them."""


@dataclass(frozen=True, slots=True)
class After:
    """A step of `Kind.escalate`: what is done if the notification is still unread after a time.

    With `method`, the person gets it by that delivery method, even if another one has delivered it. With `to`, other
    people are notified. It is called with the notification, and returns a person, people, a group or None. They see the
    words of the notification, so `to` must choose people who may. Their notification is of the kind `escalation`, or of
    the kind that `kind` names. Raise `ValueError` or `TypeError` for a step that cannot work.
    """

    time: timedelta = timedelta()
    """The time since the notification. Hours, minutes and seconds are added to it."""
    _: KW_ONLY
    hours: float = 0
    minutes: float = 0
    seconds: float = 0
    method: str = ""
    to: Callable[[Any], object] | None = None
    kind: str = ""

    def __post_init__(self) -> None:
        if self.delay <= timedelta():
            raise ValueError("After(): give a time above zero, like hours=1 or timedelta(hours=1).")
        if bool(self.method) == (self.to is not None):
            raise ValueError('After(): give either a method, like method="email", or people, like to=team_lead.')
        if self.method in UNSENDABLE:
            raise ValueError(f"After(): nothing can be sent by {str(self.method)!r}. Name a transport, like 'email'.")
        if self.to is not None and not callable(self.to):
            raise TypeError(f"After(): `to` must be a function that takes the notification, not {self.to!r}.")
        if self.kind and self.to is None:
            raise ValueError("After(): `kind` is that of the other people's notification, so it needs `to`.")

    @property
    def delay(self) -> timedelta:
        """The time since the notification, in all."""
        if not isinstance(self.time, timedelta):
            raise TypeError(f"After(): the time must be a timedelta, not {self.time!r}. Or write hours={self.time!r}.")
        return self.time + timedelta(hours=self.hours, minutes=self.minutes, seconds=self.seconds)
