"""Middleware that renders pages in the reader's language and time zone, and keeps private pages out of caches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.decorators import sync_and_async_middleware

from accounts.models import User
from accounts.people import chosen_language, zone_of

GetResponse = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]


class PersonalLocaleMiddleware:
    """Activate the language and time zone of the signed-in person.

    Must come after AuthenticationMiddleware. Anonymous visitors, and people who never chose a language, keep the one
    that LocaleMiddleware chose. Theirs is remembered for pushes, with a write only when it changes.
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
        if found := _language_to_remember(request, request.user):
            found.rows.update(browser_language=found.language)
        with _locale_of(request.user):
            return _with_content_language(self.get_response(request))  # type: ignore[arg-type]

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        person = await request.auser()
        if found := _language_to_remember(request, person):
            await found.rows.aupdate(browser_language=found.language)
        with _locale_of(person):
            return _with_content_language(await self.get_response(request))  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class _BrowserLanguage:
    rows: QuerySet[User]
    language: str


def _language_to_remember(request: HttpRequest, person: User | AnonymousUser) -> _BrowserLanguage | None:
    """Return the language of this visit if it differs from the last one, for a person who never chose."""
    language = translation.get_language()
    # Only what a person opens counts: a script may ask in any language.
    is_visit = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    if not is_visit or not isinstance(person, User) or chosen_language(person):
        return None
    if language in (person.browser_language, None):
        return None
    return _BrowserLanguage(User.objects.filter(pk=person.pk), language)


@contextmanager
def _locale_of(person: User | AnonymousUser) -> Iterator[None]:
    if not isinstance(person, User):
        yield
        return
    # Override instead of activate: the thread serves another person next, and no middleware resets a time zone.
    language = chosen_language(person) or translation.get_language()
    with translation.override(language), timezone.override(zone_of(person)):
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
            response = await get_response(request)
            return response if _failed(response) else _uncached(response, await request.auser())

        return respond_async

    def respond(request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = get_response(request)  # type: ignore[assignment]
        return response if _failed(response) else _uncached(response, request.user)

    return respond


def _failed(response: HttpResponseBase) -> bool:
    # The database may be away, and to ask it who this is would keep the person waiting once more.
    return response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR


def _uncached(response: HttpResponseBase, person: User | AnonymousUser) -> HttpResponseBase:
    if person.is_authenticated and not response.has_header("Cache-Control"):
        patch_cache_control(response, private=True, no_store=True)
    return response
