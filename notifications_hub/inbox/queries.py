"""Read pages and counts of a person's inbox.

Every query starts from `recipient`, so it can return no other person's row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.db.models.expressions import RawSQL

from notifications_hub.actions.results import load_results
from notifications_hub.announcements import personal_rows
from notifications_hub.announcements.queryset import AnnouncementQuerySet
from notifications_hub.avatars import load_avatars
from notifications_hub.database.primary import hub_alias
from notifications_hub.following.follows import followed_among
from notifications_hub.grouping.members import load_groups, members, newest_of_groups, waits_in_group
from notifications_hub.grouping.words import message_of_group
from notifications_hub.inbox.places import PageMark, Place
from notifications_hub.inbox.replica import read_list
from notifications_hub.inbox_summary import CAP, Summary, current_summary
from notifications_hub.message import Item
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.notification_queryset import ARCHIVED, IN_INBOX, SNOOZED, UNCONFIRMED
from notifications_hub.users import Person

PAGE = 20
PINNED = 5
"""The most that the first page shows on top because the person must confirm them."""
SCANNED = 1000
"""The most rows that one page of a filter without an index goes through. Such a page may be short, or empty."""

ITEM_ID = re.compile(r"(a?)([1-9]\d{0,17})", re.ASCII)
"""The id of a notification. An announcement's id starts with an a."""


class NoSuchItem(LookupError):
    """Raised for an `at` that is missing or another person's."""


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of rows. `next` is the `before` of the following page, or None on the last.

    `previous` is the `after` of the page above. It is None on a first page, and without rows.
    `reached` is how far a search went that has not gone through everything, so that its page is short.
    """

    rows: list[Notification]
    next: str | None
    previous: str | None = None
    reached: datetime | None = None

    @property
    def items(self) -> list[Item]:
        """Return the rows as items, in the active language."""
        return [row.item() for row in self.rows]


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts without archived notifications, each at most `CAP`. `unseen` ones are unread and not seen in the bell."""

    unread: int
    unseen: int

    @property
    def capped(self) -> bool:
        """Return whether a number reached `CAP`, so that there may be more."""
        return max(self.unread, self.unseen) >= CAP


def own_rows(person: Person) -> InboxQuerySet:
    """Return a person's rows of everything but announcements, archived or not."""
    return Notification.objects.visible().filter(recipient=person, announcement=None)


def own_lists(person: Person, scope: str | None) -> list[InboxQuerySet]:
    """Return them as lists that an index serves: with a scope, its own and what belongs to every scope."""
    rows = own_rows(person)
    return [rows] if scope is None else [rows.filter(scope=one) for one in dict.fromkeys((scope, ""))]


def announced_rows(person: Person, running: AnnouncementQuerySet) -> InboxQuerySet:
    """Return a person's rows of running announcements, archived or not."""
    return Notification.objects.visible().filter(recipient=person, announcement__in=running)


def inbox_of(person: Person, running: AnnouncementQuerySet) -> InboxQuerySet:
    """Return both. Filter by ids or by an exact time: for all others, no index serves both."""
    own = Notification.objects.visible().filter(recipient=person)
    return own.filter(Q(announcement=None) | Q(announcement__in=running))


def items(
    person: Person,
    *,
    unread: bool | None = None,
    kinds: Collection[str] | None = None,
    archived: bool = False,
    place: Place | None = None,
    unconfirmed: bool = False,
    saved: bool = False,
    snoozed: bool = False,
    limit: int = PAGE,
    summary: Summary | None = None,
    scope: str | None = None,
    group: str | None = None,
    grouped: bool = True,
) -> InboxPage:
    """Return a page, newest first. With a `scope`, list only what belongs to it, or to every scope.

    With `unconfirmed`, list only what the person has yet to confirm. With `saved`, list what they saved, wherever it
    is. With `snoozed`, list what comes back later, which no other list has. The newest of a group stands for its unread
    ones, except with `group`, which lists those of one key, without `grouped`, and `at` one of them.

    A page by kinds, of read rows only, of unread ones put aside, or of a scope's archive may have fewer than `limit`
    rows although `next` is set: see `SCANNED`.
    Rows that the person lacks for running announcements are created, without an event. Pass `summary` if it is known.
    """
    summary = summary or current_summary(person, scope)
    if summary.without_row:
        personal_rows.make_rows(person)

    is_aside = archived or saved or snoozed
    is_scoped = scope is not None and not is_aside
    is_upward = place is not None and place.side == "after"
    which = _which(archived=archived, saved=saved, snoozed=snoozed)

    def listed(rows: InboxQuerySet, waits: Q = UNCONFIRMED) -> InboxQuerySet:
        rows = rows.filter(which)
        rows = rows.filter(unread=True) if unread and not is_aside else rows
        rows = rows.filter(waits) if unconfirmed else rows
        rows = rows if place is None else rows.filter(place.beyond)
        if unconfirmed:
            rows = rows.order_by("acknowledged_at", "announcement_id", "-timestamp", "-pk")
        elif group is not None:
            rows = rows.order_by("-timestamp", "-pk")
        else:
            rows = rows.order_by(*index_order(unread=unread, archived=is_aside, scoped=is_scoped))
        return rows.reverse() if is_upward else rows

    is_indexed = kinds is None and (unread is None or (unread and not unconfirmed and not is_aside))
    scans = not is_indexed or (is_aside and scope is not None)
    is_grouped = grouped and group is None and not is_aside

    def read(alias: str) -> tuple[list[Notification], PageMark | None]:
        own = [rows.using(alias) for rows in own_lists(person, scope if is_scoped else None)]
        end = _end_of_scan([listed(rows) for rows in own], is_upward=is_upward) if scans else None

        def wanted(rows: InboxQuerySet, waits: Q = UNCONFIRMED) -> InboxQuerySet:
            rows = listed(rows, waits)
            rows = rows if unread is None else rows.filter(unread=unread)
            rows = rows if kinds is None else rows.filter(kind__in=sorted(kinds))
            rows = rows if group is None else members(rows, group)
            return rows if end is None else rows.filter(end.not_newer() if is_upward else end.not_older())

        if is_aside and scope is not None:
            own = [rows.filter(scope__in=(scope, "")) for rows in own]
        lists = [wanted(rows)[: limit + 1] for rows in own]
        if summary.running and group is None:
            running = personal_rows.running_for(person)
            running = running.filter(must_acknowledge=True) if unconfirmed else running
            # Without a condition on the row itself, the planner cannot walk through all that waits of the person.
            lists.append(wanted(announced_rows(person, running), Q(acknowledged_at=None))[: limit + 1])
        found = _joined(lists)
        if is_grouped and any(map(waits_in_group, found)):
            found = _with_newest_of_groups(found, lists, [wanted(rows) for rows in own], limit, place)
        return found, end

    found, end = read_list(person, read)
    for row in found:
        # What else is asked of a row, or changed in it, is so where the hub writes.
        row._state.db = hub_alias()
    page = _page(found, limit, end, place)
    _note_unfollowed(person, page.rows)
    if is_grouped:
        load_groups(page.rows)
    return page


def _which(*, archived: bool, saved: bool, snoozed: bool) -> Q:
    """Return the condition of a list, which one of the indexes also has."""
    if saved:
        return Q(saved_at__isnull=False)
    if snoozed:
        return SNOOZED
    return ARCHIVED if archived else IN_INBOX


def _with_newest_of_groups(
    singly: list[Notification],
    lists: Sequence[InboxQuerySet],
    own: Sequence[InboxQuerySet],
    limit: int,
    place: Place | None,
) -> list[Notification]:
    """Return the rows of a page whose groups the newest stands for. `lists` begin with those of `own`, limited."""
    is_upward = place is not None and place.side == "after"
    heads = [newest_of_groups(rows, limit + 1, is_upward=is_upward) for rows in own]
    found = _joined([*heads, *lists[len(own) :]])
    # A link to one of a group leads to it.
    is_lost = place is not None and place.side == "at" and place.mark.pk not in {row.pk for row in found}
    return singly if is_lost else found


def group_of(person: Person, key: str) -> Notification | None:
    """Return the newest unread one of a group, with the group if it has more than one; None without any."""
    newest = members(own_rows(person), key).order_by("-timestamp", "-pk").for_items().first()
    if newest is not None:
        load_groups([newest])
    return newest


def title_of_group(person: Person, key: str) -> str:
    newest = group_of(person, key) if key else None
    return "" if newest is None else message_of_group(newest).title


def place_of(
    person: Person, *, before: str | None = None, after: str | None = None, at: str | None = None
) -> Place | None:
    """Return the place that one of these names: a page's `next` or `previous`, or an item's id.

    Raise `BadPageMark`, and `NoSuchItem` if the person has no such item.
    """
    if before:
        return Place(PageMark.parse(before), "before")
    if after:
        return Place(PageMark.parse(after), "after")
    if not at:
        return None
    row = _named(person, at)
    found = None if row is None else row.values_list("timestamp", "pk").first()
    if found is None:
        raise NoSuchItem(at)
    return Place(PageMark(*found), "at")


def _note_unfollowed(person: Person, rows: Sequence[Notification]) -> None:
    """Note which rows are about things that the person follows no more. Without followed things it asks nothing."""
    things = {row.followed for row in rows if row.followed}
    still = followed_among(person, things)
    for row in rows:
        row.unfollowed = row.followed in things - still


def pinned(person: Person, summary: Summary, scope: str | None = None) -> list[Notification]:
    """Return the newest that the person has yet to confirm, at most `PINNED`. Without any, ask nothing."""
    if not summary.unconfirmed:
        return []
    return items(person, unconfirmed=True, limit=PINNED, summary=summary, scope=scope).rows


def _end_of_scan(lists: Sequence[InboxQuerySet], *, is_upward: bool) -> PageMark | None:
    """Return the nearest place of a list's `SCANNED`th row, or None if all have fewer."""
    rows = [row for one in lists for row in one.values_list("timestamp", "pk")[SCANNED - 1 : SCANNED]]
    return PageMark(*(min(rows) if is_upward else max(rows))) if rows else None


def index_order(*, unread: bool | None, archived: bool, scoped: bool) -> list[str]:
    """Return newest first, after the columns by which one index alone serves the list: see `Notification.Meta`.

    Lists of what was put aside have the order of the archive.
    """
    if scoped:
        first = ["archived_at", "announcement_id"] if unread else ["announcement_id", "archived_at"]
    else:
        first = [*(["announcement_id"] if archived or unread else []), *([] if archived else ["archived_at"])]
    return [*first, "-timestamp", "-pk"]


def _joined(lists: Sequence[InboxQuerySet]) -> list[Notification]:
    """Return the rows of limited lists. Those of one database are read in one statement."""
    at = {rows.db: [one for one in lists if one.db == rows.db] for rows in lists}
    return [row for alias, those in at.items() for row in _united(alias, those)]


def _united(alias: str, lists: Sequence[InboxQuerySet]) -> InboxQuerySet:
    """Return the rows of lists of one database. A single condition for all could not use the index of each."""
    if len(lists) == 1:
        return lists[0].for_items()
    parts = [rows.values("pk").query.get_compiler(alias).as_sql() for rows in lists]
    union = " UNION ALL ".join(f"SELECT * FROM ({statement}) AS part{n}" for n, (statement, _) in enumerate(parts))  # noqa: S608 -- composed by Django
    parameters = [parameter for _, its_parameters in parts for parameter in its_parameters]
    return Notification.objects.using(alias).filter(pk__in=RawSQL(union, parameters)).for_items()  # noqa: S611 -- as above


def _page(rows: Iterable[Notification], limit: int, end: PageMark | None, place: Place | None) -> InboxPage:
    is_upward = place is not None and place.side == "after"
    found = sorted(rows, key=lambda row: (row.timestamp, row.pk), reverse=not is_upward)
    shown, has_more = found[:limit], len(found) > limit
    load_results(shown)
    load_avatars(shown)
    onward = PageMark.of(shown[-1]) if has_more else end
    back = PageMark.of(shown[0]) if shown and place is not None else None
    if is_upward:
        return InboxPage(shown[::-1], next=_text(back), previous=_text(onward))
    return InboxPage(shown, next=_text(onward), previous=_text(back))


def _text(mark: PageMark | None) -> str | None:
    return None if mark is None else str(mark)


def find(person: Person, wanted: str) -> Notification | None:
    """Return the notification with this API id, or None if it is missing or another person's."""
    rows = _named(person, wanted)
    row = None if rows is None else rows.select_related("recipient").for_items().first()
    if row is not None:
        _note_unfollowed(person, [row])
    return row


def _named(person: Person, wanted: str) -> InboxQuerySet | None:
    """Return the rows with this API id: one, or none. Return None for an invalid id."""
    match = ITEM_ID.fullmatch(wanted)
    if match is None:
        return None
    running = personal_rows.running_for(person)
    if match[1]:
        personal_rows.make_rows(person)
    which = Q(announcement=int(match[2])) if match[1] else Q(pk=int(match[2]), announcement=None)
    return inbox_of(person, running).filter(which)


def counts(person: Person, scope: str | None = None) -> Counts:
    """Count without writing: a running announcement counts before the person has a row for it."""
    return counts_in(current_summary(person, scope))


def counts_in(summary: Summary) -> Counts:
    return Counts(unread=summary.unread, unseen=summary.unseen)
