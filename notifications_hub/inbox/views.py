"""The inbox and preference pages. They work without JavaScript, and a GET changes nothing that a person notices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import BadRequest
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from notifications_hub.announcements.markdown import safe_html
from notifications_hub.inbox import (
    links,
    marks,
    preference_form,
    push_trial,
    queries,
)
from notifications_hub.inbox.delivery_report import is_under_way, not_pushed, report_steps
from notifications_hub.inbox.digest_form import digest_section
from notifications_hub.inbox.marks import Mark, Show
from notifications_hub.inbox.preference_changes import Refused
from notifications_hub.inbox.preference_columns import addresses_of
from notifications_hub.inbox.preference_table import preference_table
from notifications_hub.inbox.push_attributes import PushAttributes
from notifications_hub.inbox.queries import BadPageMark
from notifications_hub.inbox.quiet_form import quiet_section
from notifications_hub.inbox.schemas import LISTS
from notifications_hub.inbox.snooze_form import done_in_words, nothing_in_words, snooze_form, snooze_until
from notifications_hub.inbox.visitor import person_of
from notifications_hub.inbox_scope import scope_of
from notifications_hub.inbox_summary import summary_for
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.message import Item, Outcome
from notifications_hub.notification import Notification
from notifications_hub.preference_links import KIND, place_of, preferences_of
from notifications_hub.snoozing.times import BadTime, zone_in
from notifications_hub.transports.web_push import subscriptions
from notifications_hub.users import Person
from notifications_hub.web.site_paths import same_site_path

WATCHED = timedelta(minutes=1)
"""Time for which the delivery page keeps refreshing."""

# The next person at this browser must not find these pages, in a proxy or with the back button.
_private = cache_control(no_store=True, private=True)


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

    @property
    def unconfirmed(self) -> bool:
        return self.must_acknowledge and self.acknowledged_at is None

    @classmethod
    def of(cls, row: Notification) -> Self:
        return cls.of_item(row.item(), row.announcement.markdown() if row.announcement else "")

    @classmethod
    def of_item(cls, item: Item, markdown: str) -> Self:
        message = item.message
        return cls(
            id=message.id,
            kind=message.kind,
            title=message.title,
            body=message.body,
            body_html=safe_html(markdown) if markdown else mark_safe(""),
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
            buttons=[one | {"asks_json": json.dumps(one.get("asks"))} for one in message.buttons],
            outcome=message.outcome,
            must_acknowledge=message.must_acknowledge,
            acknowledged_at=item.acknowledged_at,
            because=message.because,
            followed=message.followed,
            saved=item.saved,
            snoozed_until=item.snoozed_until,
        )


@require_safe
@login_required
@_private
def inbox(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    show = request.GET.get("show", "all")
    show = show if show in LISTS else "all"
    summary, scope = summary_for(request), scope_of(request)
    try:
        before = request.GET.get("before")
        page = queries.items(person, before=before, summary=summary, scope=scope, **LISTS[show])
    except BadPageMark as error:
        raise BadRequest(str(error)) from None
    top = queries.pinned(person, summary, scope) if show == "all" and before is None else []
    entries = [InboxEntry.of(row) for row in {row.pk: row for row in [*top, *page.rows]}.values()]
    context = {
        "pinned": [one for one in entries if one.unconfirmed],
        "items": [one for one in entries if not one.unconfirmed],
        "unconfirmed": summary.unconfirmed,
        "next": page.next,
        "on_later_page": before is not None,
        "unread": summary.unread,
        "show": show,
        "scope": scope,
        "here": _here(request),
        "done": _done(person, request.GET.get("undo", "")),
        "zone": _named_zone(),
        "snooze": snooze_form(zone_in(person, summary.schedule)) if entries else None,
        "api": links.api(),
        "csrf": get_token(request),
    }
    return TemplateResponse(request, "notifications_hub/inbox.html", context)


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
@_private
def mark(request: HttpRequest) -> HttpResponseRedirect:
    """Apply `action` to `ids`, or to a list with `all=1`, or `undo` a mark. `snooze` says until when. Redirect."""
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
        return marks.mark(person, action, request.POST.getlist("ids"), until)
    show = request.POST.get("show", "")
    listed = Show(show) if show in list(Show) else None
    return marks.mark_all(person, action, scope_of(request), show=listed, until=until)


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


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@_private
def preferences_page(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _save_preferences(request)
    if place := place_of(request.GET.get(KIND, "")):
        return redirect(f"{request.path}#{place}")
    return TemplateResponse(request, "notifications_hub/preferences.html", preferences_context(request))


def _save_preferences(request: HttpRequest) -> HttpResponse:
    try:
        preference_form.save_form(person_of(request), request.POST)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Your preferences are saved."))
    return redirect("notifications_hub:preferences")


def preferences_context(request: HttpRequest) -> dict[str, Any]:
    addresses = addresses_of(person_of(request))
    table = preference_table(addresses)
    return {
        "table": table,
        "push_available": addresses.has_push_key,
        "push_column": next((one for one in table.columns if one.name == DeliveryMethod.WEB_PUSH), None),
        "devices": addresses.browsers,
        "own": addresses.own,
        "email": addresses.email,
        "push": PushAttributes.of(request),
        "quiet": quiet_section(addresses.person),
        "digests": digest_section(addresses.person),
    }


@require_POST
@login_required
@_private
def test_device(request: HttpRequest) -> HttpResponse:
    """Send a test push to one of the person's browsers, and show its progress."""
    browser = get_object_or_404(subscriptions.find_own(person_of(request), request.POST.get("id", "")))
    try:
        row = push_trial.send(person_of(request), "web_push", str(browser.pk))
    except push_trial.TooManyTests:
        messages.error(request, _("You've just sent a few tests. Please wait a minute."))
        return redirect("notifications_hub:preferences")
    return redirect("notifications_hub:why", row.item_id)


@require_safe
@login_required
@_private
def why(request: HttpRequest, item_id: str) -> HttpResponse:
    """Show how the person was notified, or why not."""
    row = queries.find(person_of(request), item_id)
    if row is None:
        raise Http404
    prefetch_related_objects([row], "deliveries")
    context = {
        "item": InboxEntry.of(row),
        "steps": report_steps(row),
        "not_pushed": not_pushed(row),
        "preferences": preferences_of(row.kind),
        "zone": _named_zone(),
        "api": links.api(),
        "csrf": get_token(request),
        "here": request.path,
    }
    response = TemplateResponse(request, "notifications_hub/why.html", context)
    if is_under_way(row) and datetime.now(UTC) - row.timestamp < WATCHED:
        # The page refreshes itself without a script while deliveries are under way.
        response["Refresh"] = "2"
    return response


@require_POST
@login_required
@_private
def forget_device(request: HttpRequest) -> HttpResponse:
    """Remove one of the person's browsers. Another person's browser is treated as already gone."""
    if subscriptions.forget(person_of(request), request.POST.get("id", "")):
        messages.success(request, _("We won't send push notifications to that browser any more."))
    return redirect("notifications_hub:preferences")
