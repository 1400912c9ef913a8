"""The demo posts, so that the front page is not empty at first sight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from notifications.signals import notify

from accounts.models import User
from showcase.chat.demo import make_rooms
from showcase.models import Post, Reply
from showcase.replies import notify_conversation


@dataclass(frozen=True, kw_only=True)
class DemoReply:
    by: str
    body: str
    hours_ago: float
    notifies: bool = False


@dataclass(frozen=True, kw_only=True)
class DemoPost:
    by: str
    title: str
    body: str
    hours_ago: float
    replies: tuple[DemoReply, ...] = ()


POSTS = (
    DemoPost(
        by="charlie",
        title="Which of these books should the reading circle take next?",
        body="I have three on my list: one about lighthouses, one about bread, and one about how cities get their "
        "water.\n\nThe bread one is the shortest. The lighthouse one has the best pictures.",
        hours_ago=75,
        replies=(
            DemoReply(by="bob", body="Water, please. I walked past the old pumping station again.", hours_ago=73),
            DemoReply(by="charlie", body="Then water it is. I will bring two copies.", hours_ago=70),
        ),
    ),
    DemoPost(
        by="bob",
        title="The map of the ridge walk is done",
        body="All eleven kilometres, with the two springs and the place where the path was washed away in March.\n\n"
        "If you find a mistake, let me know where you stood and what you saw.",
        hours_ago=27,
        replies=(DemoReply(by="charlie", body="The second spring is dry by August. Worth a note.", hours_ago=25),),
    ),
    DemoPost(
        by="alice",
        title="Trying out the new notification bell",
        body="I want to see a reply while I am looking at something else, and I want to see it only once.\n\n"
        "Reply to this post, and let us see what my bell does.",
        hours_ago=3,
        replies=(
            DemoReply(by="bob", body="Replying from my phone. Did it ring?", hours_ago=1.5, notifies=True),
            DemoReply(by="charlie", body="And one from me, from the library.", hours_ago=0.4, notifies=True),
        ),
    ),
)


def make(users: Mapping[str, User]) -> None:
    """Create the posts and rooms that do not exist yet, and notify people of replies and of what they must confirm."""
    for demo in POSTS:
        with transaction.atomic():
            _make_post(demo, users)
    make_rooms(users)
    rules = {"verb": "changed", "kind": "house.rules", "url": "/", "dedupe_key": "demo.rules"}
    notify.send(users["admin"], recipient=[users["alice"], users["bob"]], **rules)


def _make_post(demo: DemoPost, users: Mapping[str, User]) -> None:
    values = {"body": demo.body, "created": timezone.now() - timedelta(hours=demo.hours_ago)}
    post, is_new = Post.objects.get_or_create(author=users[demo.by], title=demo.title, defaults=values)
    if not is_new:
        return
    for demo_reply in demo.replies:
        created = timezone.now() - timedelta(hours=demo_reply.hours_ago)
        reply = Reply.objects.create(post=post, author=users[demo_reply.by], body=demo_reply.body, created=created)
        if demo_reply.notifies:
            notify_conversation(reply)
