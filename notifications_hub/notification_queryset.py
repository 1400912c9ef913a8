"""All changes of notifications, each in one transaction with the event that updates open pages.

The package's querysets make plain updates; these keep its names and arguments. A host's own `queryset.update()` is as
plain as Django's: it sends no event.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Coalesce
from django.dispatch import Signal
from notifications.base.models import NotificationQuerySet

from notifications_hub import streams
from notifications_hub.actions.results import load_results
from notifications_hub.announcements.results import tallies
from notifications_hub.announcements.results.models import What
from notifications_hub.announcements.results.tallies import Before
from notifications_hub.avatars import load_avatars
from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import PrimaryManager
from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.escalation.cancelling import cancel_steps, escalates
from notifications_hub.extension import joins
from notifications_hub.message import Item, localized_for, timestamp
from notifications_hub.signals import (
    notification_acknowledged,
    notification_delivered,
    notification_read,
    send_after_commit,
)
from notifications_hub.streams import NewEvent, inbox_topic, item_key
from notifications_hub.streams.models import IDS_IN_AN_EVENT, id_events

if TYPE_CHECKING:
    from notifications_hub.notification import Notification

DELETED = "notification.deleted"
_ITEM = "notification"


UNCONFIRMED = models.Q(must_acknowledge=True, acknowledged_at=None)
"""Rows that a person has yet to confirm. They stay in the inbox, on top."""

IN_INBOX = models.Q(archived_at=None)
SNOOZED = models.Q(snoozed_until__isnull=False)
"""A snoozed row has `archived_at` too, so that every list, count and flash leaves it out."""
ARCHIVED = models.Q(archived_at__isnull=False, snoozed_until=None)

_ENDING = ("kind", "must_acknowledge", "acknowledged_at")
"""Columns that decide whether an escalation ends."""
_LISTED: dict[str, Any] = {"deleted": False}
_ANY = models.Q()
Owned = tuple[int, Any, int | None]
SendSignal = Callable[[Sequence[Owned]], None]
Count = Callable[[Sequence[Before]], None]


class InboxQuerySet(NotificationQuerySet["Notification"]):
    """Notifications with conditional changes. A row that is already in the wanted state causes no event."""

    def visible(self) -> Self:
        return self.filter(deleted=False)

    def unread(self, include_deleted: bool = False) -> Self:
        return self.filter(unread=True) if include_deleted else self.visible().filter(unread=True)

    def read(self, include_deleted: bool = False) -> Self:
        return self.filter(unread=False) if include_deleted else self.visible().filter(unread=False)

    def deleted(self) -> Self:
        return self.filter(deleted=True)

    def active(self) -> Self:
        return self.visible()

    def for_items(self) -> Self:
        """Load with each row all that its words and item need."""
        return self.select_related("announcement", *joins()).prefetch_related("announcement__translations")

    def mark_all_as_read(self, recipient: models.Model | None = None, *, at: datetime | None = None) -> int:
        now = at or _now()
        # A read notification counts as seen, as on pages. If it is then marked as unread, it must not count as new.
        seen_at = Coalesce("seen_at", models.Value(now))
        was, send = _LISTED | {"unread": True}, partial(_send_signal, notification_read, self.model, at=now)
        values: dict[str, Any] = {"unread": False, "read_at": now, "seen_at": seen_at}
        count = partial(tallies.tally_reads, at=now)
        rows = self._of(recipient)
        return len(rows._changed("notification.read", was, send, count, ends=(ReasonCode.READ, now), **values))

    def mark_all_as_unread(self, recipient: models.Model | None = None) -> int:
        was = _LISTED | {"unread": False}
        return self._of(recipient)._unread_again(was)

    def mark_all_as_seen(self) -> int:
        now = _now()
        count = partial(tallies.tally, What.SEEN, at=now)
        return len(self._changed("notification.seen", _LISTED | {"seen_at": None}, count=count, seen_at=now))

    def mark_as_clicked(self) -> int:
        """Record that the person opened its link, at the first time. Pages do not show it, so there is no event."""
        with transaction.atomic():
            found = self._before({"clicked_at": None})
            now = _now()
            self._set(found.ids, clicked_at=now)
            tallies.tally(What.CLICKED, found.announced, now)
            return len(found.ids)

    def undo_read(self, at: datetime) -> int:
        """Mark as unread what was read at exactly that time. It stays seen. What was confirmed since stays read."""
        was = _LISTED | {"unread": False, "read_at": at}
        return self.exclude(acknowledged_at__gte=at)._unread_again(was)

    def acknowledge(self, *, at: datetime | None = None) -> int:
        """Record that people confirmed what they must, which also reads it. Log an event with each whole item."""
        now = at or _now()
        with transaction.atomic():
            was = _LISTED | {"must_acknowledge": True, "acknowledged_at": None}
            rows = list(self._locked(was).values_list(*_Found.COLUMNS, "unread"))
            found = _Found(rows)
            ids = found.ids
            first = {name: Coalesce(name, models.Value(now)) for name in ("read_at", "seen_at")}
            self._set(ids, acknowledged_at=now, unread=False, **first)
            for some in chunks(found.ended_by(ReasonCode.CONFIRMED), IDS_IN_AN_EVENT):
                cancel_steps(some, ReasonCode.CONFIRMED, now)
            emit_items("notification.updated", self._whole(ids))
            self._count_acknowledged(rows, now)
            return len(ids)

    def _count_acknowledged(self, rows: Sequence[tuple[Any, ...]], at: datetime) -> None:
        """Send the signals and tally announcements for rows as they were before they were confirmed."""
        _send_signal(notification_acknowledged, self.model, [row[:3] for row in rows], at=at)
        unread = [row for row in rows if row[-1]]
        _send_signal(notification_read, self.model, [row[:3] for row in unread], at=at)
        if announced := [Before(*row[2:5]) for row in rows if row[2]]:
            tallies.tally(What.CONFIRMED, announced, at)
            tallies.tally_reads((Before(*row[2:5]) for row in unread if row[2]), at)

    def archive(self, *, at: datetime | None = None) -> int:
        """Move to the archive, but for what has yet to be confirmed. What is snoozed will not come back."""
        now = at or _now()
        rows, ends = self.exclude(UNCONFIRMED), (ReasonCode.ARCHIVED, now)
        values: dict[str, Any] = {"archived_at": now, "snoozed_until": None}
        return len(rows._changed("notification.archived", _LISTED, only=IN_INBOX | SNOOZED, ends=ends, **values))

    def unarchive(self) -> int:
        """Move back to the inbox what is archived or snoozed, as it was."""
        return self._restore(_LISTED | {"archived_at__isnull": False}, archived_at=None, snoozed_until=None)

    def undo_archive(self, at: datetime) -> int:
        """Move back to the inbox what was archived, or snoozed, at exactly that time."""
        return self._restore(_LISTED | {"archived_at": at}, archived_at=None, snoozed_until=None)

    def snooze(self, until: datetime, *, at: datetime | None = None) -> int:
        """Take out of the inbox until then, but for what has yet to be confirmed. What is archived stays there."""
        return self.exclude(UNCONFIRMED)._snooze(until, at or _now(), IN_INBOX | SNOOZED)

    def snooze_again(self, until: datetime) -> int:
        """Snooze what was snoozed until then, before a change that is undone."""
        return self._snooze(until, _now(), _ANY)

    def save_for_later(self, *, at: datetime | None = None) -> int:
        return self._restore(_LISTED | {"saved_at": None}, saved_at=at or _now())

    def unsave(self) -> int:
        return self._restore(_LISTED | {"saved_at__isnull": False}, saved_at=None)

    def undo_save(self, at: datetime) -> int:
        """Unsave what was saved at exactly that time."""
        return self._restore(_LISTED | {"saved_at": at}, saved_at=None)

    def _snooze(self, until: datetime, now: datetime, only: models.Q) -> int:
        values: dict[str, Any] = {"archived_at": now, "snoozed_until": until}
        more = {"snoozed_until": timestamp(until)}
        ends = (ReasonCode.SNOOZED, now)
        return len(self._changed("notification.archived", _LISTED, only=only, ends=ends, more=more, **values))

    def mark_all_as_deleted(self, recipient: models.Model | None = None) -> int:
        ends = (ReasonCode.DELETED, _now())
        return len(self._of(recipient)._changed(DELETED, _LISTED, ends=ends, deleted=True))

    def mark_all_as_active(self, recipient: models.Model | None = None) -> int:
        return self._of(recipient)._restore({"deleted": True}, deleted=False)

    def mark_as_delivered(self, method: str) -> list[int]:
        """Record which delivery method reached the person first. Return the ids that were not delivered before."""
        method, now = str(method), _now()
        send = partial(_send_signal, notification_delivered, self.model, method=method, at=now)
        values: dict[str, Any] = {"delivered_at": now, "delivered_by": method}
        count = partial(tallies.tally_delivered, method=method, at=now)
        return self._changed("notification.delivered", {"delivered_at": None}, send, count, **values)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Delete the rows, locked in order first. As for cascades, signals log the events: `notification_removal`."""
        by_model: Counter[str] = Counter()
        with transaction.atomic():
            for rows in self._rows([pk for pk, _, _ in self.owned()]):
                by_model.update(super(InboxQuerySet, rows).delete()[1])
        return by_model.total(), dict(by_model)

    # As in Django: a manager must not offer to delete everything.
    delete.queryset_only = True  # type: ignore[attr-defined]

    def owned(self, **was: Any) -> list[Owned]:
        """Lock the rows, and return the columns that an event needs."""
        return list(self._locked(was).values_list("pk", "recipient_id", "announcement_id"))

    def _of(self, recipient: models.Model | None) -> Self:
        return self.filter(recipient=recipient) if recipient is not None else self

    def _unread_again(self, was: Mapping[str, Any]) -> int:
        count = tallies.take_back_reads
        return len(self._changed("notification.unread", was, count=count, unread=True, read_at=None))

    def _changed(
        self,
        event: str,
        was: Mapping[str, Any],
        send: SendSignal | None = None,
        count: Count | None = None,
        *,
        only: models.Q = _ANY,
        ends: tuple[ReasonCode, datetime] | None = None,
        more: Mapping[str, str] | None = None,
        **values: Any,
    ) -> list[int]:
        """Change the rows that match `was` and `only`, log the event and send the signal. Return their ids.

        `count` tallies those of announcements. `ends` is why and when an escalation ends. The event also says `more`.
        """
        with transaction.atomic():
            found = self._before(was, only)
            self._set(found.ids, **values)
            if ends:
                for some in chunks(found.ended_by(ends[0]), IDS_IN_AN_EVENT):
                    cancel_steps(some, *ends)
            emit_ids(event, found.owned, more)
            if send:
                send(found.owned)
            if count and found.announced:
                count(found.announced)
            return found.ids

    def _before(self, was: Mapping[str, Any], only: models.Q = _ANY) -> _Found:
        """Lock the rows that match, and return them as they are before the change."""
        return _Found(list(self._locked(was, only).values_list(*_Found.COLUMNS)))

    def _restore(self, was: Mapping[str, Any], **values: Any) -> int:
        """Change rows, such as those that pages do not show. Log an event with each whole item. Return their number."""
        with transaction.atomic():
            ids = list(self._locked(was).values_list("pk", flat=True))
            self._set(ids, **values)
            emit_items("notification.updated", self._whole(ids))
            return len(ids)

    def _locked(self, was: Mapping[str, Any], only: models.Q = _ANY) -> InboxQuerySet:
        # Locked in ascending id, so that two of these cannot deadlock. PostgreSQL checks the condition again after
        # waiting for a row, so the second one finds nothing to change. A subquery, as DISTINCT rows cannot be locked.
        wanted = self.order_by().filter(only, **was).values("pk")
        rows: InboxQuerySet = self.model._default_manager.filter(only, pk__in=wanted, **was)
        return rows.order_by("pk").select_for_update(no_key=True)

    def _set(self, ids: Sequence[int], **values: Any) -> None:
        for rows in self._rows(ids):
            rows.update(**values)

    def _rows(self, ids: Sequence[int]) -> Iterator[InboxQuerySet]:
        for some in chunks(ids, IDS_IN_AN_EVENT):
            yield self.model._default_manager.filter(pk__in=some)

    def _whole(self, ids: Sequence[int]) -> InboxQuerySet:
        rows: InboxQuerySet = self.model._default_manager.filter(pk__in=ids).order_by("pk")
        return rows.select_related("recipient").for_items()


@dataclass(frozen=True, slots=True)
class _Found:
    """Locked rows, as they are before a change."""

    COLUMNS: ClassVar = ("pk", "recipient_id", "announcement_id", "seen_at", "read_at", *_ENDING)

    rows: Sequence[tuple[Any, ...]]

    @property
    def ids(self) -> list[int]:
        return [row[0] for row in self.rows]

    @property
    def owned(self) -> list[Owned]:
        return [row[:3] for row in self.rows]

    @property
    def announced(self) -> list[Before]:
        return [Before(*row[2:5]) for row in self.rows if row[2]]

    def ended_by(self, code: ReasonCode) -> list[int]:
        """Return the ids of those whose escalation ends. What must be confirmed goes on until it is, or is deleted."""
        escalating = {kind for kind in {row[5] for row in self.rows} if escalates(kind)}
        if not escalating:
            return []
        whole = code in (ReasonCode.CONFIRMED, ReasonCode.DELETED)
        found = ((row[0], row[5], row[6] and row[7] is None) for row in self.rows)
        return [pk for pk, kind, unconfirmed in found if kind in escalating and (whole or not unconfirmed)]


InboxManager = PrimaryManager.from_queryset(InboxQuerySet)


def item_id(pk: int, announcement_pk: int | None) -> str:
    """Return the id that clients use. An announcement has one id, before and after a person's row of it exists."""
    return str(pk) if announcement_pk is None else f"a{announcement_pk}"


_SHORT_BODY = 1000
"""Characters of a body in an event that is too large for the whole item."""


def emit_items(event: str, notifications: Iterable[Notification], *, rewrites: bool = False) -> None:
    """Log one event per notification, with the whole item, in the recipient's language.

    With `rewrites`, the item also replaces the one in its earlier events.
    """
    notifications = list(notifications)
    load_results(notifications)
    load_avatars(notifications)
    streams.append_many(_item_event(event, row, item, rewrites=rewrites) for row, item in _rendered(notifications))


def _item_event(event: str, row: Notification, item: Item, *, rewrites: bool) -> NewEvent:
    key, whole = item_key(_ITEM, row.item_id), item.as_json()
    # A new one that is too large is refused. A later change must not fail, whatever its item has gained meanwhile.
    smaller = None if event == "notification.created" else {**whole, "data": {}, "body": whole["body"][:_SHORT_BODY]}
    erases = [key] if rewrites else ()
    return NewEvent(inbox_topic(row.recipient_id), event, whole, item=key, erases=erases, smaller=smaller)


def emit_ids(event: str, owned: Iterable[Owned], more: Mapping[str, str] | None = None) -> None:
    """Log which ids changed: exactly those, so that a page can update the items it holds. `more` is said of them all.

    For deleted notifications, also erase their data from earlier events.
    """
    ids: dict[Any, list[str]] = defaultdict(list)
    for pk, person, announcement in owned:
        ids[person].append(item_id(pk, announcement))
    erases = _ITEM if event == DELETED else ""
    streams.append_many(
        one
        for person, theirs in ids.items()
        for one in id_events(inbox_topic(person), event, theirs, erases=erases, more=more)
    )


def _send_signal(signal: Signal, sender: type[models.Model], owned: Sequence[Owned], **arguments: Any) -> None:
    if owned and signal.has_listeners(sender):
        recipients = {pk: person for pk, person, _announcement in owned}
        send_after_commit(signal, sender, recipients=recipients, **arguments)


def _rendered(notifications: Iterable[Notification]) -> Iterator[tuple[Notification, Item]]:
    for row in notifications:
        with localized_for(row.recipient):
            yield row, row.item()


def _now() -> datetime:
    return datetime.now(UTC)
