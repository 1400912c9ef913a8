"""The rendered form of a notification, the one that the inbox and every delivery method share.

Words are made here and nowhere else, so they cannot differ between the bell, a toast, a flash and a push.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone, translation
from django.utils.text import Truncator

from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Action, Privacy, Urgency
from notifications_hub.users import Person
from notifications_hub.web.text import balanced

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Message:
    """Plain text throughout. `token` and `act_url` let a sleeping page's worker report back without a cookie."""

    id: str
    kind: str
    title: str
    body: str = ""
    url: str = ""
    level: str = "info"
    icon: str = "bell"
    tag: str = ""
    language: str = "en"
    urgency: Urgency = Urgency.NORMAL
    ttl: int = 86_400
    privacy: Privacy = Privacy.FULL
    actions: tuple[Action, ...] = ()
    token: str = ""
    act_url: str = ""


SHORT_TITLE, SHORT_BODY = 60, 120


def shortened(message: Message) -> Message:
    """The same in few words, for a delivery method that found it too long."""
    title, body = (
        balanced(Truncator(text).chars(most))
        for text, most in ((message.title, SHORT_TITLE), (message.body, SHORT_BODY))
    )
    return replace(message, title=title, body=body, actions=())


def time_to_live(ttl: int | None) -> int:
    """Return the seconds of a kind's `ttl`, or else of the site's `PUSH_TTL`."""
    return max(1, hub_settings.push_ttl if ttl is None else ttl)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One entry of an inbox: a message and how it stands with its person."""

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

    def as_json(self) -> dict[str, Any]:
        """The shape of the API and of `…created` and `…updated` events."""
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
        if self.translations is not None:
            shape["translations"] = self.translations
        return shape


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with microseconds, the one way a moment is written on the wire."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def language_of(person: Person) -> str:
    return hub_settings.language_of(person)


@contextmanager
def localized_for(person: Person) -> Iterator[None]:
    """Activate a person's language and time zone, where no request of theirs has."""
    with translation.override(language_of(person)), timezone.override(_time_zone_of(person)):
        yield


def _time_zone_of(person: Person) -> tzinfo:
    try:
        zone = hub_settings.timezone_of(person)
        return zone if isinstance(zone, tzinfo) else ZoneInfo(zone)
    except Exception as error:  # noqa: BLE001 -- whatever the host's callable raises, the site's zone will do
        log.warning("TIMEZONE_OF gives no time zone, so the site's is used: %r", error)
        return timezone.get_default_timezone()
