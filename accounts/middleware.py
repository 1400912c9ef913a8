"""Pages in the language and the time zone of the person who reads them, and kept by nobody else."""

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
    """Comes after AuthenticationMiddleware. Whoever is not signed in keeps what LocaleMiddleware chose."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._answer_later(request)
        with _locale_of(request.user):
            return _labelled(self.get_response(request))  # type: ignore[arg-type]

    async def _answer_later(self, request: HttpRequest) -> HttpResponseBase:
        with _locale_of(await request.auser()):
            return _labelled(await self.get_response(request))  # type: ignore[misc]


@contextmanager
def _locale_of(person: User | AnonymousUser) -> Iterator[None]:
    if not isinstance(person, User):
        yield
        return
    # Overridden, not activated: a thread serves somebody else next, and a time zone has no middleware to reset it.
    with translation.override(language_of(person)), timezone.override(zone_of(person)):
        yield


def _labelled(response: HttpResponseBase) -> HttpResponseBase:
    # LocaleMiddleware, outside of this one, would name the language that the browser asked for.
    response.headers.setdefault("Content-Language", translation.get_language())
    return response


@sync_and_async_middleware
def private_pages(get_response: GetResponse) -> GetResponse:
    """Keep pages of signed-in people out of caches: nobody may find them by the back button after a sign-out.

    Comes after AuthenticationMiddleware. A view that says itself how long it may be kept is left alone.
    """
    if iscoroutinefunction(get_response):

        async def answer_later(request: HttpRequest) -> HttpResponseBase:
            return _private(await get_response(request), await request.auser())

        return answer_later

    def answer(request: HttpRequest) -> HttpResponseBase:
        return _private(get_response(request), request.user)  # type: ignore[arg-type]

    return answer


def _private(response: HttpResponseBase, person: User | AnonymousUser) -> HttpResponseBase:
    if person.is_authenticated and not response.has_header("Cache-Control"):
        patch_cache_control(response, private=True, no_store=True)
    return response
