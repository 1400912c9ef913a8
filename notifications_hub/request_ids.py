"""Ids of requests, for the log: taken from `X-Request-ID` or made, returned in the answer, and in every line.

Put `middleware` first in `MIDDLEWARE`, and `RequestIdFilter` on the handlers of `LOGGING`. Live connections then have
an id too, and so do the lines of a worker about a delivery that the request caused.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

HEADER = "X-Request-ID"
MIDDLEWARE = "notifications_hub.request_ids.middleware"
# What proxies and tracers send, and nothing that could end a line of the log or fill it.
_VALID = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)

_current: ContextVar[str] = ContextVar("notifications_hub_request_id", default="")


def current_request_id() -> str:
    """Return the id of the request in progress, or an empty text."""
    return _current.get()


def begin_request(given: str | None) -> str:
    """Set the id of the request that begins, for its task or thread, and return it. An invalid one is replaced."""
    request_id = given if given and _VALID.fullmatch(given) else uuid.uuid4().hex
    # Never reset: a server writes its access line after the response, and the next request sets its own.
    _current.set(request_id)
    return request_id


@contextmanager
def as_request(request_id: str) -> Iterator[None]:
    """Have the block's lines carry this id."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)


def answer_headers() -> dict[str, str]:
    """Return the header of an answer that passes no middleware."""
    request_id = current_request_id()
    return {HEADER: request_id} if request_id else {}


def are_on() -> bool:
    """Return whether the site has the middleware, so that live connections get an id too."""
    return MIDDLEWARE in settings.MIDDLEWARE


@sync_and_async_middleware
def middleware(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Give each request an id, and return it in the answer."""
    if not iscoroutinefunction(get_response):

        def respond(request: HttpRequest) -> HttpResponseBase:
            request_id = begin_request(request.headers.get(HEADER))
            response: HttpResponseBase = get_response(request)
            response[HEADER] = request_id
            return response

        return respond

    async def respond_async(request: HttpRequest) -> HttpResponseBase:
        request_id = begin_request(request.headers.get(HEADER))
        response: Awaitable[HttpResponseBase] = get_response(request)
        answer = await response
        answer[HEADER] = request_id
        return answer

    return respond_async


class RequestIdFilter(logging.Filter):
    """A filter that adds `request_id` to each record. Put it on handlers, so that it sees the lines of every logger."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id()
        return True
