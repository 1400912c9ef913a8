"""Read pages and counts of a person's inbox.

Every query starts from `recipient`, so it can return no other person's row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Count, Q

from notifications_hub.announcements import announce
from notifications_hub.announcements.models import AnnouncementQuerySet
from notifications_hub.message import Item
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.users import Person

PAGE = 20

ITEM_ID = re.compile(r"(a?)([1-9]\d{0,17})", re.ASCII)
"""The id of a notification. An announcement's id starts with an a."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE_MARK = re.compile(r"(-?\d{1,18})\.(\d{1,18})", re.ASCII)


class BadPageMark(ValueError):
    """Raised for a `before` that is not the `next` of a page."""


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
            raise BadPageMark("`before` must be the `next` of an earlier page.") from None

    def __str__(self) -> str:
        return f"{(self.timestamp - _EPOCH) // _MICROSECOND}.{self.pk}"

    def older(self) -> Q:
        # The first condition adds nothing to the second, but the index can start from it.
        return Q(timestamp__lte=self.timestamp) & (
            Q(timestamp__lt=self.timestamp) | Q(timestamp=self.timestamp, pk__lt=self.pk)
        )


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of rows. `next` is the `before` of the following page, or None on the last."""

    rows: list[Notification]
    next: str | None

    @property
    def items(self) -> list[Item]:
        """Return the rows as items, in the active language."""
        return [row.item() for row in self.rows]


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts without archived notifications. `unseen` ones are unread and were never seen in the bell."""

    unread: int
    unseen: int


def inbox_of(person: Person, running: AnnouncementQuerySet) -> InboxQuerySet:
    """Return a person's rows, archived or not. Announcements that no longer run for them are left out."""
    own = Notification.objects.visible().filter(recipient=person)
    return own.filter(Q(announcement=None) | Q(announcement__in=running))


def items(
    person: Person,
    *,
    unread: bool | None = None,
    kind: str | None = None,
    archived: bool = False,
    before: str | None = None,
    limit: int = PAGE,
) -> InboxPage:
    """Return a page, newest first. Raise `BadPageMark`.

    Rows that the person lacks for running announcements are created, without an event.
    """
    mark = PageMark.parse(before) if before else None
    running = announce.running_for(person)
    announce.make_rows(person)
    rows = inbox_of(person, running).filter(archived_at__isnull=not archived)
    if unread is not None:
        rows = rows.filter(unread=unread)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if mark is not None:
        rows = rows.filter(mark.older())
    return _page(rows, limit)


def _page(rows: InboxQuerySet, limit: int) -> InboxPage:
    whole = rows.select_related("announcement").prefetch_related("announcement__translations")
    found = list(whole.order_by("-timestamp", "-pk")[: limit + 1])
    shown = found[:limit]
    return InboxPage(shown, str(PageMark.of(shown[-1])) if len(found) > limit else None)


def find(person: Person, wanted: str) -> Notification | None:
    """Return the notification with this API id, or None if it is missing or another person's."""
    match = ITEM_ID.fullmatch(wanted)
    if match is None:
        return None
    running = announce.running_for(person)
    if match[1]:
        announce.make_rows(person)
    which = Q(announcement=int(match[2])) if match[1] else Q(pk=int(match[2]), announcement=None)
    rows = inbox_of(person, running).select_related("recipient", "announcement")
    return rows.filter(which).prefetch_related("announcement__translations").first()


def counts(person: Person) -> Counts:
    """Count without writing: a running announcement counts before the person has a row for it."""
    running = announce.running_for(person)
    rows = inbox_of(person, running).filter(unread=True, archived_at=None)
    found = rows.aggregate(unread=Count("pk"), unseen=Count("pk", filter=Q(seen_at=None)))
    new = sum(one.is_running for one in announce.without_row(person))
    return Counts(unread=found["unread"] + new, unseen=found["unseen"] + new)
