"""Replies and the notifications of them, which commit in one transaction."""

from __future__ import annotations

from django.db import transaction
from notifications.signals import notify

from accounts.models import User
from notifications_hub import followers_of
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
        recipient=followers_of(reply.post),
        verb="replied",
        action_object=reply,
        target=reply.post,
        kind="comment.reply",
        group_key=f"post-{reply.post_id}",
        url=reply.get_absolute_url(),
        description=reply.body[:EXCERPT],
        timestamp=reply.created,
    )
