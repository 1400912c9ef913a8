from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from accounts.models import User
from accounts.people import hue_of
from notifications_hub.models import Notification
from showcase import demo
from showcase.models import Post, Reply

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings


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


def test_the_demo_shows_a_group_two_tabs_and_a_picture(
    users: dict[str, User], client_for: Callable[[User], Client], settings: Settings
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "AVATAR": "accounts.people.picture_of"}
    demo.make(users)
    client = client_for(users["alice"])
    replies = client.get("/api/v1/notifications/?kind=comment.reply").json()["results"]
    tabs = client.get("/api/v1/notifications/tabs/").json()["results"]

    [title] = [item["group"]["title"] for item in replies]
    assert title == "Charlie and Bob replied to “Trying out the new notification bell”"
    assert replies[0]["avatar"] == f"/static/site/people/{hue_of(users['charlie'])}.svg"
    assert [tab["name"] for tab in tabs] == ["Conversations", "Chat rooms"]
