"""The kinds that the hub itself declares, besides the default one. Import this module to register them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from notifications_hub.kinds import Action, Kind, NotificationLike, Privacy, Sample, Urgency, kind_of, open_and_read
from notifications_hub.rendering import render


class AnnouncementKind(Kind):
    name = "announcement"
    label = _("Announcements")
    description = _("News from this site for many people at once.")
    icon = "megaphone"
    sample = Sample(verb=_("Maintenance on Sunday"), description=_("We'll be back at noon."), url="/")


class AnnouncementApproval(Kind):
    """News for the people who write and approve announcements. The verb names the step of the audit trail."""

    name = "approval.announcement"
    label = _("Approval of announcements")
    icon = "megaphone"
    optional = False
    in_preferences = False
    has_extension = False
    sample = Sample(actor="Bob", verb="submitted", target=_("Maintenance on Sunday"), url="/")

    def title(self, notification: NotificationLike) -> str:
        words = {
            "submitted": gettext("“%(title)s” needs your approval"),
            "approved": gettext("“%(title)s” was approved by %(person)s"),
            "sent_back": gettext("“%(title)s” was sent back to you by %(person)s"),
            "proposed": gettext("A correction of “%(title)s” needs your approval"),
            "edited": gettext("Your correction of “%(title)s” was approved by %(person)s"),
            "refused": gettext("Your correction of “%(title)s” was refused by %(person)s"),
        }
        names = {"title": notification.target_name, "person": notification.actor_name}
        return words.get(notification.verb, words["submitted"]) % names


class PushTest(Kind):
    """A test that people send from their preferences to one of their own browsers, and by no other delivery method."""

    name = "push.test"
    label = _("Tests")
    icon = "device"
    urgency = Urgency.HIGH
    methods = frozenset()
    optional = False
    in_preferences = False
    has_extension = False
    sample = Sample()

    def title(self, notification: NotificationLike) -> str:
        return gettext("This is a test")

    def body(self, notification: NotificationLike) -> str:
        return gettext("You'll get notifications here, even when the site is closed.")


class AcknowledgeReminder(Kind):
    """A reminder of what the person must still confirm: an announcement, or notifications of the kind in the data."""

    name = "acknowledge.reminder"
    label = _("Reminders to confirm")
    icon = "check"
    has_extension = False
    sample = Sample(verb="confirm", target=_("Maintenance on Sunday"), url="/")

    def title(self, notification: NotificationLike) -> str:
        if notification.target_name:
            return gettext("Please confirm “%(title)s”") % {"title": notification.target_name}
        return gettext("You have notifications to confirm")

    def body(self, notification: NotificationLike) -> str:
        name = notification.data.get("kind", "")
        return str(kind_of(name).label) if name else ""


class DigestKind(Kind):
    """The message that lists what has waited, for transports with `digests`. No row has it, only messages."""

    name = "digest"
    label = _("Digests")
    methods = frozenset()
    optional = False
    has_extension = False
    sample = Sample(data={"number": 2, "titles": [_("Bob replied to your post"), _("Watering the plants")], "more": 0})

    def title(self, notification: NotificationLike) -> str:
        number = int(notification.data["number"])
        return ngettext("%(number)d new notification", "%(number)d new notifications", number) % {"number": number}

    def body(self, notification: NotificationLike) -> str:
        more = int(notification.data["more"])
        words = [ngettext("and %(number)d more", "and %(number)d more", more) % {"number": more}] if more else []
        return "\n".join([*map(str, notification.data["titles"]), *words])

    def actions(self, notification: NotificationLike) -> Sequence[Action]:
        return open_and_read()[:1]


class QuietSummary(Kind):
    """The message that sums up what quiet hours have held back. No row has it, only messages of the worker."""

    name = "quiet.summary"
    label = _("Summaries of quiet hours")
    methods = frozenset()
    optional = False
    in_preferences = False
    has_extension = False
    sample = Sample(data={"number": 2, "titles": [_("Bob replied to your post"), _("Watering the plants")]})

    def title(self, notification: NotificationLike) -> str:
        number = int(notification.data["number"])
        words = ngettext(
            "%(number)d notification while you were away", "%(number)d notifications while you were away", number
        )
        return words % {"number": number}

    def body(self, notification: NotificationLike) -> str:
        return "\n".join(map(str, notification.data["titles"]))

    def tag(self, notification: NotificationLike) -> str:
        return "one"

    def actions(self, notification: NotificationLike) -> Sequence[Action]:
        return open_and_read()[:1]


UNANSWERED = "unanswered"
"""The key, in the data of an escalation, of the columns of the notification that nobody has read."""


class Escalation(Kind):
    """News for other people that somebody has not read a notification. Subclass it for a kind of a host's own.

    The words are those of the other notification, in the language of whoever reads this one.
    """

    name = "escalation"
    label = _("Unanswered notifications of others")
    icon = "warning"
    urgency = Urgency.HIGH
    has_extension = False
    sample = Sample(
        actor="Bob",
        url="/",
        data={UNANSWERED: {"kind": "default", "verb": _("Maintenance on Sunday"), "description": _("At noon.")}},
    )

    def title(self, notification: NotificationLike) -> str:
        title, _body = _words_of(notification.data[UNANSWERED])
        return gettext("%(person)s hasn't answered: %(title)s") % {"person": notification.actor_name, "title": title}

    def body(self, notification: NotificationLike) -> str:
        return _words_of(notification.data[UNANSWERED])[1]


def _words_of(columns: Mapping[str, Any]) -> tuple[str, str]:
    """Return the title and body of a notification from its columns, as far as its kind's privacy lets any device show.

    This kind's own privacy cannot follow it, because it is one for all.
    """
    kind = kind_of(str(columns["kind"]))
    if kind.privacy == Privacy.NOTHING:
        return str(kind.label or kind.name), ""
    rendered = render(kind, cast("NotificationLike", SimpleNamespace(**{**_COLUMNS, **columns})))
    return rendered.title, rendered.body if kind.privacy == Privacy.FULL else ""


_COLUMNS: Mapping[str, Any] = {
    "actor_name": "",
    "actor_object_id": "",
    "actor_content_type_id": None,
    "target_name": "",
    "action_object_name": "",
    "verb": "",
    "description": None,
    "url": "",
    "level": "info",
    "data": {},
    "extension": None,
}
