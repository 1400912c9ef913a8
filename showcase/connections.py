"""The four kinds of connection side by side: a page that opens all of them on one topic of its reader's own."""

from __future__ import annotations

import re

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from notifications_hub import check_rate, live_url, publish, start_cursor
from showcase.chat.visitor import person_of, private

KINDS = ("ws", "sse", "poll", "plain-poll")
RATE = "200/10s"
"""A burst and a cut at once, and no flood."""

_NUMBER = re.compile(r"\d{1,9}", re.ASCII)
_RUN = re.compile(r"[0-9a-f]{1,32}", re.ASCII)


@require_safe
@login_required
@private
def connections_page(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    topic = lab_topic(person)
    context = {
        "topic": topic,
        "cursor": start_cursor(person, [topic]),
        "live": live_url(person),
        "csrf": get_token(request),
        "kinds": KINDS,
    }
    return render(request, "showcase/connections/page.html", context)


@require_POST
@login_required
def send_event(request: HttpRequest) -> HttpResponse:
    """Sends its caller, and nobody else, one event: the `n`th of a `run`, which tells one page from another."""
    n, run = request.POST.get("n", ""), request.POST.get("run", "")
    if not _NUMBER.fullmatch(n) or not _RUN.fullmatch(run):
        return JsonResponse({"detail": _("An event has a number and a run.")}, status=400)
    if seconds := check_rate(f"lab:{person_of(request).pk}", RATE):
        headers = {"Retry-After": str(seconds)}
        return JsonResponse({"detail": _("That is enough for now. Wait a few seconds.")}, status=429, headers=headers)
    publish(lab_topic(person_of(request)), "lab.event", {"n": int(n), "run": run})
    return HttpResponse(status=204)


def lab_topic(person: User) -> str:
    return f"lab.{person.pk}"
