"""The road of the next page: what no other road told is shown once as a Django message.

A message storage over Django's own, so `messages.add_message` is untouched. Only a template that iterates the messages
takes notifications, by a conditional update, so two tabs that load at once show them once. Once the response is known
they are confirmed for an HTML page, and released for anything else (a redirect, JSON, an error).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message as DjangoMessage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import ngettext

from notifications_hub import delivery
from notifications_hub.announcements.announce import make_rows
from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Road
from notifications_hub.live.presence import is_connected
from notifications_hub.notification import InboxQuerySet, Notification

SHOWN = 3
CLAIM = timedelta(seconds=30)
"""How long a claim holds when its process dies between the page and the confirmation."""
TAGS = "notification"

_LEVELS = {
    "info": constants.INFO,
    "success": constants.SUCCESS,
    "warning": constants.WARNING,
    "error": constants.ERROR,
}


class Storage(FallbackStorage):
    """Set it as `MESSAGE_STORAGE`."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self._claimed: list[Notification] | None = None

    def __iter__(self) -> Iterator[DjangoMessage]:
        if self._claimed is None:
            self._claimed = _claim(self.request) if _may_show(self.request) else []
        return chain(super().__iter__(), _messages(self._claimed))

    def __len__(self) -> int:
        """Counts without taking."""
        if self._claimed is None:
            waiting = _waiting(self.request).count() if _may_show(self.request) else 0
        else:
            waiting = len(self._claimed)
        return super().__len__() + min(waiting, SHOWN + 1)

    def update(self, response: HttpResponseBase) -> list[DjangoMessage] | None:
        if self._claimed:
            _settle([row.pk for row in self._claimed], shown=_is_page(response))
        return super().update(response)


# Which requests and responses show a page to a person


def _may_show(request: HttpRequest) -> bool:
    person = getattr(request, "user", None)
    is_visit = request.method == "GET" and not _is_prefetch(request) and _is_navigation(request)
    return is_visit and person is not None and person.is_authenticated


def _is_prefetch(request: HttpRequest) -> bool:
    headers = ("Sec-Purpose", "Purpose", "X-Moz", "X-Purpose")
    return any(
        "prefetch" in request.headers.get(name, "") or "preview" in request.headers.get(name, "") for name in headers
    )


def _is_navigation(request: HttpRequest) -> bool:
    return request.headers.get("Sec-Fetch-Dest", "document") in ("document", "iframe", "frame")


def _is_page(response: HttpResponseBase) -> bool:
    return response.status_code == 200 and response.headers.get("Content-Type", "").startswith("text/html")


# Claim, confirm, release


def _waiting(request: HttpRequest) -> InboxQuerySet:
    """What no road has told this person. Open pages get their time to show and acknowledge what is new."""
    now = datetime.now(UTC)
    unclaimed = Q(flash_claimed_until=None) | Q(flash_claimed_until__lt=now)
    untold = Notification.objects.unread().filter(
        unclaimed, recipient_id=request.user.pk, told_at=None, flash=True, archived_at=None
    )
    if is_connected(request.user.pk):
        untold = untold.filter(timestamp__lt=now - timedelta(seconds=hub_settings.ack_window))
    return untold


def _claim(request: HttpRequest) -> list[Notification]:
    make_rows(request.user)  # type: ignore[arg-type] -- signed in, as _may_show has seen
    waiting = _waiting(request)
    if not waiting.exists():
        return []
    claim = uuid.uuid4()
    waiting.update(flash_claim=claim, flash_claimed_until=datetime.now(UTC) + CLAIM)
    claimed = Notification.objects.filter(recipient_id=request.user.pk, flash_claim=claim)
    return list(claimed.select_related("announcement").prefetch_related("announcement__translations"))


def _settle(ids: Sequence[int], *, shown: bool) -> None:
    if shown:
        delivery.tell(ids, Road.FLASH)
    else:
        Notification.objects.filter(pk__in=ids).update(flash_claim=None, flash_claimed_until=None)


# In words


def _messages(claimed: Sequence[Notification]) -> Iterator[DjangoMessage]:
    for row in claimed[:SHOWN]:
        yield _as_message(row)
    if len(claimed) > SHOWN:
        yield _and_more(len(claimed) - SHOWN)


def _as_message(row: Notification) -> DjangoMessage:
    message = row.message()
    text = format_html('<a href="{}">{}</a>', message.url, message.title) if message.url else message.title
    return DjangoMessage(_LEVELS[message.level], text, extra_tags=TAGS)


def _and_more(count: int) -> DjangoMessage:
    words = ngettext("and %(count)d more notification", "and %(count)d more notifications", count) % {"count": count}
    try:
        text = format_html('<a href="{}">{}</a>', reverse("notifications_hub:inbox"), words)
    except NoReverseMatch:
        text = words
    return DjangoMessage(constants.INFO, text, extra_tags=TAGS)
