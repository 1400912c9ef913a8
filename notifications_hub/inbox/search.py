"""Search in an inbox, and filters without an index: page by page within a budget, from the newest on.

Words are rendered when they are read, so they cannot be asked for. A search renders what the person would see, and
goes on until a page is full. What it costs depends on the budget, not on the size of the inbox.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from notifications_hub.inbox import queries
from notifications_hub.inbox.list_query import PAGE
from notifications_hub.inbox.matching import Words
from notifications_hub.inbox.places import PageMark, Place, Side
from notifications_hub.inbox.queries import InboxPage
from notifications_hub.inbox_summary import Summary
from notifications_hub.notification import Notification
from notifications_hub.system_actors import actor_label
from notifications_hub.users import Person

SECONDS = 0.25
"""The time after which a search answers with what it has found."""
CHUNK = 200
"""The rows that a search reads at a time."""


def search(
    person: Person,
    words: Words,
    *,
    summary: Summary,
    place: Place | None = None,
    limit: int = PAGE,
    **filters: Any,
) -> InboxPage:
    """Return a page of what has all these words, or of everything. `filters` are those of `queries.items`.

    A search lists those of a group singly, because each has words of its own.

    A page with fewer than `limit` rows may have a `next`, or above a `previous`. Then its time was over, and `reached`
    says how far it went.
    """
    found: list[Notification] = []
    is_upward = place is not None and place.side == "after"
    over, onward = monotonic() + SECONDS, None
    for page in _pages(person, words, place, limit, summary=summary, filters=filters):
        found += [row for row in (reversed(page.rows) if is_upward else page.rows) if _matches(row, words)]
        onward = page.previous if is_upward else page.next
        if len(found) >= limit or monotonic() > over:
            break
    if len(found) > limit:
        found = found[:limit]
        onward = str(PageMark.of(found[-1]))
    reached = PageMark.parse(onward).timestamp if onward and len(found) < limit else None
    back = str(PageMark.of(found[0])) if found and place is not None else None
    if is_upward:
        return InboxPage(found[::-1], next=back, previous=onward, reached=reached)
    return InboxPage(found, next=onward, previous=back, reached=reached)


def _pages(
    person: Person, words: Words, place: Place | None, limit: int, *, summary: Summary, filters: Mapping[str, Any]
) -> Iterator[InboxPage]:
    """Yield the pages from a place on. Without words, a page has no more rows than are still wanted."""
    filters = {**filters, "grouped": filters.get("grouped", True) and not words}
    side: Side = "after" if place is not None and place.side == "after" else "before"
    missing = limit
    while True:
        page = queries.items(person, place=place, limit=CHUNK if words else missing, summary=summary, **filters)
        yield page
        onward = page.previous if side == "after" else page.next
        if onward is None:
            return
        place, missing = Place(PageMark.parse(onward), side), missing - len(page.rows)
        # The first page has made the rows of announcements that the person lacked.
        summary = replace(summary, without_row=0)


def _matches(row: Notification, words: Words) -> bool:
    if not words:
        return True
    message = row.message_without_result()
    return words.match((message.title, message.body, actor_label(row), row.target_name))
