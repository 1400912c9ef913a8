"""Middleware that renders pages in the reader's language and time zone, and keeps private pages out of caches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.decorators import sync_and_async_middleware

from accounts.models import User
from accounts.people import language_of, zone_of

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class PersonalLocaleMiddleware:
    """Activate the language and time zone of the signed-in person.

    Must come after AuthenticationMiddleware. Anonymous visitors keep the language that LocaleMiddleware chose.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._respond_async(request)
        with _locale_of(request.user):
            return _with_content_language(self.get_response(request))  # type: ignore[arg-type]

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        with _locale_of(await request.auser()):
            return _with_content_language(await self.get_response(request))  # type: ignore[misc]


@contextmanager
def _locale_of(person: User | AnonymousUser) -> Iterator[None]:
    if not isinstance(person, User):
        yield
        return
    # Override instead of activate: the thread serves another person next, and no middleware resets a time zone.
    with translation.override(language_of(person)), timezone.override(zone_of(person)):
        yield


def _with_content_language(response: HttpResponseBase) -> HttpResponseBase:
    # Without this header LocaleMiddleware, which wraps this middleware, would set the language the browser asked for.
    response.headers.setdefault("Content-Language", translation.get_language())
    return response


@sync_and_async_middleware
def private_pages(get_response: GetResponse) -> GetResponse:
    """Keep pages of signed-in people out of caches, so that the back button shows none of them after a sign-out.

    Must come after AuthenticationMiddleware. A response that has a Cache-Control header already is left alone.
    """
    if iscoroutinefunction(get_response):

        async def respond_async(request: HttpRequest) -> HttpResponseBase:
            return _uncached(await get_response(request), await request.auser())

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        return _uncached(get_response(request), request.user)  # type: ignore[arg-type]

    return respond


def _uncached(response: HttpResponseBase, person: User | AnonymousUser) -> HttpResponseBase:
    if person.is_authenticated and not response.has_header("Cache-Control"):
        patch_cache_control(response, private=True, no_store=True)
    return response
