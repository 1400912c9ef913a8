"""The rows that a page of an inbox lists, and their order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from notifications_hub.grouping.members import members
from notifications_hub.inbox.places import PageMark, Place
from notifications_hub.notification import InboxQuerySet
from notifications_hub.notification_queryset import ARCHIVED, IN_INBOX, SNOOZED, UNCONFIRMED

PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQuery:
    """One page of a list, newest first. With a `scope`, it has only what belongs to it, or to every scope.

    With `unconfirmed`, it has only what the person has yet to confirm. With `saved`, it has what they saved, wherever
    it is. With `snoozed`, it has what comes back later, which no other list has. The newest of a group stands for its
    unread ones, except with `group`, which lists those of one key, without `grouped`, and `at` one of them.

    A page by kinds, of read rows only, of unread ones put aside, or of a scope's archive may have fewer than `limit`
    rows although more follow: see `queries.SCANNED`.
    """

    unread: bool | None = None
    kinds: Collection[str] | None = None
    archived: bool = False
    place: Place | None = None
    unconfirmed: bool = False
    saved: bool = False
    snoozed: bool = False
    limit: int = PAGE
    scope: str | None = None
    group: str | None = None
    grouped: bool = True

    @property
    def is_aside(self) -> bool:
        """Return whether it lists what was put aside."""
        return self.archived or self.saved or self.snoozed

    @property
    def is_upward(self) -> bool:
        return self.place is not None and self.place.side == "after"

    @property
    def is_grouped(self) -> bool:
        return self.grouped and self.group is None and not self.is_aside

    @property
    def scope_of_index(self) -> str | None:
        """Return the scope if an index of it serves the list. None does for what was put aside."""
        return None if self.is_aside else self.scope

    @property
    def scans(self) -> bool:
        """Return whether no index serves the list, so that a page must not go through all of it."""
        is_indexed = self.unread is None or (self.unread and not self.unconfirmed and not self.is_aside)
        return self.kinds is not None or not is_indexed or (self.is_aside and self.scope is not None)

    def listed(self, rows: InboxQuerySet, waits: Q = UNCONFIRMED) -> InboxQuerySet:
        """Return the rows of the list that an index serves. `waits` is the condition of what must be confirmed."""
        rows = rows.filter(self._which)
        rows = rows.filter(unread=True) if self.unread and not self.is_aside else rows
        rows = rows.filter(waits) if self.unconfirmed else rows
        rows = rows if self.place is None else rows.filter(self.place.beyond)
        rows = rows.order_by(*self._order)
        return rows.reverse() if self.is_upward else rows

    def wanted(self, rows: InboxQuerySet, end: PageMark | None, waits: Q = UNCONFIRMED) -> InboxQuerySet:
        """Return the rows of the list themselves, as far as the `end` of a scan."""
        rows = self.listed(rows, waits)
        rows = rows if self.unread is None else rows.filter(unread=self.unread)
        rows = rows if self.kinds is None else rows.filter(kind__in=sorted(self.kinds))
        rows = rows if self.group is None else members(rows, self.group)
        return rows if end is None else rows.filter(end.not_newer() if self.is_upward else end.not_older())

    @property
    def _which(self) -> Q:
        """Return the condition of the list, which one of the indexes also has."""
        if self.saved:
            return Q(saved_at__isnull=False)
        if self.snoozed:
            return SNOOZED
        return ARCHIVED if self.archived else IN_INBOX

    @property
    def _order(self) -> list[str]:
        if self.unconfirmed:
            return ["acknowledged_at", "announcement_id", "-timestamp", "-pk"]
        if self.group is not None:
            return ["-timestamp", "-pk"]
        return index_order(unread=self.unread, archived=self.is_aside, scoped=self.scope_of_index is not None)


def index_order(*, unread: bool | None, archived: bool, scoped: bool) -> list[str]:
    """Return newest first, after the columns by which one index alone serves the list: see `Notification.Meta`.

    Lists of what was put aside have the order of the archive.
    """
    if scoped:
        first = ["archived_at", "announcement_id"] if unread else ["announcement_id", "archived_at"]
    else:
        first = [*(["announcement_id"] if archived or unread else []), *([] if archived else ["archived_at"])]
    return [*first, "-timestamp", "-pk"]
