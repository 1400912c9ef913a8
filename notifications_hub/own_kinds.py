"""The kinds that the hub itself declares, besides the default one. Import this module to register them."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from notifications_hub.kinds import Action, Kind, NotificationLike, Sample, Urgency, open_and_read


class AnnouncementKind(Kind):
    name = "announcement"
    label = _("Announcements")
    icon = "megaphone"
    sample = Sample(verb=_("Maintenance on Sunday"), description=_("We'll be back at noon."), url="/")


class AnnouncementApproval(Kind):
    """News for the people who write and approve announcements. The verb names the step of the audit trail."""

    name = "approval.announcement"
    label = _("Approval of announcements")
    icon = "megaphone"
    optional = False
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
    has_extension = False
    sample = Sample()

    def title(self, notification: NotificationLike) -> str:
        return gettext("This is a test")

    def body(self, notification: NotificationLike) -> str:
        return gettext("You'll get notifications here, even when the site is closed.")


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
