"""Pages in the language and the time zone of the person who reads them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone, translation

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
