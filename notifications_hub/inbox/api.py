"""The HTTP API of one person's inbox. Its routes and shapes are a contract: see `docs/architecture.md`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from ninja import Query
from ninja.errors import HttpError

from notifications_hub.inbox import marks, push_api, queries, schemas
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.queries import BadPlace
from notifications_hub.inbox.responses import PrivateAPI
from notifications_hub.inbox.schemas import Changed, Filters, Marked, Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.live.start_cursor import start_cursor
from notifications_hub.live.topics import INBOX

api = PrivateAPI(
    title="Notifications",
    version="1.0",
    description="One person's inbox, by the session of the site. Changes need Django's CSRF token as `X-CSRFToken`.",
    urls_namespace="notifications_hub_api",
    openapi_url="openapi.json",
    docs_url="docs/",
)
api.add_router("push/", push_api.router)

_PROBLEMS = {(400, 401, 429): Problem}
_MARK_PROBLEMS = {(400, 401, 403, 429): Problem}


@api.get(
    "notifications/",
    response={200: schemas.PageOut, **_PROBLEMS},
    exclude_unset=True,
    url_name="notifications",
    summary="A page of the inbox",
    tags=["inbox"],
)
def list_notifications(request: HttpRequest, filters: Query[Filters]) -> dict[str, Any]:
    """Newest first. What is archived is left out."""
    _refuse_strange(request, Filters.model_fields)
    person = person_of(request)
    # Before the rows: an event between the two is then heard twice, and never missed.
    here = start_cursor(person, [INBOX])
    try:
        page = queries.items(person, **filters.dict())
    except BadPlace as error:
        raise HttpError(400, str(error)) from None
    return {"results": [item.as_json() for item in page.items], "next": page.next, "cursor": here}


@api.get(
    "notifications/count/",
    response={200: schemas.CountsOut, **_PROBLEMS},
    url_name="count",
    summary="How many are unread, and how many of these never looked at",
    tags=["inbox"],
)
def count_notifications(request: HttpRequest) -> queries.Counts:
    return queries.counts(person_of(request))


@api.post(
    "notifications/read/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="read",
    summary="Mark as read",
    tags=["inbox"],
)
def mark_as_read(request: HttpRequest, marked: Marked) -> dict[str, int]:
    """Read anywhere is read everywhere: pushes that wait are cancelled, and open pages hear of it."""
    return _mark(request, Mark.READ, marked)


@api.post(
    "notifications/unread/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="unread",
    summary="Mark as unread",
    tags=["inbox"],
)
def mark_as_unread(request: HttpRequest, marked: Marked) -> dict[str, int]:
    return _mark(request, Mark.UNREAD, marked)


@api.post(
    "notifications/seen/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="seen",
    summary="Mark as seen",
    tags=["inbox"],
)
def mark_as_seen(request: HttpRequest, marked: Marked) -> dict[str, int]:
    """Seen, and still unread: the person has opened the list on it."""
    return _mark(request, Mark.SEEN, marked)


@api.post(
    "notifications/archive/",
    response={200: Changed, **_MARK_PROBLEMS},
    url_name="archive",
    summary="Archive",
    tags=["inbox"],
)
def archive(request: HttpRequest, marked: Marked) -> dict[str, int]:
    return _mark(request, Mark.ARCHIVE, marked)


def _mark(request: HttpRequest, action: Mark, marked: Marked) -> dict[str, int]:
    person = person_of(request)
    if marked.ids is None:
        return {"changed": marks.mark_all(person, action)}
    return {"changed": marks.mark(person, action, marked.ids)}


def _refuse_strange(request: HttpRequest, known: Iterable[str]) -> None:
    """A filter that is misspelt, or given twice, would otherwise look as if it had held."""
    strange = sorted(name for name in request.GET if name not in known or len(request.GET.getlist(name)) > 1)
    if strange:
        raise HttpError(400, f"Give each of {', '.join(known)} at most once, and nothing else.")
