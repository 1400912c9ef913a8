"""What can happen here, in whose words, and who may listen: all that the hub needs to know of this app."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications_hub.kinds import Kind, Road, Told, Urgency
from notifications_hub.live.topics import topic
from showcase.models import Post


class CommentReply(Kind):
    name = "comment.reply"
    label = _("Replies to your posts and conversations")
    icon = "reply"
    urgency = Urgency.NORMAL
    roads = frozenset({Road.LIVE, Road.FLASH, Road.WEB_PUSH})

    def title(self, notification: Told) -> str:
        return gettext("%(actor)s replied to “%(target)s”") % {
            "actor": notification.actor_name,
            "target": notification.target_name,
        }


@topic("post.<int:pk>")
def may_listen(user: Any, pk: int) -> bool:
    """Posts are public: whoever may open a connection may hear what happens on one that exists."""
    return Post.objects.filter(pk=pk).exists()
