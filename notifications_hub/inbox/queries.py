"""A person's inbox: a page of it, and its counts.

Everything starts from `recipient`, so no row of somebody else can come along.
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
"""Of an announcement after an a, of any other notification alone."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLACE = re.compile(r"(-?\d{1,18})\.(\d{1,18})", re.ASCII)


class BadPlace(ValueError):
    """A `before` that no page of this server gave as its `next`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends. By time and id, so what arrives meanwhile moves nothing."""

    timestamp: datetime
    pk: int

    @classmethod
    def of(cls, row: Notification) -> Place:
        return cls(row.timestamp, row.pk)

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises `BadPlace`."""
        match = _PLACE.fullmatch(text)
        try:
            if match is None:
                raise ValueError(text)
            return cls(_EPOCH + int(match[1]) * _MICROSECOND, int(match[2]))
        except (ValueError, OverflowError):
            raise BadPlace("Give as before what a page gave as its next.") from None

    def __str__(self) -> str:
        return f"{(self.timestamp - _EPOCH) // _MICROSECOND}.{self.pk}"

    def older(self) -> Q:
        # The first condition says nothing more than the second; it is the one that the index can start from.
        return Q(timestamp__lte=self.timestamp) & (
            Q(timestamp__lt=self.timestamp) | Q(timestamp=self.timestamp, pk__lt=self.pk)
        )


@dataclass(frozen=True, slots=True)
class InboxPage:
    """`next` is the `before` of the page after it; None on the last."""

    rows: list[Notification]
    next: str | None

    @property
    def items(self) -> list[Item]:
        """In the active language."""
        return [row.item() for row in self.rows]


@dataclass(frozen=True, slots=True)
class Counts:
    """What is archived is in neither; `unseen` is unread and never looked at."""

    unread: int
    unseen: int


def inbox_of(person: Person, running: AnnouncementQuerySet) -> InboxQuerySet:
    """What a person has, archived or not, without announcements that are over, taken back or not for them any more."""
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
    """A page, newest first. Makes the person's rows for running announcements, silently. Raises `BadPlace`."""
    place = Place.parse(before) if before else None
    running = announce.of_person(person)
    announce.make_rows(person, running)
    rows = inbox_of(person, running).filter(archived_at__isnull=not archived)
    if unread is not None:
        rows = rows.filter(unread=unread)
    if kind is not None:
        rows = rows.filter(kind=kind)
    if place is not None:
        rows = rows.filter(place.older())
    return _page(rows, limit)


def _page(rows: InboxQuerySet, limit: int) -> InboxPage:
    whole = rows.select_related("announcement").prefetch_related("announcement__translations")
    found = list(whole.order_by("-timestamp", "-pk")[: limit + 1])
    shown = found[:limit]
    return InboxPage(shown, str(Place.of(shown[-1])) if len(found) > limit else None)


def one(person: Person, wanted: str) -> Notification | None:
    """By the id that the API gives. One that is not this person's is like one that does not exist."""
    match = ITEM_ID.fullmatch(wanted)
    if match is None:
        return None
    running = announce.of_person(person)
    if match[1]:
        announce.make_rows(person, running)
    which = Q(announcement=int(match[2])) if match[1] else Q(pk=int(match[2]), announcement=None)
    rows = inbox_of(person, running).select_related("recipient", "announcement")
    return rows.filter(which).prefetch_related("announcement__translations").first()


def counts(person: Person) -> Counts:
    """Computes and never writes: announcements count before they have a row."""
    running = announce.of_person(person)
    rows = inbox_of(person, running).filter(unread=True, archived_at=None)
    found = rows.aggregate(unread=Count("pk"), unseen=Count("pk", filter=Q(seen_at=None)))
    without_row = announce.without_row(person, running).count()
    return Counts(unread=found["unread"] + without_row, unseen=found["unseen"] + without_row)
