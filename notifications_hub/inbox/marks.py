"""Mark a person's own notifications: read, seen, archived, saved or snoozed. Confirm those that must be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import accumulate, pairwise

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
from notifications_hub.notification_queryset import ARCHIVED, IN_INBOX, SNOOZED, UNCONFIRMED
from notifications_hub.streams.models import IDS_IN_AN_EVENT
from notifications_hub.users import Person, person_key

UNDO_SECONDS = 3600
"""How long a mark can be undone."""
UNDO_IDS = 1000
"""The most rows that a token names. It names them only for marks that leave no time in the row to find it by."""

_UNDO_SALT = "notifications_hub.inbox.undo"


class Mark(StrEnum):
    READ = "read"
    UNREAD = "unread"
    SEEN = "seen"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    ACKNOWLEDGE = "acknowledge"
    SAVE = "save"
    UNSAVE = "unsave"
    SNOOZE = "snooze"


class Show(StrEnum):
    """A list of the inbox."""

    ALL = "all"
    UNREAD = "unread"
    SAVED = "saved"
    SNOOZED = "snoozed"
    ARCHIVED = "archived"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class When:
    """The time of a mark. A snooze also has an end."""

    at: datetime
    until: datetime | None = None

    @property
    def end(self) -> datetime:
        if self.until is None:
            raise ValueError("a snooze needs the time when it ends")
        return self.until


Change = Callable[[InboxQuerySet, When], int]

_LISTS = {
    Show.ALL: IN_INBOX,
    Show.UNREAD: IN_INBOX & Q(unread=True),
    Show.SAVED: Q(saved_at__isnull=False),
    Show.SNOOZED: SNOOZED,
    Show.ARCHIVED: ARCHIVED,
    Show.UNCONFIRMED: IN_INBOX & UNCONFIRMED,
}


@dataclass(frozen=True, slots=True)
class _Mark:
    """A change: `todo` selects the rows that need it, `scope` those that "all" means. `disarms` cancels deliveries.

    `done` selects the rows that are still as the mark left them, and `undo` restores these. `stamp` is the column that
    keeps the time of the mark, if there is one. Without, a token for the undo names the rows.
    """

    todo: Q
    change: Change
    scope: Q = IN_INBOX
    disarms: ReasonCode | None = None
    stamp: str = ""
    done: Q = field(default_factory=Q)
    undo: Change | None = None

    def left(self, done: Done) -> Q:
        return Q(**{self.stamp: done.at}) if self.stamp else self.done & Q(pk__in=done.pks)


_MARKS = {
    Mark.READ: _Mark(
        Q(unread=True),
        lambda rows, when: rows.mark_all_as_read(at=when.at),
        disarms=ReasonCode.READ,
        stamp="read_at",
        undo=lambda rows, when: rows.undo_read(when.at),
    ),
    Mark.UNREAD: _Mark(
        Q(unread=False),
        lambda rows, when: rows.mark_all_as_unread(),
        done=Q(unread=True),
        undo=lambda rows, when: rows.mark_all_as_read(),
    ),
    Mark.SEEN: _Mark(Q(unread=True, seen_at=None), lambda rows, when: rows.mark_all_as_seen()),
    Mark.ARCHIVE: _Mark(
        (IN_INBOX | SNOOZED) & ~UNCONFIRMED,
        lambda rows, when: rows.archive(at=when.at),
        disarms=ReasonCode.ARCHIVED,
        stamp="archived_at",
        undo=lambda rows, when: rows.undo_archive(when.at),
    ),
    Mark.UNARCHIVE: _Mark(
        ~IN_INBOX,
        lambda rows, when: rows.unarchive(),
        scope=ARCHIVED,
        done=IN_INBOX,
        undo=lambda rows, when: rows.archive(),
    ),
    # Announcements that have ended are not among the rows that a mark finds, so nobody can confirm these any more.
    Mark.ACKNOWLEDGE: _Mark(UNCONFIRMED, lambda rows, when: rows.acknowledge(at=when.at), disarms=ReasonCode.READ),
    Mark.SAVE: _Mark(
        Q(saved_at=None),
        lambda rows, when: rows.save_for_later(at=when.at),
        stamp="saved_at",
        undo=lambda rows, when: rows.undo_save(when.at),
    ),
    Mark.UNSAVE: _Mark(
        Q(saved_at__isnull=False),
        lambda rows, when: rows.unsave(),
        scope=Q(saved_at__isnull=False),
        done=Q(saved_at=None),
        undo=lambda rows, when: rows.save_for_later(),
    ),
    Mark.SNOOZE: _Mark(
        (IN_INBOX | SNOOZED) & ~UNCONFIRMED,
        lambda rows, when: rows.snooze(when.end, at=when.at),
        disarms=ReasonCode.SNOOZED,
        stamp="archived_at",
        undo=lambda rows, when: rows.undo_archive(when.at),
    ),
}


class CannotUndo(Exception):
    """Raised for an undo token that is invalid, expired or another person's."""


@dataclass(frozen=True, slots=True)
class Marked:
    """The result of a mark. `undo` is None if nothing changed, or if nothing undoes it."""

    changed: int
    undo: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """A mark that an undo token names: what it did, when, and to how many.

    `pks` are the rows, for a mark without a stamp. `snoozed` are those that were snoozed before, with the time.
    """

    action: Mark
    at: datetime
    changed: int
    pks: Sequence[int] = ()
    snoozed: Mapping[int, datetime] = field(default_factory=dict)

    def token(self, person: Person) -> str:
        # Differences are short, and alike: they make the token small.
        steps = [later - first for first, later in pairwise([0, *self.pks])]
        until = {str(pk): at.isoformat() for pk, at in self.snoozed.items()}
        signed = [self.action, person_key(person.pk), self.at.isoformat(), self.changed, steps, until]
        return signing.dumps(signed, salt=_UNDO_SALT, compress=True)


def mark(
    person: Person, action: Mark, ids: Iterable[str], until: datetime | None = None, *, groups: bool = False
) -> Marked:
    """Mark these ids, all with one time. An id of another person changes nothing. A snooze needs `until`.

    With `groups`, mark the unread ones of their groups too, but none that is newer: nobody has seen it there.
    """
    named = _named(person, ids)
    return _apply(person, [named, *(_groups_of(person, named) if groups else [])], action, until)


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


def mark_all(
    person: Person,
    action: Mark,
    scope: str | None = None,
    kinds: Collection[str] | None = None,
    *,
    show: Show | None = None,
    until: datetime | None = None,
) -> Marked:
    """Mark a whole list, all with one time: the inbox, or what the mark takes away.

    With a `scope`, only that, and with `kinds`, only these. `show` names another list.
    """
    personal_rows.make_rows(person)
    lists = [*own_lists(person, scope), announced_rows(person, personal_rows.running_for(person))]
    which = _MARKS[action].scope if show is None else _LISTS[show]
    which = which if kinds is None else which & Q(kind__in=sorted(kinds))
    return _apply(person, [rows.filter(which) for rows in lists], action, until)


def undo(person: Person, token: str) -> int:
    """Undo a mark, where no later change has replaced it. Return how many changed. Raise `CannotUndo`.

    Only what the mark changed is restored: what was read stays seen, and deliveries stay cancelled. The rows are found
    by their time in an index, or by the ids in the token, so an undo costs what it changes.
    """
    done = read_token(person, token)
    mark = _MARKS[done.action]
    if mark.undo is None:
        raise CannotUndo
    rows = inbox_of(person, personal_rows.running_for(person)).filter(mark.left(done))
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    with transaction.atomic():
        changed = _snooze_again(mark, done, pks)
        others = [pk for pk in pks if pk not in done.snoozed]
        for some in chunks(others, IDS_IN_AN_EVENT):
            changed += mark.undo(Notification.objects.filter(pk__in=some), When(done.at))
        return changed


def _snooze_again(mark: _Mark, done: Done, pks: Collection[int]) -> int:
    """Give back their time to those that were snoozed before the mark."""
    by_time: dict[datetime, list[int]] = defaultdict(list)
    for pk in pks:
        if pk in done.snoozed:
            by_time[done.snoozed[pk]].append(pk)
    left = Notification.objects.filter(mark.left(done))
    return sum(left.filter(pk__in=some).snooze_again(until) for until, some in by_time.items())


def read_token(person: Person, token: str) -> Done:
    """Return the mark that the token undoes. Raise `CannotUndo`."""
    try:
        action, owner, at, changed, steps, until = signing.loads(token, salt=_UNDO_SALT, max_age=UNDO_SECONDS)
    except (signing.BadSignature, ValueError):
        raise CannotUndo from None
    if owner != person_key(person.pk):
        raise CannotUndo
    snoozed = {int(pk): datetime.fromisoformat(moment) for pk, moment in until.items()}
    return Done(Mark(action), datetime.fromisoformat(at), changed, tuple(accumulate(steps)), snoozed)


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


def _apply(person: Person, lists: Iterable[InboxQuerySet], action: Mark, until: datetime | None = None) -> Marked:
    mark, when = _MARKS[action], When(datetime.now(UTC), until)
    found = [rows.filter(mark.todo).order_by().values_list("pk", "snoozed_until") for rows in lists]
    before = dict(sorted(one for rows in found for one in rows))
    with transaction.atomic():
        changed = sum(_apply_to(some, mark, when) for some in chunks(before, IDS_IN_AN_EVENT))
    return Marked(changed, _token(person, action, when, changed, before))


def _token(person: Person, action: Mark, when: When, changed: int, before: Mapping[int, datetime | None]) -> str | None:
    """Return the token that undoes a mark, or None if nothing does."""
    mark = _MARKS[action]
    pks = () if mark.stamp else tuple(before)
    snoozed = {} if action in (Mark.READ, Mark.UNREAD, Mark.SAVE, Mark.UNSAVE) else _snoozed(before)
    # Another request has changed some of them meanwhile, so the token cannot name those that this mark changed.
    is_shared = bool(pks) and changed != len(pks)
    if not changed or mark.undo is None or is_shared or len(pks) > UNDO_IDS or len(snoozed) > UNDO_IDS:
        return None
    return Done(action, when.at, changed, pks, snoozed).token(person)


def _snoozed(before: Mapping[int, datetime | None]) -> dict[int, datetime]:
    return {pk: until for pk, until in before.items() if until is not None}


def _apply_to(pks: Collection[int], mark: _Mark, when: When) -> int:
    changed = mark.change(Notification.objects.filter(pk__in=pks), when)
    if mark.disarms:
        # After the mark: every writer locks notifications before deliveries.
        arming.disarm(pks, DeliveryReason(mark.disarms))
    return changed
