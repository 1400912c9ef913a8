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
from notifications_hub.inbox.list_query import PAGE, ListQuery
from notifications_hub.inbox.places import PageMark, Place
from notifications_hub.inbox.replica import read_list
from notifications_hub.inbox_summary import CAP, Summary, current_summary
from notifications_hub.message import Item
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.users import Person

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
    """Return a page of the list that a `ListQuery` of these describes. Pass `summary` if it is known."""
    query = ListQuery(
        unread=unread,
        kinds=kinds,
        archived=archived,
        place=place,
        unconfirmed=unconfirmed,
        saved=saved,
        snoozed=snoozed,
        limit=limit,
        scope=scope,
        group=group,
        grouped=grouped,
    )
    return _page_of(person, query, summary or current_summary(person, scope))


def _page_of(person: Person, query: ListQuery, summary: Summary) -> InboxPage:
    """Return a page. Rows that the person lacks for running announcements are created, without an event."""
    if summary.without_row:
        personal_rows.make_rows(person)
    announced = bool(summary.running) and query.group is None
    found, end = read_list(person, lambda alias: _read(person, query, alias, announced=announced))
    for row in found:
        # What else is asked of a row, or changed in it, is so where the hub writes.
        row._state.db = hub_alias()
    page = _page(found, query, end)
    load_results(page.rows)
    load_avatars(page.rows)
    _note_unfollowed(person, page.rows)
    if query.is_grouped:
        load_groups(page.rows)
    return page


def _read(
    person: Person, query: ListQuery, alias: str, *, announced: bool
) -> tuple[list[Notification], PageMark | None]:
    """Return one row more than a page has, and where a scan ended. With `announced`, announcements belong to it."""
    lists = [rows.using(alias) for rows in own_lists(person, query.scope_of_index)]
    end = _end_of_scan([query.listed(rows) for rows in lists], is_upward=query.is_upward) if query.scans else None
    if query.is_aside and query.scope is not None:
        lists = [rows.filter(scope__in=(query.scope, "")) for rows in lists]
    own = [query.wanted(rows, end) for rows in lists]
    lists = list(own)
    if announced:
        running = personal_rows.running_for(person)
        running = running.filter(must_acknowledge=True) if query.unconfirmed else running
        # Without a condition on the row itself, the planner cannot walk through all that waits of the person.
        lists.append(query.wanted(announced_rows(person, running), end, Q(acknowledged_at=None)))
    lists = [rows[: query.limit + 1] for rows in lists]
    found = _joined(lists)
    if query.is_grouped and any(map(waits_in_group, found)):
        found = _with_newest_of_groups(found, lists, own, query)
    return found, end


def _with_newest_of_groups(
    singly: list[Notification], lists: Sequence[InboxQuerySet], own: Sequence[InboxQuerySet], query: ListQuery
) -> list[Notification]:
    """Return the rows of a page whose groups the newest stands for. `lists` begin with those of `own`, limited."""
    heads = [newest_of_groups(rows, query.limit + 1, is_upward=query.is_upward) for rows in own]
    found = _joined([*heads, *lists[len(own) :]])
    # A link to one of a group leads to it.
    place = query.place
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


def _page(found: Iterable[Notification], query: ListQuery, end: PageMark | None) -> InboxPage:
    found = sorted(found, key=lambda row: (row.timestamp, row.pk), reverse=not query.is_upward)
    shown, has_more = found[: query.limit], len(found) > query.limit
    onward = PageMark.of(shown[-1]) if has_more else end
    back = PageMark.of(shown[0]) if shown and query.place is not None else None
    if query.is_upward:
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
