"""The delivery method `flash`: the next page shows undelivered notifications once, as Django messages.

A message storage over Django's own, so `messages.add_message` works as before. Only a template that iterates the
messages claims notifications. It does so by a conditional update, so two tabs that load at once show them once. When
the response is known, an HTML page confirms the claim. Anything else (a redirect, JSON, an error) releases it. A
streamed page is confirmed after it has been sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message as DjangoMessage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications_hub import flash_claim
from notifications_hub.actions.results import load_results
from notifications_hub.flash_claim import SHOWN, Claim
from notifications_hub.grouping.members import load_groups
from notifications_hub.grouping.words import message_of_group
from notifications_hub.inbox_summary import summary_for
from notifications_hub.message import Message
from notifications_hub.users import Person
from notifications_hub.web.prefetch import is_prefetch

TAGS = "notification"
NAVIGATION = "Hub-Navigation"
"""The request header of a script that replaces the page with the response (`true`), or only a part of it (`false`)."""

_LEVELS = {
    "info": constants.INFO,
    "success": constants.SUCCESS,
    "warning": constants.WARNING,
    "error": constants.ERROR,
}


class Storage(FallbackStorage):
    """A message storage that adds notifications to Django's messages. Set it as `MESSAGE_STORAGE`."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self._claim: Claim | None = None
        self._waiting: int | None = None

    def __iter__(self) -> Iterator[DjangoMessage]:
        if self._claim is None:
            person = _visitor(self.request)
            self._claim = flash_claim.claim_waiting(person, summary_for(self.request)) if person else Claim()
        return chain(super().__iter__(), _messages(self._claim))

    def __len__(self) -> int:
        """Return the number of messages without claiming any. The query runs once, however often a template asks."""
        if self._claim is not None:
            waiting = self._claim.number
        else:
            waiting = self._waiting = self._count() if self._waiting is None else self._waiting
        return super().__len__() + min(waiting, SHOWN + 1)

    def _count(self) -> int:
        person = _visitor(self.request)
        return flash_claim.count_waiting(person, summary_for(self.request)) if person else 0

    def update(self, response: HttpResponseBase) -> list[DjangoMessage] | None:
        # A file shows no messages, and a server may send it without iterating the response.
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            self._settle_after(response)
        else:
            self._settle(response)
        return super().update(response)

    def _settle_after(self, response: StreamingHttpResponse) -> None:
        """Settle the claim after a streamed response has been sent completely.

        If the stream breaks off, its notifications become free when the claim expires.
        """
        content = response.streaming_content
        if isinstance(content, AsyncIterator):
            response.streaming_content = self._settling_async(response, content)
        else:
            response.streaming_content = self._settling(response, content)

    def _settling(self, response: StreamingHttpResponse, content: Iterator[bytes]) -> Iterator[bytes]:
        yield from content
        self._settle(response)

    async def _settling_async(
        self, response: StreamingHttpResponse, content: AsyncIterator[bytes]
    ) -> AsyncIterator[bytes]:
        async for part in content:
            yield part
        await sync_to_async(self._settle)(response)

    def _settle(self, response: HttpResponseBase) -> None:
        if self._claim and self._claim.ids:
            (flash_claim.confirm if _is_page(response) else flash_claim.release)(self._claim)


# Requests and responses that show a page to a person


def _visitor(request: HttpRequest) -> Person | None:
    """Return the signed-in person, or None if the request is anonymous or shows no page."""
    if _is_on_event_loop() or request.method != "GET" or is_prefetch(request) or not _is_navigation(request):
        return None
    person = getattr(request, "user", None)
    return person if person is not None and person.is_authenticated else None


def _is_on_event_loop() -> bool:
    # Django forbids queries while an async view renders, so the next page shows the notifications instead.
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _is_navigation(request: HttpRequest) -> bool:
    """Return whether the response becomes the page, loaded by the browser or by a script that announces it."""
    announced = request.headers.get(NAVIGATION)
    if announced is not None:
        return announced == "true"
    is_loaded = request.headers.get("Sec-Fetch-Dest", "document") in ("document", "iframe", "frame")
    return is_loaded or _is_swapped_by_library(request)


def _is_swapped_by_library(request: HttpRequest) -> bool:
    # Turbo marks all its requests, and adds a second header to those for a part of the page.
    is_turbo_visit = "X-Turbo-Request-Id" in request.headers and "Turbo-Frame" not in request.headers
    return is_turbo_visit or request.headers.get("HX-Boosted") == "true"


def _is_page(response: HttpResponseBase) -> bool:
    return response.status_code == 200 and response.headers.get("Content-Type", "").startswith("text/html")


# Django messages


def _messages(claim: Claim) -> Iterator[DjangoMessage]:
    load_results(claim.newest)
    load_groups(claim.newest)
    for row in claim.newest:
        yield django_message(message_of_group(row))
    if claim.number > SHOWN:
        yield _and_more(claim.number - SHOWN, has_rest=claim.has_rest)


def django_message(message: Message) -> DjangoMessage:
    """Return what the next page shows of a message that nothing delivered."""
    text: str = message.title
    if message.leads_to:
        link = '<a href="{}" target="_blank" rel="noopener noreferrer" data-records="{}">{} <small>({})</small></a>'
        text = format_html(link, message.leads_to, message.url, message.title, _leads_to(message.host))
    elif message.url:
        text = format_html('<a href="{}">{}</a>', message.url, message.title)
    return DjangoMessage(_LEVELS.get(message.level, constants.INFO), text, extra_tags=TAGS)


def _leads_to(host: str) -> str:
    return _("leads to %(host)s") % {"host": host}


def _and_more(count: int, *, has_rest: bool) -> DjangoMessage:
    if has_rest:
        text = _("and over %(count)d more in your inbox") % {"count": count}
    else:
        text = ngettext("and %(count)d more notification", "and %(count)d more notifications", count) % {"count": count}
    with suppress(NoReverseMatch):
        text = format_html('<a href="{}">{}</a>', reverse("notifications_hub:inbox"), text)
    return DjangoMessage(constants.INFO, text, extra_tags=TAGS)
