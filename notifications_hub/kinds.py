"""Kinds of notification: one class each, declared in a `notifications.py` of any app and discovered like `admin.py`.

    class CommentReply(Kind):
        name = "comment.reply"
        label = _("Replies to your posts")

        def title(self, notification):
            return _("%(actor)s replied to your post") % {"actor": notification.actor_name}

Text is rendered when it is read, in the reader's language, from the values stored at the time of the event. So a method
may use the notification's own columns and its `data`. It must not load the actor or the target: they may be gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from notifications_hub.escalation.after import After
from notifications_hub.grouping.group import NotificationGroup
from notifications_hub.grouping.storm import Storm


class DeliveryMethod(StrEnum):
    """The ways to reach a person. A host adds its own by name, as a transport; `email` is one that it must add."""

    LIVE = "live"
    FLASH = "flash"
    WEB_PUSH = "web_push"
    EMAIL = "email"


IMPORTED = "import"
"""In place of a delivery method: another system reached the person, before `hub_import` took its rows over."""

EVERY_KIND = "*"
"""In place of a kind's name: every kind, also those that are declared later."""

_METHOD_NAMES = {
    DeliveryMethod.LIVE.value: _("open page"),
    DeliveryMethod.FLASH.value: _("next page"),
    DeliveryMethod.WEB_PUSH.value: _("Web Push"),
    DeliveryMethod.EMAIL.value: _("email"),
    IMPORTED: _("earlier system"),
}


def built_in_name(value: str) -> str:
    """Return the label that admins see for a built-in delivery method; empty for any other."""
    return str(_METHOD_NAMES.get(value, ""))


def method_name(value: str) -> str:
    """Return the label that admins see for a delivery method or transport."""
    return built_in_name(value) or next((label_of(value) for label_of in _labellers), value)


_labellers: list[Callable[[str], str]] = []


def label_transports_by(label_of: Callable[[str], str]) -> None:
    """Let `method_name` ask this function for the labels of transports, whose package imports this module."""
    _labellers[:] = [label_of]


class Urgency(StrEnum):
    """The urgency of a push: how much it may disturb a sleeping device. RFC 8030, section 5.3.

    `CRITICAL` is ours: push services get it as `high`. A critical announcement reaches people by every delivery method
    of the announcement, whatever they prefer.
    """

    VERY_LOW = "very-low"
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"


class Digest(StrEnum):
    """The pace of a kind's emails: each comes by itself, or they are summed up at certain times of the person."""

    AT_ONCE = "at_once"
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"


class Privacy(StrEnum):
    """The part of a notification that a device may show to anyone looking at it, even on a locked screen."""

    FULL = "full"
    TITLE = "title"
    NOTHING = "nothing"


STYLES = ("", "primary", "danger")
Run = Callable[[Any, Any, str], str | Promise | None]
"""The function of an action. It gets the notification, the person and their word, and may return a short text."""


@dataclass(frozen=True)
class Action:
    """A button of a notification: `Action("approve", _("Approve"), run=approve)`.

    One with `run` is on every page, toast, push and email. Others are only on pushes and emails. The name `read` marks
    the notification as read and opens nothing, and `acknowledge` confirms it. Any other without `run` opens `url`, or
    else the notification's.
    """

    name: str
    title: str | Promise
    url: str = field(default="", kw_only=True)
    run: Run | None = field(default=None, kw_only=True)
    """Called once with the notification, the person and their word. It may return a short text that people then see."""
    allowed: Callable[[Any, Any], bool] | None = field(default=None, kw_only=True)
    """Asked with the notification and the person at each click. Left out: whoever has the notification may click."""
    asks: str | Promise = field(default="", kw_only=True)
    """The question for a word, like `_("Why not?")`. Empty: it asks for none."""
    word_required: bool = field(default=True, kw_only=True)
    word_length: int = field(default=500, kw_only=True)
    """The most characters of the word."""
    style: str = field(default="", kw_only=True)
    """`primary`, `danger`, or empty."""
    done: str | Promise = field(default="", kw_only=True)
    """The words that every page then shows, like `_("Approved by %(person)s")`."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An example of a kind's notifications, for the page of all kinds and for `check_kinds()`. Nothing stores it.

    Texts may be lazily translated, also those in `data`. They are then in the language that the sample is shown in.
    """

    actor: str | Promise = ""
    target: str | Promise = ""
    action_object: str | Promise = ""
    verb: str | Promise = ""
    description: str | Promise = ""
    url: str | Promise = ""
    level: str = "info"
    data: Mapping[str, Any] = field(default_factory=dict)
    extension: Mapping[str, Any] = field(default_factory=dict)
    """Values of the host's own columns, by field. A foreign key may have an unsaved instance."""
    recipient: Any = None
    """An unsaved person, for a kind whose words name their reader."""
    same_in: Collection[str] = ()
    """Languages, like `fr`, in which some words of the kind are rightly the same as in the code."""


class NotificationLike(Protocol):
    """The columns of a stored notification that a kind's methods may read."""

    actor_name: str
    """Empty if the site itself notifies: `notify.send(None, …)`."""
    target_name: str
    action_object_name: str
    verb: str
    description: str | None
    url: str
    level: str
    data: dict[str, Any]
    extension: Any
    """The host's own columns, if it declares a `NotificationExtension`."""


class UnknownKind(ValueError):
    """Raised when no app declares a kind of this name."""


class Kind:
    """The base class of kinds of notification: subclass it in an app's `notifications.py`.

    A subclass with a `name` registers itself. Its words are plain text. They are rendered when they are read, in the
    reader's language.
    """

    name: ClassVar[str] = ""
    """The name that `notify.send(kind=…)` takes, like `comment.reply`."""
    label: ClassVar[str | Promise] = ""
    """The name that people read in their preferences."""
    description: ClassVar[str | Promise] = ""
    """A sentence below the name, for people who wonder what the kind is about."""
    group: ClassVar[str | Promise] = ""
    """The heading that it stands below in preferences. Kinds without one stand together, below all groups."""
    icon: ClassVar[str] = "bell"
    """The name of an icon: one of the hub's, or a file `notifications_hub/icons/NAME.svg` of the site's templates."""
    urgency: ClassVar[Urgency] = Urgency.NORMAL
    """The urgency of its pushes."""
    ttl: ClassVar[int | None] = None
    """Seconds a push service keeps a push for a browser that is off; None: the site's `PUSH_TTL`."""
    privacy: ClassVar[Privacy] = Privacy.FULL
    """The part of a push that a locked screen may show."""
    methods: ClassVar[frozenset[str]] = frozenset({DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH})
    """The default delivery methods: built-in ones, and names of transports.

    A kind that leaves this out, and that is `optional`, also gets each transport with `on_by_default`.
    """
    delays: ClassVar[Mapping[str, float]] = {}
    """Seconds from the event until a transport sends, by its name: in that time another method may deliver it first.

    Left out: the transport's own `delay`. `{"email": 0}` sends an email at once, also while a page is open.
    """
    digest: ClassVar[Digest] = Digest.AT_ONCE
    """How often people who have not chosen get emails of this kind, and messages of other transports with `digests`."""
    per_minute: ClassVar[int | None] = None
    """The most notifications of this kind from one actor to one person a minute; None: no limit. More are dropped."""
    storm: ClassVar[Storm | None] = None
    """Gather what one person gets beyond so many in a time: `Storm(after=20, within=timedelta(minutes=10))`."""
    escalate: ClassVar[Sequence[After]] = ()
    """Steps for what the person has not read after a time, like `[After(hours=1, method="email")]`."""
    must_acknowledge: ClassVar[bool] = False
    """Keep it on top until the person confirms it. `notify.send(must_acknowledge=…)` decides otherwise for one call."""
    optional: ClassVar[bool] = True
    """Let people choose the delivery methods of this kind in their preferences."""
    locked_because: ClassVar[str | Promise] = ""
    """A sentence that tells people why they cannot choose, for a kind that is not `optional`."""
    in_preferences: ClassVar[bool] = True
    """List this kind in people's preferences, also if it is not `optional`."""
    personal_actions: ClassVar[bool] = False
    """Let each person act for themselves, as on an invitation. Otherwise an action runs once for all recipients."""
    has_extension: ClassVar[bool] = True
    """Write a row of the host's `NotificationExtension` with each. Without, it belongs to no scope, so to all."""
    sample: ClassVar[Sample | None] = None
    """An example, for the page of all kinds and for `check_kinds()`."""

    @property
    def declares_methods(self) -> bool:
        """Return whether the kind, or a base class of the host's, sets `methods` itself."""
        return any("methods" in vars(one) for one in type(self).__mro__ if one is not Kind)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.name:
            _register(cls())

    def title(self, notification: NotificationLike) -> str:
        """Return the title. By default it joins actor, verb, action object and target, as django-notifications does."""
        named = [notification.actor_name, notification.verb, notification.action_object_name, notification.target_name]
        if all(named[2:]):
            named[2:] = [gettext("%(action_object)s on %(target)s") % {"action_object": named[2], "target": named[3]}]
        return " ".join(filter(None, named))

    def body(self, notification: NotificationLike) -> str:
        """Return the text below the title. By default it is the description."""
        return notification.description or ""

    def tag(self, notification: NotificationLike) -> str:
        """Return the tag. A push replaces an earlier one of the same tag on the device. Empty: it replaces none."""
        return ""

    def group_key(self, notification: NotificationLike) -> str:
        """Return a name of what it is about, like `post-9`. Unread ones of this kind that share it are shown as one.

        Empty: it stands alone. `notify.send(group_key=…)` decides otherwise for one call.
        """
        return ""

    def group_title(self, group: NotificationGroup) -> str:
        """Return the title of several. By default it is that of the newest, with all actors in place of its own."""
        if group.is_storm:
            words = ngettext("%(number)s more: %(kind)s", "%(number)s more: %(kind)s", group.count)
            return words % {"number": group.number, "kind": self.label or self.name}
        return self.title(group.newest)

    def group_body(self, group: NotificationGroup) -> str:
        """Return the text below the title of several. By default it is that of the newest."""
        return self.body(group.newest)

    def actions(self, notification: NotificationLike) -> Sequence[Action]:
        """Return the buttons. Those that `run` are shown everywhere, the others on pushes and emails.

        Most devices show the first two.
        """
        return open_and_read()

    def action_key(self, notification: NotificationLike) -> str:
        """Return a name of the thing that actions decide, like `request-7`. Notifications that share it share a result.

        Empty: all recipients of one `notify.send()` share it.
        """
        return ""


def open_and_read() -> Sequence[Action]:
    return [Action(name="open", title=gettext("Open")), Action(name="read", title=gettext("Mark as read"))]


_kinds: dict[str, Kind] = {}


def _register(kind: Kind) -> None:
    if kind.name == EVERY_KIND:
        raise ValueError(f"{type(kind)!r} has the name {EVERY_KIND!r}, which means every kind. Choose another.")
    known = _kinds.get(kind.name)
    # A module that is loaded again declares the same class.
    if known is not None and _place(known) != _place(kind):
        raise ValueError(f"The kind {kind.name!r} is declared twice: by {type(known)!r} and {type(kind)!r}.")
    if kind.per_minute is not None and kind.per_minute < 1:
        raise ValueError(f"The kind {kind.name!r} has per_minute = {kind.per_minute}: write 1 or more, or None.")
    _kinds[kind.name] = kind


def _place(kind: Kind) -> tuple[str, str]:
    return type(kind).__module__, type(kind).__qualname__


class Default(Kind):
    name = "default"
    label = _("Other notifications")
    description = _("Everything that belongs to no other type.")
    sample = Sample(actor="Bob", verb=_("replied to"), target=_("Watering the plants"), url="/")


def get_kind(name: str) -> Kind:
    """Return a kind by name. Raise `UnknownKind`, whose message names the remedy."""
    try:
        return _kinds[name]
    except KeyError:
        known = ", ".join(sorted(_kinds))
        raise UnknownKind(
            f"No app declares the kind {name!r} (known: {known}). "
            "Declare a Kind with that name in the `notifications.py` of an installed app (see KINDS_MODULE)."
        ) from None


def kind_of(name: str) -> Kind:
    """Return the kind of a stored row. If its app is gone, return the default kind."""
    return _kinds.get(name, _kinds["default"])


def all_kinds() -> list[Kind]:
    return [_kinds[name] for name in sorted(_kinds)]


def kinds_in_order() -> list[Kind]:
    """Return all kinds in the order of their declarations: those of the site first, then the hub's own."""
    return sorted(_kinds.values(), key=lambda kind: (_is_own(kind), kind.name == Default.name))


def _is_own(kind: Kind) -> bool:
    return type(kind).__module__.partition(".")[0] == __name__.partition(".")[0]
