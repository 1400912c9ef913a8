"""The app's kinds of notifications and the rules of its topics, which the hub discovers here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications_hub import (
    Action,
    After,
    DeliveryMethod,
    Kind,
    NotificationLike,
    Sample,
    Storm,
    Urgency,
    auto_follow,
    followable,
    topic,
)
from showcase.chat import rooms
from showcase.models import Membership, Post, Reply

followable(Post)
auto_follow(Post, who=lambda post: post.author, what=lambda post: post, reason="author")
auto_follow(Reply, who=lambda reply: reply.author, what=lambda reply: reply.post, reason="commenter")

if TYPE_CHECKING:
    from notifications_hub import Notification


class CommentReply(Kind):
    name = "comment.reply"
    label = _("Replies to your posts and conversations")
    group = _("Conversations")
    description = _("Somebody answers a post or a conversation of yours.")
    icon = "reply"
    urgency = Urgency.NORMAL
    methods = frozenset({DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH, DeliveryMethod.EMAIL})
    sample = Sample(actor="Bob", target=_("Moving plants"), description=_("Water them first."), url="/")

    def title(self, notification: NotificationLike) -> str:
        return gettext("%(actor)s replied to “%(target)s”") % {
            "actor": notification.actor_name,
            "target": notification.target_name,
        }


def whoever_mentioned(notification: Notification) -> Any:
    """Return the person who waits for an answer. They wrote it, so they may see it."""
    return notification.actor


class HouseRules(Kind):
    """An example of what must be confirmed: it stays on top until the person presses the button."""

    name = "house.rules"
    label = _("House rules")
    description = _("What everyone in the house must know.")
    icon = "check"
    must_acknowledge = True
    sample = Sample(actor="Bob", url="/")

    def title(self, notification: NotificationLike) -> str:
        return gettext("The house rules have changed")

    def body(self, notification: NotificationLike) -> str:
        return gettext("The reading room closes at nine from now on. Please confirm that you know.")


class ChatMention(Kind):
    """A mention. Its times are short, so that the demo shows both steps while one watches.

    From the sixth in ten minutes on, they are one summary.
    """

    name = "chat.mention"
    per_minute = 10
    storm = Storm(after=5, within=timedelta(minutes=10))
    escalate = (After(minutes=1, method=DeliveryMethod.EMAIL), After(minutes=3, to=whoever_mentioned))
    label = _("Messages that mention you")
    group = _("Conversations")
    description = _("Somebody writes your name in a chat room.")
    icon = "reply"
    urgency = Urgency.HIGH
    methods = frozenset({DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH, DeliveryMethod.EMAIL})
    sample = Sample(actor="Bob", target=_("Garden"), description=_("@alice Could you water them?"), url="/")

    def title(self, notification: NotificationLike) -> str:
        return gettext("%(actor)s mentioned you in “%(target)s”") % {
            "actor": notification.actor_name,
            "target": notification.target_name,
        }


class ChatInvitation(Kind):
    name = "chat.invitation"
    per_minute = 3
    label = _("Invitations to chat rooms")
    group = _("Chat rooms")
    description = _("Somebody adds you to a chat room.")
    urgency = Urgency.NORMAL
    methods = frozenset({DeliveryMethod.LIVE, DeliveryMethod.FLASH})
    sample = Sample(actor="Bob", target=_("Garden"), url="/")

    def title(self, notification: NotificationLike) -> str:
        return gettext("%(actor)s invited you to “%(target)s”") % {
            "actor": notification.actor_name,
            "target": notification.target_name,
        }


def is_member(notification: Any, person: Any) -> bool:
    return Membership.objects.filter(room=notification.target_object_id, person=person).exists()


def approve(notification: Any, person: Any, word: str) -> None:
    rooms.admit(notification.target, notification.actor, by=person)


def decline(notification: Any, person: Any, word: str) -> str:
    rooms.turn_away(notification.target, notification.actor, by=person, why=word)
    return f"“{word}”" if word else ""


class ChatRequest(Kind):
    name = "chat.request"
    per_minute = 3
    label = _("Requests to join your chat rooms")
    group = _("Chat rooms")
    icon = "user"
    urgency = Urgency.HIGH
    methods = frozenset({DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH, DeliveryMethod.EMAIL})
    sample = Sample(actor="Bob", target=_("Garden"), url="/")

    def title(self, notification: NotificationLike) -> str:
        return gettext("%(actor)s asks to join “%(target)s”") % {
            "actor": notification.actor_name,
            "target": notification.target_name,
        }

    def actions(self, notification: NotificationLike) -> list[Action]:
        done = {"approve": _("Approved by %(person)s"), "decline": _("Declined by %(person)s")}
        return [
            Action("approve", _("Approve"), run=approve, allowed=is_member, style="primary", done=done["approve"]),
            Action(
                "decline",
                _("Decline"),
                run=decline,
                allowed=is_member,
                asks=_("Why not?"),
                word_required=False,
                word_length=200,
                done=done["decline"],
            ),
        ]


class ChatAnswer(Kind):
    """The answer to a request to join. The verb is `approved` or `declined`."""

    name = "chat.answer"
    label = _("Answers to your requests to join")
    group = _("Chat rooms")
    urgency = Urgency.NORMAL
    sample = Sample(actor="Bob", target=_("Garden"), verb="approved", url="/")

    def title(self, notification: NotificationLike) -> str:
        words = {
            "approved": gettext("%(actor)s let you into “%(target)s”"),
            "declined": gettext("%(actor)s declined your request to join “%(target)s”"),
        }
        names = {"actor": notification.actor_name, "target": notification.target_name}
        return words.get(notification.verb, words["approved"]) % names


@topic("post.<int:pk>", public=True)
def may_listen(user: Any, pk: int) -> bool:
    """Return whether the post exists. Anyone may follow its replies, signed in or not."""
    return Post.objects.filter(pk=pk).exists()


@topic("room.<slug:slug>")
@topic("here.<slug:slug>", presence=True)
def may_listen_to_room(user: Any, slug: str) -> bool:
    return Membership.objects.filter(room__slug=slug, person=user.pk).exists()


@topic("chat.<int:pk>")
@topic("lab.<int:pk>")
def may_listen_to_own(user: Any, pk: int) -> bool:
    return bool(user.pk == pk)
