"""Places in a person's inbox: the ends of pages, and items that a page begins at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from django.db.models import Q

from notifications_hub.notification import Notification

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE_MARK = re.compile(r"(-?\d{1,18})\.(\d{1,18})", re.ASCII)


class BadPageMark(ValueError):
    """Raised for a `before` or `after` that is not the `next` or `previous` of a page."""


@dataclass(frozen=True, slots=True)
class PageMark:
    """The end of a page, by time and id. Notifications that arrive later do not move it."""

    timestamp: datetime
    pk: int

    @classmethod
    def of(cls, row: Notification) -> PageMark:
        return cls(row.timestamp, row.pk)

    @classmethod
    def parse(cls, text: str) -> PageMark:
        """Return the mark. Raise `BadPageMark` if the text is invalid."""
        match = _PAGE_MARK.fullmatch(text)
        try:
            if match is None:
                raise ValueError(text)
            return cls(_EPOCH + int(match[1]) * _MICROSECOND, int(match[2]))
        except (ValueError, OverflowError):
            raise BadPageMark(
                "`before` must be the `next` of an earlier page, and `after` the `previous` of a later one."
            ) from None

    def __str__(self) -> str:
        return f"{(self.timestamp - _EPOCH) // _MICROSECOND}.{self.pk}"

    def not_older(self) -> Q:
        return Q(timestamp__gte=self.timestamp) & (
            Q(timestamp__gt=self.timestamp) | Q(timestamp=self.timestamp, pk__gte=self.pk)
        )

    def not_newer(self) -> Q:
        # The first condition adds nothing to the second, but the index can start from it. So in the next ones.
        return Q(timestamp__lte=self.timestamp) & (
            Q(timestamp__lt=self.timestamp) | Q(timestamp=self.timestamp, pk__lte=self.pk)
        )

    def older(self) -> Q:
        return Q(timestamp__lte=self.timestamp) & (
            Q(timestamp__lt=self.timestamp) | Q(timestamp=self.timestamp, pk__lt=self.pk)
        )

    def newer(self) -> Q:
        return Q(timestamp__gte=self.timestamp) & (
            Q(timestamp__gt=self.timestamp) | Q(timestamp=self.timestamp, pk__gt=self.pk)
        )


Side = Literal["at", "before", "after"]


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list. A page begins `at` its mark, or goes on from there: `before` it, or `after` it in time."""

    mark: PageMark
    side: Side

    @property
    def beyond(self) -> Q:
        sides = {"at": self.mark.not_newer, "before": self.mark.older, "after": self.mark.newer}
        return sides[self.side]()
