"""What can happen: one class a kind, declared in a `notifications.py` of any app, found like `admin.py`.

    class CommentReply(Kind):
        name = "comment.reply"
        label = _("Replies to your posts")

        def title(self, notification):
            return _("%(actor)s replied to your post") % {"actor": notification.actor_name}

Words are rendered when they are read, in the reader's language, from what was stored when it happened. So a method may
use the notification's own columns and its `data`, and must not load the actor or the target: they may be gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class DeliveryMethod(StrEnum):
    """The built-in ways to reach a person. A host adds its own by name, as a transport."""

    LIVE = "live"
    FLASH = "flash"
    WEB_PUSH = "web_push"
    EMAIL = "email"


_METHOD_NAMES = {
    DeliveryMethod.LIVE.value: _("live"),
    DeliveryMethod.FLASH.value: _("flash"),
    DeliveryMethod.WEB_PUSH.value: _("Web Push"),
    DeliveryMethod.EMAIL.value: _("email"),
}


def method_name(value: str) -> str:
    """For admins, also of a transport; what is neither has no other name than its own."""
    return str(_METHOD_NAMES.get(value, value))


class Urgency(StrEnum):
    """How much a sleeping device may be disturbed for it; RFC 8030, section 5.3."""

    VERY_LOW = "very-low"
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Privacy(StrEnum):
    """How much of it a device may show to whoever looks at it, on a locked screen too."""

    FULL = "full"
    TITLE = "title"
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Action:
    """A button on a push. `read` marks as read and opens nothing; any other opens `url`, or the notification's own."""

    name: str
    title: str
    url: str = ""


class NotificationLike(Protocol):
    """What a kind may render from: the stored columns of one notification."""

    actor_name: str
    target_name: str
    verb: str
    description: str | None
    url: str
    level: str
    data: dict[str, Any]


class UnknownKind(ValueError):
    """A kind was named that no app declares."""


class Kind:
    """Subclass it to declare a kind; a subclass with a `name` registers itself. Words are plain text."""

    name: ClassVar[str] = ""
    label: ClassVar[str | Promise] = ""
    icon: ClassVar[str] = "bell"
    urgency: ClassVar[Urgency] = Urgency.NORMAL
    ttl: ClassVar[int | None] = None
    """Seconds after which it is no news to a browser that was off; None: the site's `PUSH_TTL`."""
    privacy: ClassVar[Privacy] = Privacy.FULL
    methods: ClassVar[frozenset[str]] = frozenset({DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH})
    """Built-in delivery methods, and names of transports."""
    per_minute: ClassVar[int | None] = None
    """How many of this kind one actor may send one person in a minute; None: no limit. What is beyond is dropped."""
    optional: ClassVar[bool] = True
    """Whether people choose its delivery methods in their preferences."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.name:
            _register(cls())

    def title(self, notification: NotificationLike) -> str:
        return " ".join(filter(None, (notification.actor_name, notification.verb, notification.target_name)))

    def body(self, notification: NotificationLike) -> str:
        return notification.description or ""

    def tag(self, notification: NotificationLike) -> str:
        """On a device a later one takes the place of one of the same tag. Empty: each stands by itself."""
        return ""

    def actions(self, notification: NotificationLike) -> Sequence[Action]:
        """The buttons of its push. Most devices show the first two."""
        return open_and_read()


def open_and_read() -> Sequence[Action]:
    return [Action(name="open", title=gettext("Open")), Action(name="read", title=gettext("Mark as read"))]


_kinds: dict[str, Kind] = {}


def _register(kind: Kind) -> None:
    known = _kinds.get(kind.name)
    if known is not None and type(known).__qualname__ != type(kind).__qualname__:
        raise ValueError(f"The kind {kind.name!r} is declared twice: by {type(known)!r} and by {type(kind)!r}.")
    if kind.per_minute is not None and kind.per_minute < 1:
        raise ValueError(f"The kind {kind.name!r} has per_minute = {kind.per_minute}: write 1 or more, or None.")
    _kinds[kind.name] = kind


class Default(Kind):
    name = "default"
    label = _("Other notifications")


class AnnouncementKind(Kind):
    name = "announcement"
    label = _("Announcements")
    icon = "megaphone"


class PushTest(Kind):
    """What a person sends to one of their browsers from their preferences, and to nowhere else."""

    name = "push.test"
    label = _("Tests")
    icon = "device"
    urgency = Urgency.HIGH
    methods = frozenset()
    optional = False

    def title(self, notification: NotificationLike) -> str:
        return gettext("This is a test")

    def body(self, notification: NotificationLike) -> str:
        return gettext("You will be told here, even when the site is closed.")


def autodiscover() -> None:
    """Imports `notifications.py` of every installed app, which declares kinds and topic rules."""
    autodiscover_modules("notifications")


def get_kind(name: str) -> Kind:
    """Raises `UnknownKind`, naming the remedy."""
    try:
        return _kinds[name]
    except KeyError:
        known = ", ".join(sorted(_kinds))
        raise UnknownKind(
            f"No app declares the kind {name!r} (known: {known}). "
            "Declare a Kind with that name in the `notifications.py` of an installed app."
        ) from None


def kind_of(name: str) -> Kind:
    """For rows already stored: a kind whose app has gone renders like the default one."""
    return _kinds.get(name, _kinds["default"])


def all_kinds() -> list[Kind]:
    return [_kinds[name] for name in sorted(_kinds)]
