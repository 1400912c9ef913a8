"""The HTTP API of a person's inbox. Its routes and schemas are a contract."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Query
from ninja.errors import HttpError

from notifications_hub import __version__
from notifications_hub.grouping.words import group_json
from notifications_hub.inbox import (
    address_api,
    bell_api,
    digest_api,
    marks,
    preference_api,
    push_api,
    queries,
    quiet_api,
    report_api,
    schemas,
    tabs,
    token_api,
)
from notifications_hub.inbox.api_docs import ApiPage
from notifications_hub.inbox.marks import Mark, Show
from notifications_hub.inbox.matching import Words
from notifications_hub.inbox.places import BadPageMark
from notifications_hub.inbox.queries import NoSuchItem
from notifications_hub.inbox.responses import PrivateAPI, revalidated
from notifications_hub.inbox.schemas import Changed, ChangedForUndo, Filters, Marked, MarkedForUndo, Problem, Shown
from notifications_hub.inbox.search import search
from notifications_hub.inbox.tabs import Tab
from notifications_hub.inbox.visitor import person_of
from notifications_hub.inbox_scope import scope_of
from notifications_hub.inbox_summary import current_summary
from notifications_hub.live.start_cursor import start_cursor
from notifications_hub.live.topics import INBOX
from notifications_hub.message import timestamp
from notifications_hub.snoozing import times

api = PrivateAPI(
    title="Notifications",
    version=__version__,
    description="The signed-in person's inbox. Changes need Django's CSRF token in the header `X-CSRFToken`.",
    urls_namespace="notifications_hub_api",
    openapi_url="openapi.json",
    docs_url="docs/",
    docs=ApiPage(),
)
api.add_router("bell/", bell_api.router)
api.add_router("notifications/", report_api.router)
api.add_router("own-addresses/", address_api.router)
api.add_router("push/", push_api.router)
api.add_router("connection-tokens/", token_api.router)
api.add_router("quiet-hours/", quiet_api.router)
api.add_router("digests/", digest_api.router)
api.add_router("preferences/", preference_api.router)

_PROBLEMS = {(400, 401, 429): Problem}
_MARK_PROBLEMS = {(400, 401, 403, 429): Problem}


@api.get(
    "notifications/",
    response={200: schemas.NotificationPage, **_PROBLEMS, 404: Problem},
    exclude_unset=True,
    url_name="notifications",
    summary="List notifications",
    tags=["inbox"],
)
def list_notifications(request: HttpRequest, filters: Query[Filters]) -> dict[str, Any]:
    """Return a page, newest first: of the inbox, or with `show` of another list. The inbox has nothing archived.

    The first page of the whole inbox has `unconfirmed` if the person must still confirm some. Show those on top. Their
    place in `results` is as for all others.
    The newest of a group stands for its unread ones, but not in a search. With `group`, list those of one group.
    With `q`, `tab`, `kind` or `unread=false`, a page may have fewer results than 20, or none: `reached` says how far it
    looked. Follow `next` until it is null.
    """
    _refuse_unknown_filters(request, Filters.model_fields)
    person = person_of(request)
    # Before the rows: an event between the two reads then arrives twice, but is never missed.
    cursor = start_cursor(person, [INBOX])
    scope = scope_of(request)
    summary = current_summary(person, scope)
    try:
        place = queries.place_of(person, before=filters.before, after=filters.after, at=filters.at)
    except BadPageMark as error:
        raise HttpError(400, str(error)) from None
    except NoSuchItem:
        raise Http404 from None
    page = search(
        person,
        Words.parse(filters.q),
        summary=summary,
        place=place,
        scope=scope,
        kinds=_kinds(filters.tab, filters.kind),
        group=filters.group,
        grouped=filters.grouped,
        **({"unread": filters.unread, "unconfirmed": filters.unconfirmed} | schemas.LISTS[filters.show or "all"]),
    )
    answer: dict[str, Any] = {"results": [item.as_json() for item in page.items], "next": page.next, "cursor": cursor}
    if place is not None:
        answer["previous"] = page.previous
    if page.reached is not None:
        answer["reached"] = page.reached
    if summary.unconfirmed and not filters.model_fields_set:
        top = [row.item().as_json() for row in queries.pinned(person, summary, scope)]
        answer["unconfirmed"] = {"results": top, "count": summary.unconfirmed}
    if filters.group is not None and (newest := queries.group_of(person, filters.group)) is not None:
        answer["group"] = group_json(newest)
    return answer


@api.get(
    "notifications/count/",
    response={200: schemas.UnreadCounts, 304: None, **_PROBLEMS},
    url_name="count",
    summary="Count unread and unseen notifications",
    tags=["inbox"],
)
def count_notifications(request: HttpRequest) -> HttpResponse:
    """Return the numbers of the bell. With `If-None-Match`, the answer is 304 without a body until they change."""
    counts = queries.counts(person_of(request), scope_of(request))
    values = {"unread": counts.unread, "unseen": counts.unseen, "capped": counts.capped}
    return revalidated(request, values, f'"{counts.unread}-{counts.unseen}-{counts.capped:d}"')


@api.get(
    "notifications/tabs/",
    response={200: schemas.InboxTabs, **_PROBLEMS},
    url_name="tabs",
    summary="List tabs",
    tags=["inbox"],
)
def list_tabs(request: HttpRequest) -> dict[str, Any]:
    """Return the groups of kinds, in the order of the inbox page, with the number of unread notifications of each."""
    person, scope = person_of(request), scope_of(request)
    return {"results": [_tab(one) for one in tabs.counted_tabs(person, current_summary(person, scope), scope)]}


def _tab(tab: Tab) -> dict[str, Any]:
    whole = {"name": tab.name, "label": tab.label, "kinds": sorted(tab.kinds)}
    return whole | {"unread": tab.unread, "capped": tab.capped}


def _kinds(tab: str | None, kind: str | None) -> frozenset[str] | None:
    """Return the kinds that the filters leave; None for all. Raise 400 for a tab that the site does not have."""
    found = tabs.find_tab(tab) if tab else None
    if tab and found is None:
        raise HttpError(400, _("There is no such tab. `notifications/tabs/` lists them."))
    return tabs.kinds_listed(found, kind or "")


@api.post(
    "notifications/read/",
    response={200: ChangedForUndo, **_MARK_PROBLEMS},
    exclude_unset=True,
    url_name="read",
    summary="Mark as read",
    tags=["inbox"],
)
def mark_as_read(request: HttpRequest, marked: MarkedForUndo) -> dict[str, Any]:
    """Mark as read everywhere: waiting deliveries are cancelled, and open pages are updated."""
    return _mark(request, Mark.READ, marked)


@api.post(
    "notifications/unread/",
    response={200: ChangedForUndo, **_MARK_PROBLEMS},
    exclude_unset=True,
    url_name="unread",
    summary="Mark as unread",
    tags=["inbox"],
)
def mark_as_unread(request: HttpRequest, marked: MarkedForUndo) -> dict[str, Any]:
    """Mark as unread everywhere. Nothing is delivered again."""
    return _mark(request, Mark.UNREAD, marked)


@api.post(
    "notifications/seen/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="seen",
    summary="Mark as seen",
    tags=["inbox"],
)
def mark_as_seen(request: HttpRequest, marked: Marked) -> dict[str, Any]:
    """Mark as seen but still unread: the person opened the bell."""
    return _mark(request, Mark.SEEN, marked)


@api.post(
    "notifications/shown/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="shown",
    summary="Report what a page showed out of order",
    tags=["inbox"],
)
def mark_as_shown(request: HttpRequest, shown: Shown) -> dict[str, Any]:
    """Mark as delivered what an open page showed, although earlier ones still wait there, as in quiet hours.

    The acknowledgement of the live protocol covers everything up to a cursor, so it cannot say this.
    """
    return {"changed": marks.shown(person_of(request), shown.ids)}


@api.post(
    "notifications/archive/",
    response={200: ChangedForUndo, **_MARK_PROBLEMS},
    exclude_unset=True,
    url_name="archive",
    summary="Archive",
    tags=["inbox"],
)
def archive(request: HttpRequest, marked: MarkedForUndo) -> dict[str, Any]:
    """Move out of the inbox, into the archive, and cancel waiting deliveries. What is unread stays so, uncounted."""
    return _mark(request, Mark.ARCHIVE, marked)


@api.post(
    "notifications/unarchive/",
    response={200: ChangedForUndo, **_MARK_PROBLEMS},
    exclude_unset=True,
    url_name="unarchive",
    summary="Move back to the inbox",
    tags=["inbox"],
)
def unarchive(request: HttpRequest, marked: MarkedForUndo) -> dict[str, Any]:
    """Move from the archive back to the inbox."""
    return _mark(request, Mark.UNARCHIVE, marked)


@api.post(
    "notifications/save/",
    response={200: ChangedForUndo, **_MARK_PROBLEMS},
    exclude_unset=True,
    url_name="save",
    summary="Save",
    tags=["inbox"],
)
def save(request: HttpRequest, marked: MarkedForUndo) -> dict[str, Any]:
    """Keep in the list of saved notifications, wherever else they are. `hub_prune` leaves them alone."""
    return _mark(request, Mark.SAVE, marked)


@api.post(
    "notifications/unsave/",
    response={200: ChangedForUndo, **_MARK_PROBLEMS},
    exclude_unset=True,
    url_name="unsave",
    summary="Remove from the saved ones",
    tags=["inbox"],
)
def unsave(request: HttpRequest, marked: MarkedForUndo) -> dict[str, Any]:
    """Remove from the saved ones. They stay where they are otherwise."""
    return _mark(request, Mark.UNSAVE, marked)


@api.post(
    "notifications/snooze/",
    response={200: schemas.Snoozed, **_MARK_PROBLEMS},
    exclude_unset=True,
    url_name="snooze",
    summary="Snooze",
    tags=["inbox"],
)
def snooze(request: HttpRequest, marked: schemas.ToSnooze) -> dict[str, Any]:
    """Put off until a time. Then they come back unread, and are delivered again.

    What is snoozed already gets the new time, and `unarchive/` brings it back at once. What must be confirmed, and what
    is archived, stays where it is.
    """
    try:
        until = times.parse(marked.until, times.zone_of(person_of(request)))
    except times.BadTime as error:
        raise HttpError(400, str(error)) from None
    return {**_mark(request, Mark.SNOOZE, marked, until), "until": timestamp(until)}


@api.get(
    "notifications/snooze/",
    response={200: schemas.SnoozeTimes, **_PROBLEMS},
    url_name="snooze-times",
    summary="List times to snooze until",
    tags=["inbox"],
)
def snooze_times(request: HttpRequest) -> dict[str, Any]:
    """Return the choices that pages offer, as they are now in the person's time zone."""
    zone = times.zone_of(person_of(request))
    offered = [{"until": one.choice, "words": one.words, "at": timestamp(one.at)} for one in times.offers(zone)]
    return {"zone": str(zone), "results": offered}


@api.post(
    "notifications/acknowledge/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="acknowledge",
    summary="Confirm",
    tags=["inbox"],
)
def acknowledge(request: HttpRequest, confirmed: schemas.Acknowledged) -> dict[str, int]:
    """Confirm notifications that must be, which also reads them. Nothing undoes it."""
    return {"changed": marks.acknowledge(person_of(request), confirmed.ids)}


@api.post(
    "notifications/undo/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="undo",
    summary="Undo a mark",
    tags=["inbox"],
)
def undo_mark(request: HttpRequest, undone: schemas.Undo) -> dict[str, int]:
    """Undo a mark where no later change replaced it. Deliveries that it cancelled stay cancelled."""
    try:
        return {"changed": marks.undo(person_of(request), undone.undo)}
    except marks.CannotUndo:
        raise HttpError(400, _("This can't be undone any more.")) from None


def _mark(request: HttpRequest, action: Mark, asked: Marked, until: datetime | None = None) -> dict[str, Any]:
    person = person_of(request)
    if asked.ids is None:
        kinds, show = _kinds(asked.tab, asked.kind), None if asked.show is None else Show(asked.show)
        done = marks.mark_all(person, action, scope_of(request), kinds, show=show, until=until)
    else:
        groups = isinstance(asked, MarkedForUndo) and bool(asked.groups)
        done = marks.mark(person, action, asked.ids, until, groups=groups)
    wants_undo = isinstance(asked, MarkedForUndo) and asked.undo
    return {"changed": done.changed, "undo": done.undo} if wants_undo else {"changed": done.changed}


def _refuse_unknown_filters(request: HttpRequest, known: Iterable[str]) -> None:
    """Raise 400 for filters that are unknown or repeated. Ignored silently, they would seem to work."""
    strange = sorted(name for name in request.GET if name not in known or len(request.GET.getlist(name)) > 1)
    if strange:
        raise HttpError(400, f"Allowed filters, each at most once: {', '.join(known)}.")
