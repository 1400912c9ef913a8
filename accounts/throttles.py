"""Rate limits of the site's forms, per person and per IP address. `settings.RATES` holds the rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from notifications_hub import check_rate, client_ip, throttle_key, wait_in_words

View = Callable[..., HttpResponseBase]


def throttled(scope: str) -> Callable[[View], View]:
    """Answer 429 to POST requests above the rates of this scope. Other methods are not counted."""

    def decorate(view: View) -> View:
        @wraps(view)
        def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST" and (seconds := _seconds_to_wait(request, scope)):
                return too_many(request, seconds)
            return view(request, *args, **kwargs)

        return respond

    return decorate


def _seconds_to_wait(request: HttpRequest, scope: str) -> int:
    rates = settings.RATES[scope]
    by_person = check_rate(f"{scope}:{request.user.pk}", rates["person"]) if request.user.is_authenticated else 0
    # A request refused by the person's limit must not use up the limit that others at that address share.
    return by_person or check_rate(f"{scope}:{throttle_key(request)}", rates["address"])


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return a 429 response with the time to wait, as a page or as JSON."""
    headers = {"Retry-After": str(seconds)}
    words = wait_in_words(seconds)
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"detail": words}, status=429, headers=headers)
    response = render(request, "429.html", {"words": words}, status=429)
    response["Retry-After"] = headers["Retry-After"]
    return response


def locked_out(request: HttpRequest, *ignored: object) -> HttpResponse:
    """Return the response to a sign-in after too many wrong passwords; django-axes calls this."""
    return too_many(request, int(settings.AXES_COOLOFF_TIME.total_seconds()))


def sign_in_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name that wrong passwords are counted by, cut to the length of the django-axes column."""
    given = request.POST if credentials is None else credentials
    return str(given.get("username") or "")[:255]


def sign_in_address(request: HttpRequest) -> str | None:
    """Return the address that wrong passwords are counted by, or None: the PostgreSQL column accepts only addresses."""
    return throttle_key(request) if client_ip(request) else None
