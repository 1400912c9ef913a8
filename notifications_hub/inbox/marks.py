"""Mark a person's own notifications as read, unread, seen or archived, and confirm those that must be."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from django.core import signing
from django.db.models import Q

from notifications_hub.announcements import personal_rows
from notifications_hub.confirmations import reminding
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.delivery import arming
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.grouping.members import members, older_than
from notifications_hub.inbox.queries import ITEM_ID, announced_rows, inbox_of, own_lists, own_rows
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.notification_queryset import UNCONFIRMED
from notifications_hub.streams.models import IDS_IN_AN_EVENT
from notifications_hub.users import Person, person_key

UNDO_SECONDS = 3600
"""How long a mark can be undone."""

_UNDO_SALT = "notifications_hub.inbox.undo"


class Mark(StrEnum):
    READ = "read"
    UNREAD = "unread"
    SEEN = "seen"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    ACKNOWLEDGE = "acknowledge"


Change = Callable[[InboxQuerySet, datetime], int]

_INBOX = Q(archived_at=None)
_ARCHIVE = Q(archived_at__isnull=False)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A change: `todo` selects the rows that need it, `scope` those that "all" means. `disarms` cancels deliveries.

    `stamp` is the column that keeps the time of the mark, and `undo` restores the rows that carry it.
    """

    todo: Q
    change: Change
    scope: Q = _INBOX
    disarms: ReasonCode | None = None
    stamp: str = ""
    undo: Change | None = None


_MARKS = {
    Mark.READ: _Mark(
        Q(unread=True),
        lambda rows, at: rows.mark_all_as_read(at=at),
        disarms=ReasonCode.READ,
        stamp="read_at",
        undo=InboxQuerySet.undo_read,
    ),
    Mark.UNREAD: _Mark(Q(unread=False), lambda rows, at: rows.mark_all_as_unread()),
    Mark.SEEN: _Mark(Q(unread=True, seen_at=None), lambda rows, at: rows.mark_all_as_seen()),
    Mark.ARCHIVE: _Mark(
        _INBOX & ~UNCONFIRMED,
        lambda rows, at: rows.archive(at=at),
        disarms=ReasonCode.ARCHIVED,
        stamp="archived_at",
        undo=InboxQuerySet.undo_archive,
    ),
    Mark.UNARCHIVE: _Mark(_ARCHIVE, lambda rows, at: rows.unarchive(), scope=_ARCHIVE),
    # Announcements that have ended are not among the rows that a mark finds, so nobody can confirm these any more.
    Mark.ACKNOWLEDGE: _Mark(UNCONFIRMED, lambda rows, at: rows.acknowledge(at=at), disarms=ReasonCode.READ),
}


class CannotUndo(Exception):
    """Raised for an undo token that is invalid, expired or another person's."""


@dataclass(frozen=True, slots=True)
class Marked:
    """The result of a mark. `undo` is None if nothing changed, or if the mark keeps no time to undo it by."""

    changed: int
    undo: str | None = None

    @classmethod
    def of(cls, person: Person, action: Mark, changed: int, at: datetime) -> Self:
        if not changed or _MARKS[action].undo is None:
            return cls(changed)
        signed = [action, person_key(person.pk), at.isoformat(), changed]
        return cls(changed, signing.dumps(signed, salt=_UNDO_SALT))


@dataclass(frozen=True, slots=True)
class Done:
    """A mark that an undo token names: what it did, when, and to how many."""

    action: Mark
    at: datetime
    changed: int


def mark(person: Person, action: Mark, ids: Iterable[str], *, groups: bool = False) -> Marked:
    """Mark these ids, all with one time. An id of another person changes nothing.

    With `groups`, mark the unread ones of their groups too, but none that is newer: nobody has seen it there.
    """
    named = _named(person, ids)
    return _apply(person, [named, *(_groups_of(person, named) if groups else [])], action)


def _groups_of(person: Person, named: InboxQuerySet) -> list[InboxQuerySet]:
    grouped = named.filter(group_key__isnull=False, unread=True, archived_at=None)
    keys = list(grouped.order_by().values_list("group_key", "timestamp", "pk"))
    return [members(own_rows(person), str(key)).filter(older_than(at, pk)) for key, at, pk in keys]


def acknowledge(person: Person, ids: Iterable[str]) -> int:
    """Confirm these of a person's notifications, which also reads them. Return how many were not confirmed before.

    Waiting deliveries are cancelled, and every open page hears of it. Nothing undoes it.
    """
    with transaction.atomic():
        # A person's row of an announcement is made with it.
        known = list(ids)
        changed = mark(person, Mark.ACKNOWLEDGE, known).changed
        if changed:
            reminding.end(person, *_parse(known))
        return changed


def mark_all(person: Person, action: Mark, scope: str | None = None, kinds: Collection[str] | None = None) -> Marked:
    """Mark the whole inbox, or the whole archive for "unarchive", all with one time.

    With a `scope`, only that, and with `kinds`, only these.
    """
    personal_rows.make_rows(person)
    lists = [*own_lists(person, scope), announced_rows(person, personal_rows.running_for(person))]
    which = _MARKS[action].scope if kinds is None else _MARKS[action].scope & Q(kind__in=sorted(kinds))
    return _apply(person, [rows.filter(which) for rows in lists], action)


def undo(person: Person, token: str) -> int:
    """Undo a mark, where no later change has replaced it. Return how many changed. Raise `CannotUndo`.

    Only what the mark changed is restored: what was read stays seen, and deliveries stay cancelled. The rows are found
    by their time in `hub_read` or `hub_archived`, so an undo costs what it changes.
    """
    done = read_token(person, token)
    mark = _MARKS[done.action]
    if mark.undo is None:
        raise CannotUndo
    rows = inbox_of(person, personal_rows.running_for(person)).filter(**{mark.stamp: done.at})
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    with transaction.atomic():
        return sum(
            mark.undo(Notification.objects.filter(pk__in=some), done.at) for some in chunks(pks, IDS_IN_AN_EVENT)
        )


def read_token(person: Person, token: str) -> Done:
    """Return the mark that the token undoes. Raise `CannotUndo`."""
    try:
        action, owner, at, changed = signing.loads(token, salt=_UNDO_SALT, max_age=UNDO_SECONDS)
    except signing.BadSignature:
        raise CannotUndo from None
    if owner != person_key(person.pk):
        raise CannotUndo
    return Done(Mark(action), datetime.fromisoformat(at), changed)


def shown(person: Person, ids: Iterable[str]) -> int:
    """Mark as delivered what an open page showed while earlier ones still wait there. Return how many changed."""
    undelivered = _named(person, ids).filter(delivered_at=None, toast=True)
    pks = list(undelivered.order_by().values_list("pk", flat=True))
    return len(arming.mark_delivered(pks, DeliveryMethod.LIVE)) if pks else 0


def _named(person: Person, ids: Iterable[str]) -> InboxQuerySet:
    """Return the person's notifications with these ids."""
    rows, announcements = _parse(ids)
    running = personal_rows.running_for(person)
    if announcements:
        personal_rows.make_rows(person)
    wanted = Q(pk__in=rows, announcement=None) | Q(announcement__in=announcements)
    return inbox_of(person, running).filter(wanted)


def _parse(ids: Iterable[str]) -> tuple[set[int], set[int]]:
    """Return the primary keys of rows and of announcements."""
    rows: set[int] = set()
    announcements: set[int] = set()
    for match in filter(None, map(ITEM_ID.fullmatch, ids)):
        (announcements if match[1] else rows).add(int(match[2]))
    return rows, announcements


def _apply(person: Person, lists: Iterable[InboxQuerySet], action: Mark) -> Marked:
    mark, now = _MARKS[action], datetime.now(UTC)
    found = [rows.filter(mark.todo).order_by().values_list("pk", flat=True) for rows in lists]
    pks = sorted({pk for pks in found for pk in pks})
    with transaction.atomic():
        changed = sum(_apply_to(some, mark, now) for some in chunks(pks, IDS_IN_AN_EVENT))
    return Marked.of(person, action, changed, now)


def _apply_to(pks: Collection[int], mark: _Mark, now: datetime) -> int:
    changed = mark.change(Notification.objects.filter(pk__in=pks), now)
    if mark.disarms:
        # After the mark: every writer locks notifications before deliveries.
        arming.disarm(pks, DeliveryReason(mark.disarms))
    return changed
