"""The inbox, and the page about one notification. They work without JavaScript.

A GET changes nothing that a person notices.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.middleware.csrf import get_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

from notifications_hub.announcements.markdown import safe_html
from notifications_hub.grouping.group import number
from notifications_hub.inbox import links, marks, queries
from notifications_hub.inbox.delivery_report import DeliveryReport
from notifications_hub.inbox.listing import Listing
from notifications_hub.inbox.marks import Mark, Show
from notifications_hub.inbox.matching import NO_WORDS, Words
from notifications_hub.inbox.places import BadPageMark, Place
from notifications_hub.inbox.queries import NoSuchItem
from notifications_hub.inbox.schemas import LISTS
from notifications_hub.inbox.search import search
from notifications_hub.inbox.snooze_form import done_in_words, nothing_in_words, snooze_form, snooze_until
from notifications_hub.inbox.tabs import counted_tabs
from notifications_hub.inbox.visitor import person_of
from notifications_hub.inbox_scope import scope_of
from notifications_hub.inbox_summary import summary_for
from notifications_hub.message import Item, Outcome
from notifications_hub.notification import Notification
from notifications_hub.preference_links import preferences_of
from notifications_hub.snoozing.times import BadTime, zone_in
from notifications_hub.users import Person
from notifications_hub.web.site_paths import same_site_path

WATCHED = timedelta(minutes=1)
"""Time for which the delivery page keeps refreshing."""

# The next person at this browser must not find these pages, in a proxy or with the back button.
private_page = cache_control(no_store=True, private=True)


@dataclass(frozen=True, slots=True)
class InboxEntry:
    """A notification as the inbox page shows it. `body_html` is set only for text written as Markdown."""

    id: str
    kind: str
    title: str
    body: str
    body_html: SafeString
    url: str
    leads_to: str
    host: str
    level: str
    icon: str
    avatar: str
    actor: str
    at: datetime
    unread: bool
    archived: bool
    must_acknowledge: bool
    acknowledged_at: datetime | None
    buttons: Sequence[Mapping[str, Any]]
    outcome: Outcome | None
    because: str = ""
    followed: str = ""
    saved: bool = False
    snoozed_until: datetime | None = None
    words: Words = NO_WORDS
    group_key: str = ""
    group_number: str = ""

    @property
    def marked_title(self) -> SafeString:
        return self.words.marked(self.title)

    @property
    def marked_body(self) -> SafeString:
        return self.words.marked(self.body)

    @property
    def unconfirmed(self) -> bool:
        return self.must_acknowledge and self.acknowledged_at is None

    @classmethod
    def of(cls, row: Notification, words: Words = NO_WORDS) -> Self:
        return cls.of_item(row.item(), row.announcement.markdown() if row.announcement else "", words)

    @classmethod
    def of_item(cls, item: Item, markdown: str, words: Words = NO_WORDS) -> Self:
        message, group = item.message, item.group or {}
        return cls(
            id=message.id,
            kind=message.kind,
            title=group.get("title", message.title),
            body=group.get("body", message.body),
            body_html=words.marked_in(safe_html(markdown)) if markdown else mark_safe(""),
            url=message.url,
            leads_to=message.leads_to,
            host=message.host,
            level=message.level,
            icon=message.icon,
            avatar=message.avatar,
            actor=item.actor,
            at=item.at,
            unread=item.unread,
            archived=item.archived,
            # An action of a group would be about its newest alone.
            buttons=[
                one | {"asks_json": json.dumps(one.get("asks"))} for one in message.buttons if not group.get("count")
            ],
            outcome=None if "count" in group else message.outcome,
            must_acknowledge=message.must_acknowledge,
            acknowledged_at=item.acknowledged_at,
            because=message.because,
            followed=message.followed,
            saved=item.saved,
            snoozed_until=item.snoozed_until,
            words=words,
            group_key=group.get("key", "") if item.unread and not item.archived else "",
            group_number=number(group["count"]) if "count" in group else "",
        )


@require_safe
@login_required
@private_page
def inbox(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    show = request.GET.get("show", "all")
    show = show if show in LISTS else "all"
    summary, scope = summary_for(request), scope_of(request)
    listing, linked = Listing.of(request.GET, show), _linked(request, person)
    place, words = linked.place, listing.words
    shown = {"group": listing.group} if listing.group else LISTS[show]
    given: Any = {"summary": summary, "scope": scope, "kinds": listing.kinds, **shown}
    page = search(person, words, place=place, **given)
    is_start = place is None and not listing.is_filtered
    top = queries.pinned(person, summary, scope) if show == "all" and is_start else []
    entries = [InboxEntry.of(row, words) for row in {row.pk: row for row in [*top, *page.rows]}.values()]
    context = {
        "listing": listing,
        "linked": linked,
        "is_linked_here": bool(page.rows) and page.rows[0].item_id == linked.at,
        "tabs": listing.tab_links(counted_tabs(person, summary, scope)),
        "older": listing.path(before=page.next) if page.next else "",
        "newer": listing.path(after=page.previous) if page.previous else "",
        "reached": page.reached,
        "pinned": [one for one in entries if one.unconfirmed],
        "items": [one for one in entries if not one.unconfirmed],
        "unconfirmed": summary.unconfirmed,
        # There is no mark for the whole of a search, or of a group.
        "can_mark_whole": not words and not listing.group,
        "is_long": place is not None or page.next is not None,
        "unread": summary.unread,
        "group_title": queries.title_of_group(person, listing.group),
        "show": listing.show,
        "scope": scope,
        "here": _here(request),
        "done": _done(person, request.GET.get("undo", "")),
        "zone": _named_zone(),
        "snooze": snooze_form(zone_in(person, summary.schedule)) if entries else None,
        "api": links.api(),
        "csrf": get_token(request),
    }
    return TemplateResponse(request, "notifications_hub/inbox.html", context)


@dataclass(frozen=True, slots=True)
class Linked:
    """The place that the address names, if any. Without a `place`, the item `at` is missing."""

    place: Place | None = None
    at: str = ""

    @property
    def is_missing(self) -> bool:
        return bool(self.at) and self.place is None


def _linked(request: HttpRequest, person: Person) -> Linked:
    names = {name: request.GET.get(name) for name in ("before", "after", "at")}
    name = next((name for name, value in names.items() if value), None)
    if name is None:
        return Linked()
    at = names["at"] or "" if name == "at" else ""
    try:
        return Linked(queries.place_of(person, **{name: names[name]}), at)
    except BadPageMark as error:
        raise BadRequest(str(error)) from None
    except NoSuchItem:
        return Linked(at=at)


def _here(request: HttpRequest) -> str:
    """Return the page's own path, without the change that it reports."""
    query = request.GET.copy()
    query.pop("undo", None)
    return f"{request.path}?{query.urlencode()}" if query else request.path


def _named_zone() -> bool:
    """Return whether times must name their zone, because it is the site's, not one activated for the person."""
    return timezone.get_current_timezone_name() == timezone.get_default_timezone_name()


def _done(person: Person, token: str) -> dict[str, str] | None:
    """Return the words and token of the change that led to this page. Reloading shows it again, while it is valid."""
    try:
        done = marks.read_token(person, token)
    except marks.CannotUndo:
        return None
    return {"text": done_in_words(done.action, done.changed), "token": token}


@require_POST
@login_required
@private_page
def mark(request: HttpRequest) -> HttpResponseRedirect:
    """Apply `action` to `ids`, and to their `groups`, or to a list with `all=1`, or `undo` a mark. Redirect.

    `snooze` says until when.
    """
    if "undo" in request.POST:
        _undo(request)
        return HttpResponseRedirect(_next(request))
    action = _action(request)
    if action is Mark.ACKNOWLEDGE:
        _acknowledge(request)
        return HttpResponseRedirect(_next(request))
    try:
        until = snooze_until(person_of(request), request.POST) if action is Mark.SNOOZE else None
    except BadTime as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(_next(request))
    done = _mark(request, action, until)
    if not done.changed:
        messages.info(request, nothing_in_words(action))
    elif not done.undo:
        messages.success(request, done_in_words(action, done.changed))
    return HttpResponseRedirect(_with_undo(_next(request), done.undo))


def _action(request: HttpRequest) -> Mark:
    if "snooze" in request.POST:
        return Mark.SNOOZE
    try:
        return Mark(request.POST.get("action", ""))
    except ValueError:
        raise BadRequest(f"The action is one of {', '.join(Mark)}.") from None


def _mark(request: HttpRequest, action: Mark, until: datetime | None) -> marks.Marked:
    person = person_of(request)
    if request.POST.get("all") != "1":
        return marks.mark(person, action, request.POST.getlist("ids"), until, groups="groups" in request.POST)
    listed, kinds = _marked_list(request), _marked_kinds(request)
    return marks.mark_all(person, action, scope_of(request), kinds, show=listed, until=until)


def _marked_list(request: HttpRequest) -> Show | None:
    """Return the list that "all" means; None for the inbox. A group, or a list of another page, is none of them."""
    show = request.POST.get("show", "")
    try:
        return Show(show) if show else None
    except ValueError:
        raise BadRequest(f"The list is one of {', '.join(Show)}.") from None


def _marked_kinds(request: HttpRequest) -> frozenset[str] | None:
    """Return the kinds that "all" means; None for all kinds. A tab that is gone must not mean all of them."""
    listing = Listing.of(request.POST)
    if request.POST.get("tab") and listing.tab is None:
        raise BadRequest("There is no such tab.")
    return listing.kinds


def _acknowledge(request: HttpRequest) -> None:
    """Confirm `ids`. There is no way to confirm everything at once."""
    if marks.acknowledge(person_of(request), request.POST.getlist("ids")):
        messages.success(request, _("Confirmed. Thank you."))


def _undo(request: HttpRequest) -> None:
    try:
        restored = marks.undo(person_of(request), request.POST["undo"])
    except marks.CannotUndo:
        restored = 0
    if not restored:
        messages.error(request, _("This can't be undone any more."))


def _next(request: HttpRequest) -> str:
    try:
        return same_site_path(request.POST.get("next", "")) or reverse("notifications_hub:inbox")
    except ValueError:
        return reverse("notifications_hub:inbox")


def _with_undo(onward: str, token: str | None) -> str:
    """Return the path with the token, if it is the inbox, whose page then offers to undo."""
    path, _question, query = onward.partition("?")
    if token is None or path != reverse("notifications_hub:inbox"):
        return onward
    parameters = QueryDict(query.partition("#")[0], mutable=True)
    parameters["undo"] = token
    return f"{path}?{parameters.urlencode()}"


@require_safe
@login_required
@private_page
def why(request: HttpRequest, item_id: str) -> HttpResponse:
    """Show how the person was notified, or why not."""
    row = queries.find(person_of(request), item_id)
    if row is None:
        raise Http404
    report = DeliveryReport.of(row)
    context = {
        "item": InboxEntry.of(row),
        "steps": report.steps,
        "not_pushed": report.not_pushed,
        "preferences": preferences_of(row.kind),
        "zone": _named_zone(),
        "api": links.api(),
        "csrf": get_token(request),
        "here": request.path,
    }
    response = TemplateResponse(request, "notifications_hub/why.html", context)
    if report.under_way and datetime.now(UTC) - row.timestamp < WATCHED:
        # The page refreshes itself without a script while deliveries are under way.
        response["Refresh"] = "2"
    return response
