"""Middleware that checks a request before other middleware reads it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import sync_and_async_middleware

from notifications_hub import is_storable


@sync_and_async_middleware
def storable_requests(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Drop cookies that a database cannot store, and reject an admin query that contains a NUL.

    Django looks up a session cookie, and the admin its query parameters, without checking them first. PostgreSQL
    rejects a NUL, which would end in a server error. Other pages check their own input.
    """
    if not iscoroutinefunction(get_response):

        def respond(request: HttpRequest) -> HttpResponseBase:
            _check(request)
            response: HttpResponseBase = get_response(request)
            return response

        return respond

    async def respond_async(request: HttpRequest) -> HttpResponseBase:
        _check(request)
        response: Awaitable[HttpResponseBase] = get_response(request)
        return await response

    return respond_async


def _check(request: HttpRequest) -> None:
    request.COOKIES = {name: value for name, value in request.COOKIES.items() if is_storable(value)}
    query = request.META.get("QUERY_STRING", "")
    if ("%00" in query or "\0" in query) and request.path.startswith(reverse("admin:index")):
        raise BadRequest("The query contains a NUL character.")
