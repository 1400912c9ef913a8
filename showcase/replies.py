"""Replies and the notifications of them, which commit in one transaction."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet
from notifications.signals import notify

from accounts.models import User
from showcase.models import Post, Reply

EXCERPT = 200


def reply_to(post: Post, author: User, body: str) -> Reply:
    with transaction.atomic():
        reply = Reply.objects.create(post=post, author=author, body=body)
        notify_conversation(reply)
    return reply


def notify_conversation(reply: Reply) -> None:
    notify.send(
        reply.author,
        recipient=people_in_conversation(reply.post).exclude(pk=reply.author_id),
        verb="replied",
        action_object=reply,
        target=reply.post,
        kind="comment.reply",
        url=reply.get_absolute_url(),
        description=reply.body[:EXCERPT],
        timestamp=reply.created,
    )


def people_in_conversation(post: Post) -> QuerySet[User]:
    """Return the post's author and the authors of its replies, each once."""
    return User.objects.filter(Q(pk=post.author_id) | Q(pk__in=post.replies.values("author")))
