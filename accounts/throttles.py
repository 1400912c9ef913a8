"""How often a person, and an address, may do what costs the site or other people something: `settings.RATES`."""

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
    """Answer 429 to a POST beyond the rates of this scope. What is only looked at is not counted."""

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method == "POST" and (seconds := _seconds_to_wait(request, scope)):
                return too_many(request, seconds)
            return view(request, *args, **kwargs)

        return answer

    return decorate


def _seconds_to_wait(request: HttpRequest, scope: str) -> int:
    rates = settings.RATES[scope]
    by_person = check_rate(f"{scope}:{request.user.pk}", rates["person"]) if request.user.is_authenticated else 0
    # Whoever is refused as a person does not use up what the others at their address have.
    return by_person or check_rate(f"{scope}:{throttle_key(request)}", rates["address"])


def too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    """Say how long to wait, as a page or as JSON."""
    headers = {"Retry-After": str(seconds)}
    words = wait_in_words(seconds)
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return JsonResponse({"detail": words}, status=429, headers=headers)
    response = render(request, "429.html", {"words": words}, status=429)
    response["Retry-After"] = headers["Retry-After"]
    return response


def locked_out(request: HttpRequest, *ignored: object) -> HttpResponse:
    """Answer a sign-in after too many wrong passwords; django-axes hands over more than is used here."""
    return too_many(request, int(settings.AXES_COOLOFF_TIME.total_seconds()))


def sign_in_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str:
    """Return the name that wrong passwords are counted by, as long as django-axes stores."""
    given = request.POST if credentials is None else credentials
    return str(given.get("username") or "")[:255]


def sign_in_address(request: HttpRequest) -> str | None:
    """Return the address that wrong passwords are counted by. PostgreSQL stores nothing but addresses in its column."""
    return throttle_key(request) if client_ip(request) else None
