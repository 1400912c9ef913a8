"""The rendered form of a notification, which the inbox and every delivery method share.

All of them use this one text, so it cannot differ between the bell, a toast, a flash and a push.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import timezone, translation
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Action, Privacy, Urgency, open_and_read
from notifications_hub.users import Person
from notifications_hub.web.outside_links import host_of
from notifications_hub.web.text import balanced

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """The result of an action, in the active language: who did what, and what came of it."""

    action: str
    text: str
    detail: str
    by: str
    at: datetime

    def as_json(self) -> dict[str, str]:
        return {
            "action": self.action,
            "text": self.text,
            "detail": self.detail,
            "by": self.by,
            "at": timestamp(self.at),
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A notification in a digest: plain text, paths of this site or none, and when it was, in the person's zone."""

    title: str
    body: str
    url: str
    at: datetime
    because: str = ""
    unfollow_url: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """The notifications of a kind in a digest, newest first. `label` is what people read of the kind."""

    kind: str
    label: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Message:
    """A rendered notification, all plain text. With `token` and `act_url` a service worker reports without a cookie.

    `url` is a path of this site. An announcement may also name a page of another site, in `leads_to`. Only pages link
    there, and say so. With `retracts`, it takes back the message with the same tag, and its title says so.
    Messages about the same target have the same `thread`, which is empty without a target. A message that is sent
    again on purpose, by an escalation or after a snooze, has another number in `repeat`. With `must_acknowledge`, the
    person is asked to confirm it. Once an action has run, `outcome` says what came of it, and no action that runs is
    left.

    A digest has `sections`, and `more` is the number of older notifications without a line. A message that has waited
    keeps its `group` when it is sent again, whatever the person has read meanwhile.

    `reason` is the code of why the person gets it, and `because` says it in words; both may be empty. `followed` is the
    signed reference of the thing that the person may unfollow. A transport also gets the link, in `unfollow_url`.

    `avatar` is the address of the actor's picture, on this site or at https, and empty without the setting `AVATAR`.
    """

    id: str
    kind: str
    title: str
    body: str = ""
    url: str = ""
    level: str = "info"
    icon: str = "bell"
    avatar: str = ""
    tag: str = ""
    language: str = "en"
    urgency: Urgency = Urgency.NORMAL
    ttl: int = 86_400
    privacy: Privacy = Privacy.FULL
    actions: tuple[Action, ...] = ()
    token: str = ""
    act_url: str = ""
    retracts: bool = False
    leads_to: str = ""
    thread: str = ""
    repeat: int = 0
    outcome: Outcome | None = None
    must_acknowledge: bool = False
    sections: tuple[Section, ...] = ()
    more: int = 0
    group: str = ""
    reason: str = ""
    because: str = ""
    followed: str = ""
    unfollow_url: str = ""

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The actions that run, as JSON for pages."""
        return [_button(action) for action in self.actions if action.run is not None]

    @property
    def host(self) -> str:
        """The name of the other site that it leads to; empty for a page of this site."""
        return host_of(self.leads_to)


SHORT_TITLE, SHORT_BODY = 60, 120
CONFIRM = "acknowledge"
"""The name of the button that confirms."""
SHOWN_SECONDS = 14 * 86_400
"""The longest that a message is expected to stay on a screen after it was sent."""


def shortened(message: Message) -> Message:
    """Return the message with a shorter title and body and without actions, for a transport that found it too long."""
    title, body = (
        balanced(Truncator(text).chars(most))
        for text, most in ((message.title, SHORT_TITLE), (message.body, SHORT_BODY))
    )
    return replace(message, title=title, body=body, actions=())


def retraction_of(message: Message) -> Message:
    """Return the message that takes another back, in the active language. It repeats none of its words."""
    return replace(
        message,
        title=_("This announcement was withdrawn."),
        body="",
        url="",
        leads_to="",
        level="info",
        avatar="",
        urgency=Urgency.NORMAL,
        ttl=SHOWN_SECONDS,
        privacy=Privacy.FULL,
        actions=(),
        retracts=True,
    )


def to_confirm(message: Message, page: str) -> Message:
    """Return the message with a button to confirm it, in the active language. An email's leads to the `page`."""
    confirm = Action(name=CONFIRM, title=_("Confirm"), url=page)
    # Most devices show two buttons. Confirming also reads it.
    others = (one for one in message.actions if one.name not in ("read", confirm.name))
    return replace(message, must_acknowledge=True, actions=(confirm, *others))


def page_to_confirm(message: Message) -> str:
    """Return the path of the page on which the person confirms it."""
    return next((action.url for action in message.actions if action.name == CONFIRM), "")


def list_to_confirm() -> str:
    """Return the path of the inbox page with all that a person must confirm; empty on a site without these pages."""
    try:
        return f"{reverse('notifications_hub:inbox')}?show=unconfirmed"
    except NoReverseMatch:
        return ""


def veiled(message: Message) -> Message:
    """Return the part of a message that passers-by may read on a locked screen, according to its kind's privacy."""
    if message.privacy is Privacy.FULL:
        return message
    if message.privacy is Privacy.TITLE:
        return replace(message, body="")
    with translation.override(message.language):
        # The kind's own buttons would reveal the subject.
        actions = tuple(open_and_read()) if message.actions else ()
        plain = replace(message, title=_("You have a new notification"), body="", avatar="", actions=actions)
        return to_confirm(plain, page_to_confirm(message)) if message.must_acknowledge else plain


def time_to_live(ttl: int | None) -> int:
    """Return a kind's `ttl` in seconds, or the site's `PUSH_TTL` if it is None. At least 1."""
    return max(1, hub_settings.push_ttl if ttl is None else ttl)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One entry of an inbox: a message and its state."""

    message: Message
    at: datetime
    actor: str = ""
    target: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    unread: bool = True
    seen: bool = False
    archived: bool = False
    delivered: bool = False
    toast: bool = True
    translations: Mapping[str, Mapping[str, str]] | None = None
    banner: Mapping[str, Any] | None = None
    extension: Mapping[str, Any] | None = None
    scope: str | None = None
    acknowledged_at: datetime | None = None
    saved: bool = False
    snoozed_until: datetime | None = None
    group: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of the API and of `…created` and `…updated` events."""
        message = self.message
        shape: dict[str, Any] = {
            "id": message.id,
            "kind": message.kind,
            "title": message.title,
            "body": message.body,
            "url": message.url,
            "level": message.level,
            "icon": message.icon,
            "tag": message.tag,
            "actor": self.actor,
            "target": self.target,
            "data": self.data,
            "at": timestamp(self.at),
            "unread": self.unread,
            "seen": self.seen,
            "archived": self.archived,
            "delivered": self.delivered,
            "toast": self.toast,
        }
        if message.urgency is Urgency.CRITICAL:
            shape["critical"] = True
        if message.must_acknowledge:
            shape["must_acknowledge"] = True
            shape["acknowledged_at"] = None if self.acknowledged_at is None else timestamp(self.acknowledged_at)
        if message.reason:
            shape["reason"] = {"code": message.reason, "words": message.because, "object": message.followed or None}
        if self.group is not None:
            shape["group"] = self.group
        if message.avatar:
            shape["avatar"] = message.avatar
        if message.leads_to:
            shape["leads_to"] = message.leads_to
        if buttons := message.buttons:
            shape["actions"] = buttons
        if message.outcome is not None:
            shape["result"] = message.outcome.as_json()
        if self.translations is not None:
            shape["translations"] = self.translations
        if self.banner is not None:
            shape["banner"] = self.banner
        if self.extension is not None:
            shape["extension"] = self.extension
        if self.scope is not None:
            shape["scope"] = self.scope
        return shape | self._put_aside()

    def _put_aside(self) -> dict[str, Any]:
        """Return what says that the person keeps it, or has put it off. Most items have neither."""
        saved: dict[str, Any] = {"saved": True} if self.saved else {}
        return saved | ({"snoozed_until": timestamp(self.snoozed_until)} if self.snoozed_until else {})


def _button(action: Action) -> dict[str, Any]:
    button: dict[str, Any] = {"name": action.name, "title": str(action.title), "style": action.style}
    if action.asks:
        asks = {"label": str(action.asks), "required": action.word_required, "max_length": action.word_length}
        button["asks"] = asks
    return button


def timestamp(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC with microseconds, the only format sent to clients."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def language_of(person: Person) -> str:
    """Return a person's language, or the site's if `LANGUAGE_OF` raises."""
    try:
        return hub_settings.language_of(person)
    except Exception as error:  # noqa: BLE001 -- the host's callable may raise anything, and the site's language is good enough
        log.warning("LANGUAGE_OF failed, so the site's language is used: %r", error)
        return str(settings.LANGUAGE_CODE)


def time_zone_of(person: Person) -> tzinfo:
    """Return a person's time zone, or the site's if `TIMEZONE_OF` raises or returns none."""
    try:
        zone = hub_settings.timezone_of(person)
        return zone if isinstance(zone, tzinfo) else ZoneInfo(zone)
    except Exception as error:  # noqa: BLE001 -- as above
        log.warning("TIMEZONE_OF returned no time zone, so the site's is used: %r", error)
        return timezone.get_default_timezone()


@contextmanager
def localized_for(person: Person) -> Iterator[None]:
    """Activate a person's language and time zone. For code that runs outside their own requests."""
    with translation.override(language_of(person)), timezone.override(time_zone_of(person)):
        yield
