from __future__ import annotations

import pytest

from accounts.models import User
from notifications_hub.models import Notification
from showcase import demo
from showcase.models import Post, Reply


@pytest.fixture
def users(alice: User, bob: User, charlie: User, admin: User) -> dict[str, User]:
    return {person.username: person for person in (alice, bob, charlie, admin)}


def test_the_demo_has_posts_and_three_notifications_for_alice(users: dict[str, User]) -> None:
    demo.make(users)

    assert {post.author.username for post in Post.objects.all()} == {"alice", "bob", "charlie"}
    assert Notification.objects.filter(recipient=users["alice"]).count() == 3


def test_making_the_demo_again_adds_nothing(users: dict[str, User]) -> None:
    demo.make(users)
    before = (Post.objects.count(), Reply.objects.count(), Notification.objects.count())
    demo.make(users)

    assert (Post.objects.count(), Reply.objects.count(), Notification.objects.count()) == before


def test_making_the_demo_again_keeps_later_replies(users: dict[str, User]) -> None:
    demo.make(users)
    post = Post.objects.get(author=users["alice"])
    Reply.objects.create(post=post, author=users["bob"], body="One more")
    demo.make(users)

    assert post.replies.filter(body="One more").exists()
