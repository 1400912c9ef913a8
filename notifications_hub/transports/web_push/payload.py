"""The payload of a push: the wire form of a message, shortened to fit.

The outer form is Declarative Web Push (`"web_push": 8030`), which Safari shows without waking a worker.
The rest is for `service_worker/push.js`. Both sides are tested against the sample `tests/payloads/push.json`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urljoin

from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils import translation
from django.utils.translation import gettext as _

from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Action, Privacy
from notifications_hub.message import Message, veiled
from notifications_hub.preference_links import preferences_of
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.users import pseudonym_of
from notifications_hub.web.text import balanced

MAX_BYTES = 3993  # of plain text: push services take 4,096 bytes of cipher text
UNFOLLOW = "hub-unfollow"
"""The name of the button that unfollows, which the service worker knows."""
ELLIPSIS = "…"
SHOWN_ACTIONS = 2
"""Buttons that most devices show."""
_OPEN, _PREFERENCES = "open", "preferences"
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def encode_for(browser: PushSubscription, message: Message) -> bytes:
    return encode(message, owner=pseudonym_of(browser.owner_id), site=browser.site)


def encode(message: Message, limit: int = MAX_BYTES, *, owner: str = "", site: str = "") -> bytes:
    """Return JSON of at most `limit` bytes. A message that is too long is shortened, the body first, never refused.

    `owner` is the opaque name of the browser's owner. With it the worker sees that nobody else is signed in there.
    `site` is the root of absolute links if `SITE_URL` is not set.
    """
    envelope = _Envelope(owner=owner, site=hub_settings.site_url or site, limit=limit)
    message = _with_preferences(_with_unfollow(veiled(message)))
    for shorten in (_as_it_is, _shorten_body, _without_actions, _shorten_title, _without_url):
        message = shorten(message, envelope)
        sealed = envelope.seal(message)
        if len(sealed) <= limit:
            break
    return sealed


@dataclass(frozen=True, kw_only=True, slots=True)
class _Envelope:
    owner: str
    site: str
    limit: int

    def seal(self, message: Message) -> bytes:
        return _JSON.encode(self._shape(message)).encode("utf-8", "replace")

    def fits(self, message: Message) -> bool:
        return len(self.seal(message)) <= self.limit

    def _shape(self, message: Message) -> dict[str, Any]:
        url = message.url or _inbox()
        notification: dict[str, Any] = {
            "title": message.title,
            "body": message.body,
            "navigate": self._absolute(url),
            "tag": message.tag,
            "lang": message.language,
            "dir": "auto",
            # A page finds by this what the browser has shown without our worker.
            "data": {"notificationsHub": {"id": message.id, "owner": self.owner}},
        }
        if message.retracts:
            return self._retraction(message)
        if message.avatar:
            notification["icon"] = self._absolute(message.avatar)
        if message.repeat:
            notification["renotify"] = True
        if message.actions:
            notification["actions"] = [self._action(action, url) for action in message.actions]
        return {
            "web_push": 8030,
            "notification": notification,
            "id": message.id,
            "url": url,
            "kind": message.kind,
            "owner": self.owner,
            "token": message.token,
            "act": message.act_url,
        }

    def _retraction(self, message: Message) -> dict[str, Any]:
        """Return a push for a worker. A declarative one would show its words in Safari, and leave them there."""
        notification = {"title": message.title, "tag": message.tag, "lang": message.language, "dir": "auto"}
        return {"retracts": True, "notification": notification, "id": message.id, "owner": self.owner}

    def _action(self, action: Action, url: str) -> dict[str, Any]:
        button = {"action": action.name, "title": str(action.title), "navigate": self._absolute(action.url or url)}
        # One that asks for a word needs the page that asks.
        return {**button, "runs": True} if action.run is not None and not action.asks else button

    def _absolute(self, url: str) -> str:
        return urljoin(self.site, url) if self.site else url


def _with_unfollow(message: Message) -> Message:
    """Return the message with a button that unfollows. Devices show two, so it takes the place of one to open it."""
    if not message.unfollow_url or message.privacy is Privacy.NOTHING:
        return message
    kept = [one for one in message.actions if one.name != _OPEN or one.url]
    with translation.override(message.language):
        button = Action(name=UNFOLLOW, title=_("Unfollow"), url=message.unfollow_url)
    return replace(message, actions=(*kept, button))


def _inbox() -> str:
    try:
        return reverse("notifications_hub:inbox")
    except NoReverseMatch:
        return get_script_prefix()


# Buttons


def _with_preferences(message: Message) -> Message:
    """Add a button that leads to the preferences of the message's kind."""
    url = preferences_of(message.kind)
    if not url or message.retracts or any(action.name == _PREFERENCES for action in message.actions):
        return message
    with translation.override(message.language):
        button = Action(name=_PREFERENCES, title=_("Preferences"), url=url)
    return replace(message, actions=_arranged(message.actions, button))


def _arranged(actions: Sequence[Action], button: Action) -> tuple[Action, ...]:
    """Return the actions with one more. Most devices show two, and a click on the push opens it in any case."""
    if len(actions) < SHOWN_ACTIONS:
        return (*actions, button)
    others = [action for action in actions if action.name != _OPEN or action.url]
    plain = [action for action in actions if action not in others]
    return (*others[: SHOWN_ACTIONS - 1], button, *others[SHOWN_ACTIONS - 1 :], *plain) if plain else (*actions, button)


# Shortening


def _as_it_is(message: Message, envelope: _Envelope) -> Message:
    return message


def _shorten_body(message: Message, envelope: _Envelope) -> Message:
    return _longest(message.body, lambda text: replace(message, body=text), envelope)


def _shorten_title(message: Message, envelope: _Envelope) -> Message:
    return _longest(message.title, lambda text: replace(message, title=text), envelope)


def _without_actions(message: Message, envelope: _Envelope) -> Message:
    return replace(message, actions=(), avatar="")


def _without_url(message: Message, envelope: _Envelope) -> Message:
    return replace(message, url="")


def _longest(text: str, with_text: Callable[[str], Message], envelope: _Envelope) -> Message:
    """Return the message with as many characters of `text` as fit, by binary search: JSON escapes vary in length."""
    fits, too_many = 0, len(text)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if envelope.fits(with_text(_cut(text, middle))):
            fits = middle
        else:
            too_many = middle
    return with_text(_cut(text, fits))


def _cut(text: str, length: int) -> str:
    return balanced(text[:length].rstrip() + ELLIPSIS) if length else ""
