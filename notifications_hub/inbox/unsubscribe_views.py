"""The page behind the links in emails. It needs no sign-in, signs nobody in, and a GET changes nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from notifications_hub.inbox import unsubscribing
from notifications_hub.kinds import kind_of
from notifications_hub.message import localized_for
from notifications_hub.transports.email.unsubscribe_links import InvalidLink, Subscription, subscription_in
from notifications_hub.use.models import Source

_TEMPLATE = "notifications_hub/unsubscribe.html"


# A mail program posts without a cookie (RFC 8058). The link itself is the secret, so no other site can post to it.
@login_not_required
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@cache_control(no_store=True, private=True)
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button, since programs that scan mails open their links. A POST switches the emails off, or on again."""
    try:
        subscription = subscription_in(token)
    except InvalidLink:
        return _page(request, {"state": "invalid"}, status=404)
    person = unsubscribing.person_of(subscription)
    if person is None:
        return _page(request, {"state": "invalid"}, status=404)
    with localized_for(person):
        found = _changed(request, subscription) if request.method == "POST" else _state_of(subscription)
        return _page(request, {**found, "kind": _label(subscription), "kept": unsubscribing.kept(subscription)})


def _state_of(subscription: Subscription) -> dict[str, Any]:
    return {"state": unsubscribing.state_of(subscription).value}


def _changed(request: HttpRequest, subscription: Subscription) -> dict[str, Any]:
    if "undo" in request.POST:
        try:
            unsubscribing.undo(subscription, request.POST["undo"])
        except unsubscribing.CannotUndo:
            return _state_of(subscription)
        return {"state": "again"}
    # The body of RFC 8058, which mail programs post.
    is_one_click = request.POST.get("List-Unsubscribe") == "One-Click"
    changed = unsubscribing.unsubscribe(subscription, Source.ONE_CLICK if is_one_click else Source.LINK)
    return {**_state_of(subscription), "undo": unsubscribing.undo_token(subscription, changed) if changed else ""}


def _label(subscription: Subscription) -> str:
    return ", ".join(str(kind.label or kind.name) for kind in map(kind_of, subscription.kinds))


def _page(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    # Rendered here, in the person's language.
    response = HttpResponse(render_to_string(_TEMPLATE, context, request), status=status)
    # The link must not reach other sites.
    response["Referrer-Policy"] = "no-referrer"
    return response
