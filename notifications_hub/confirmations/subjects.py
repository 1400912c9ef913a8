"""Subjects of confirmations: an announcement, the notifications of a kind, or those of one call of `notify.send()`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import models

from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.notification_queryset import UNCONFIRMED

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_KEY = re.compile(r"announcement\.(\d{1,18})|kind\.(.+)|call\.(-?\d{1,18})\.(.+)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Subject:
    """An announcement, or a kind. With `sent_at`, only what one call sent: all its rows have this timestamp."""

    announcement: int | None = None
    kind: str = ""
    sent_at: datetime | None = None

    @property
    def key(self) -> str:
        if self.announcement is not None:
            return f"announcement.{self.announcement}"
        return f"kind.{self.kind}" if self.sent_at is None else f"call.{microseconds(self.sent_at)}.{self.kind}"

    @classmethod
    def parse(cls, key: str) -> Subject:
        """Return the subject of a stored key. Raise `ValueError` if it is invalid."""
        match = _KEY.fullmatch(key)
        if match is None:
            raise ValueError(key)
        announcement, kind, sent_at, its_kind = match.groups()
        if announcement:
            return cls(announcement=int(announcement))
        return cls(kind=kind) if kind else cls(kind=its_kind, sent_at=moment_of(sent_at))

    def unconfirmed(self) -> InboxQuerySet:
        """Return the rows that people have yet to confirm. Of an announcement, people may have none yet."""
        rows = Notification.objects.visible().filter(UNCONFIRMED, announcement=self.announcement)
        if self.announcement is not None:
            return rows
        rows = rows.filter(kind=self.kind)
        return rows if self.sent_at is None else rows.filter(timestamp=self.sent_at)


def microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def moment_of(text: str) -> datetime:
    """Return the moment of so many microseconds. Raise `ValueError` if there is none."""
    try:
        return _EPOCH + int(text) * _MICROSECOND
    except OverflowError:
        raise ValueError(text) from None


def newest_first(rows: InboxQuerySet) -> InboxQuerySet:
    """Return the rows of a kind in the order of their index."""
    return rows.order_by("acknowledged_at", "-timestamp", "-pk")


def older(sent_at: datetime, pk: int) -> models.Q:
    """Return the condition for rows that follow this one in that order."""
    # The first condition adds nothing to the second, but the index can start from it.
    return models.Q(timestamp__lte=sent_at) & (models.Q(timestamp__lt=sent_at) | models.Q(timestamp=sent_at, pk__lt=pk))
