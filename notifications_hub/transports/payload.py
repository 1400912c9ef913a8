"""What a browser's service worker is handed: the wire form of a message, and how it is made to fit.

The outer form is Declarative Web Push (`"web_push": 8030`), which Safari shows without waking a worker; the rest is for
`service_worker/push.js`. `tests/payloads/push.json` is a sample that both sides are tested against.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urljoin

from django.urls import NoReverseMatch, get_script_prefix, reverse

from notifications_hub.conf import hub_settings
from notifications_hub.message import Action, Message

MAX_BYTES = 3993  # of plain text: push services take 4,096 bytes of cipher text
ELLIPSIS = "…"


def encode(message: Message, limit: int = MAX_BYTES) -> bytes:
    """JSON of at most `limit` bytes: what is too long is shortened, the body first, and never refused."""
    for shorten in (_as_it_is, _shorten_body, _without_actions, _shorten_title, _without_url):
        message = shorten(message, limit)
        payload = _json(message)
        if len(payload) <= limit:
            break
    return payload


def _json(message: Message) -> bytes:
    text = json.dumps(_shape(message), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _shape(message: Message) -> dict[str, Any]:
    url = message.url or _inbox()
    notification: dict[str, Any] = {
        "title": message.title,
        "body": message.body,
        "navigate": _absolute(url),
        "tag": message.tag,
        "lang": message.language,
        "dir": "auto",
    }
    if message.actions:
        notification["actions"] = [_action(action, url) for action in message.actions]
    return {
        "web_push": 8030,
        "notification": notification,
        "id": message.id,
        "url": url,
        "kind": message.kind,
        "token": message.token,
        "act": message.act_url,
    }


def _inbox() -> str:
    try:
        return reverse("notifications_hub:inbox")
    except NoReverseMatch:
        return get_script_prefix()


def _action(action: Action, url: str) -> dict[str, str]:
    return {"action": action.name, "title": action.title, "navigate": _absolute(action.url or url)}


def _absolute(url: str) -> str:
    return urljoin(hub_settings.site_url, url) if hub_settings.site_url else url


def _as_it_is(message: Message, limit: int) -> Message:
    return message


def _shorten_body(message: Message, limit: int) -> Message:
    return _longest(message.body, lambda text: replace(message, body=text), limit)


def _shorten_title(message: Message, limit: int) -> Message:
    return _longest(message.title, lambda text: replace(message, title=text), limit)


def _without_actions(message: Message, limit: int) -> Message:
    return replace(message, actions=())


def _without_url(message: Message, limit: int) -> Message:
    return replace(message, url="")


def _longest(text: str, with_text: Callable[[str], Message], limit: int) -> Message:
    """The message with as many characters of `text` as fit; a search by halves, since JSON escapes vary in length."""
    fits, too_many = 0, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(_json(with_text(_cut(text, middle)))) <= limit:
            fits = middle
        else:
            too_many = middle
    return with_text(_cut(text, fits))


def _cut(text: str, length: int) -> str:
    return text[:length].rstrip() + ELLIPSIS if length else ""
