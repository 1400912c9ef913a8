"""Mark a person's own notifications as read, unread, seen or archived."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from notifications_hub.announcements import announce
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.delivery import arming
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.inbox.queries import ITEM_ID, inbox_of
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.streams.models import IDS_IN_AN_EVENT
from notifications_hub.users import Person


class Mark(StrEnum):
    READ = "read"
    UNREAD = "unread"
    SEEN = "seen"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"


_INBOX = Q(archived_at=None)
_ARCHIVE = Q(archived_at__isnull=False)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A change: `todo` selects the rows that need it, `scope` those that "all" means. `disarms` cancels deliveries."""

    todo: Q
    change: Callable[[InboxQuerySet], int]
    scope: Q = _INBOX
    disarms: ReasonCode | None = None


_MARKS = {
    Mark.READ: _Mark(Q(unread=True), InboxQuerySet.mark_all_as_read, disarms=ReasonCode.READ),
    Mark.UNREAD: _Mark(Q(unread=False), InboxQuerySet.mark_all_as_unread),
    Mark.SEEN: _Mark(Q(seen_at=None), InboxQuerySet.mark_all_as_seen),
    Mark.ARCHIVE: _Mark(_INBOX, InboxQuerySet.archive, disarms=ReasonCode.ARCHIVED),
    Mark.UNARCHIVE: _Mark(_ARCHIVE, InboxQuerySet.unarchive, scope=_ARCHIVE),
}


def mark(person: Person, action: Mark, ids: Iterable[str]) -> int:
    """Mark these ids, and return how many changed. An id of another person changes nothing."""
    rows, announcements = _parse(ids)
    running = announce.running_for(person)
    if announcements:
        announce.make_rows(person, running)
    wanted = Q(pk__in=rows, announcement=None) | Q(announcement__in=announcements)
    return _apply(inbox_of(person, running).filter(wanted), _MARKS[action])


def mark_all(person: Person, action: Mark) -> int:
    """Mark the whole inbox, or the whole archive for "unarchive". Return how many changed."""
    running = announce.running_for(person)
    announce.make_rows(person, running)
    return _apply(inbox_of(person, running).filter(_MARKS[action].scope), _MARKS[action])


def _parse(ids: Iterable[str]) -> tuple[set[int], set[int]]:
    """Return the primary keys of rows and of announcements."""
    rows: set[int] = set()
    announcements: set[int] = set()
    for match in filter(None, map(ITEM_ID.fullmatch, ids)):
        (announcements if match[1] else rows).add(int(match[2]))
    return rows, announcements


def _apply(rows: InboxQuerySet, mark: _Mark) -> int:
    pks = list(rows.filter(mark.todo).order_by("pk").values_list("pk", flat=True))
    with transaction.atomic():
        return sum(_apply_to(some, mark) for some in chunks(pks, IDS_IN_AN_EVENT))


def _apply_to(pks: Collection[int], mark: _Mark) -> int:
    changed = mark.change(Notification.objects.filter(pk__in=pks))
    if mark.disarms:
        # After the mark: every writer locks notifications before deliveries.
        arming.disarm(pks, DeliveryReason(mark.disarms))
    return changed
