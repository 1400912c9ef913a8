"""Middleware that cleans a request before anything else reads it."""

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
    """Forget cookies that no database could look up, and refuse a query of the admin that holds a NUL.

    Django looks up the session of a cookie, and the admin what a query names, without a check of its own. PostgreSQL
    refuses a NUL, and the answer would be an error of the server. Other pages check what they are sent.
    """
    if not iscoroutinefunction(get_response):

        def answer(request: HttpRequest) -> HttpResponseBase:
            _check(request)
            response: HttpResponseBase = get_response(request)
            return response

        return answer

    async def answer_later(request: HttpRequest) -> HttpResponseBase:
        _check(request)
        response: Awaitable[HttpResponseBase] = get_response(request)
        return await response

    return answer_later


def _check(request: HttpRequest) -> None:
    request.COOKIES = {name: value for name, value in request.COOKIES.items() if is_storable(value)}
    query = request.META.get("QUERY_STRING", "")
    if ("%00" in query or "\0" in query) and request.path.startswith(reverse("admin:index")):
        raise BadRequest("An address holds no NUL character.")
