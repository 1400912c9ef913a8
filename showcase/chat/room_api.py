"""Requests of a room's page: history, sending, reading, presence. They answer scripts and plain forms alike."""

from __future__ import annotations

from math import ceil

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from notifications_hub import start_cursor
from showcase.chat import history, presence, rooms
from showcase.chat.faces import as_json
from showcase.chat.forms import MessageForm
from showcase.chat.models import Membership
from showcase.chat.sending import Sent, TooFast, send
from showcase.chat.views import before_of, show, topics_of
from showcase.chat.visitor import membership_of, number, private, wants_json


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@private
def room_messages(request: HttpRequest, slug: str) -> HttpResponse:
    membership = membership_of(request, slug)
    return _send(request, membership) if request.method == "POST" else _history(request, membership)


def _history(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Return a page of messages with the cursor from which the stream continues them."""
    cursor = start_cursor(membership.person, topics_of(membership))
    page = history.page(membership.room, before_of(request))
    results = [as_json(message) for message in page.messages]
    return JsonResponse({"results": results, "older": page.has_older, "cursor": cursor})


def _send(request: HttpRequest, membership: Membership) -> HttpResponse:
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _invalid(request, membership, form)
    try:
        sent = send(membership.room, membership.person, form.cleaned_data["body"], form.cleaned_data["client_id"])
    except TooFast as error:
        return _too_fast(request, membership, form, ceil(error.seconds))
    return _sent(request, sent)


def _sent(request: HttpRequest, sent: Sent) -> HttpResponse:
    if wants_json(request):
        return JsonResponse(as_json(sent.message), status=201 if sent.is_new else 200)
    return redirect(sent.message)


def _invalid(request: HttpRequest, membership: Membership, form: MessageForm) -> HttpResponse:
    if wants_json(request):
        detail = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return JsonResponse({"detail": detail}, status=400)
    return show(request, membership, form, status=400)


def _too_fast(request: HttpRequest, membership: Membership, form: MessageForm, seconds: int) -> HttpResponse:
    detail = ngettext(
        "You're sending messages too fast. Try again in %(seconds)d second.",
        "You're sending messages too fast. Try again in %(seconds)d seconds.",
        seconds,
    ) % {"seconds": seconds}
    headers = {"Retry-After": str(seconds)}
    if wants_json(request):
        return JsonResponse({"detail": detail}, status=429, headers=headers)
    messages.warning(request, detail)
    response = show(request, membership, form, status=429)
    response["Retry-After"] = str(seconds)
    return response


@require_POST
@login_required
@private
def mark_read(request: HttpRequest, slug: str) -> HttpResponse:
    membership = membership_of(request, slug)
    rooms.read(membership, number(request.POST.get("through", "")))
    return HttpResponse(status=204) if wants_json(request) else redirect(membership.room)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@private
def people_here(request: HttpRequest, slug: str) -> HttpResponse:
    """Return the people who have the room open. A POST reports that this person is typing."""
    membership = membership_of(request, slug)
    if request.method == "POST":
        presence.report_typing(membership)
        return HttpResponse(status=204)
    return JsonResponse({"here": presence.people_in(membership.room)})
