"""The page that confirms an action: links of emails and pushes lead there, and buttons without a script post to it.

A GET changes nothing. It shows what would be done, or who has done it.
"""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods

from notifications_hub.actions.running import (
    ActionProblem,
    AlreadyDone,
    NoSuchAction,
    NotAllowed,
    action_of,
    check_allowed,
    run_action,
)
from notifications_hub.actions.statuses import status_of
from notifications_hub.inbox import queries
from notifications_hub.inbox.views import InboxEntry
from notifications_hub.inbox.visitor import person_of
from notifications_hub.kinds import Action
from notifications_hub.notification import Notification
from notifications_hub.web.site_paths import same_site_path


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@cache_control(no_store=True, private=True)
def act(request: HttpRequest, item_id: str, name: str) -> HttpResponse:
    """Ask before an action runs, and run it on POST. Then return to `next`, or to the inbox."""
    row = _find(request, item_id)
    try:
        action = action_of(row, name)
        check_allowed(action, row, person_of(request))
    except ActionProblem as problem:
        return _page(request, row, None, problem)
    return _run(request, row, action) if request.method == "POST" else _page(request, row, action)


def _run(request: HttpRequest, row: Notification, action: Action) -> HttpResponse:
    try:
        outcome = run_action(row, action.name, person_of(request), request.POST.get("word", ""))
    except ActionProblem as problem:
        is_over = isinstance(problem, AlreadyDone | NoSuchAction | NotAllowed)
        return _page(request, _find(request, row.item_id), None if is_over else action, problem)
    messages.success(request, outcome.text)
    return HttpResponseRedirect(_next(request))


def _find(request: HttpRequest, item_id: str) -> Notification:
    row = queries.find(person_of(request), item_id)
    if row is None:
        raise Http404
    return row


def _page(
    request: HttpRequest, row: Notification, action: Action | None, problem: ActionProblem | None = None
) -> HttpResponse:
    """Show the notification, with the form of the action if it can still run."""
    context = {
        "item": InboxEntry.of(row),
        "action": action,
        # The item itself says who has done what.
        "problem": "" if problem is None or isinstance(problem, AlreadyDone) else str(problem),
        "word": request.POST.get("word", ""),
        "next": _next(request),
    }
    return TemplateResponse(request, "notifications_hub/act.html", context, status=_status(request, problem))


def _status(request: HttpRequest, problem: ActionProblem | None) -> int:
    """Return 200 for a GET of what somebody has done: a link in an email may be followed later."""
    if problem is None or (isinstance(problem, AlreadyDone) and request.method != "POST"):
        return 200
    return status_of(problem)


def _next(request: HttpRequest) -> str:
    given = request.POST if request.method == "POST" else request.GET
    try:
        return same_site_path(given.get("next", "")) or reverse("notifications_hub:inbox")
    except ValueError:
        return reverse("notifications_hub:inbox")
