from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client
from django.utils import translation
from notifications.signals import notify

from accounts.models import User
from notifications_hub.models import Notification
from showcase.models import Post, Reply
from showcase.replies import reply_to

ClientFor = Callable[[User], Client]

pytestmark = pytest.mark.both_databases(short="postgresql")


@pytest.fixture
def post(alice: User) -> Post:
    return Post.objects.create(author=alice, title="Hello", body="Anyone here?")


def test_posting_a_reply_redirects_to_it(client_for: ClientFor, bob: User, post: Post) -> None:
    page = client_for(bob).post(f"/posts/{post.pk}/", {"body": "I am."}, follow=True)

    reply = Reply.objects.get()
    assert page.redirect_chain == [(f"/posts/{post.pk}/#reply-{reply.pk}", 302)]
    assert "Reply posted." in page.content.decode()
    assert f'id="reply-{reply.pk}"' in page.content.decode()


def test_a_reply_notifies_the_posts_author(alice: User, bob: User, post: Post) -> None:
    reply = reply_to(post, bob, "I am.")

    notification = Notification.objects.get()
    assert notification.recipient == alice
    assert (notification.kind, notification.url) == ("comment.reply", f"/posts/{post.pk}/#reply-{reply.pk}")
    assert notification.message().title == "Bob replied to “Hello”"
    assert notification.message().body == "I am."


def test_the_notification_is_in_the_readers_language(bob: User, post: Post) -> None:
    reply_to(post, bob, "I am.")

    with translation.override("zh-hans"):
        assert Notification.objects.get().message().title == "Bob回复了“Hello”"


def test_a_reply_notifies_each_earlier_author_once_but_not_its_own(
    alice: User, bob: User, charlie: User, post: Post
) -> None:
    for _ in range(2):
        Reply.objects.create(post=post, author=bob, body="I am.")
    reply_to(post, charlie, "So am I.")

    notifications = Notification.objects.order_by("recipient__username")
    assert [row.recipient for row in notifications] == [alice, bob]


def test_a_reply_to_ones_own_post_notifies_nobody(alice: User, post: Post) -> None:
    reply_to(post, alice, "Nobody?")

    assert not Notification.objects.exists()


def test_charlie_who_is_not_in_the_conversation_is_not_notified(bob: User, charlie: User, post: Post) -> None:
    reply_to(post, bob, "I am.")

    assert not Notification.objects.filter(recipient=charlie).exists()


def test_a_rollback_undoes_the_reply_and_its_notification(bob: User, post: Post) -> None:
    with transaction.atomic():
        reply_to(post, bob, "I am.")
        transaction.set_rollback(True)

    assert not Reply.objects.exists()
    assert not Notification.objects.exists()


def test_a_reply_is_not_posted_if_notifying_fails(bob: User, post: Post) -> None:
    def refuse(**kwargs: object) -> None:
        raise RuntimeError

    notify.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            reply_to(post, bob, "I am.")
    finally:
        notify.disconnect(refuse)

    assert not Reply.objects.exists()


@pytest.mark.parametrize("body", ["", "   ", "x" * 5_001])
def test_an_empty_or_too_long_reply_is_rejected_with_its_form(
    client_for: ClientFor, bob: User, post: Post, body: str
) -> None:
    page = client_for(bob).post(f"/posts/{post.pk}/", {"body": body})

    assert 'aria-invalid="true"' in page.content.decode()
    assert not Reply.objects.exists()
    assert not Notification.objects.exists()


def test_an_anonymous_visitor_cannot_reply(client: Client, post: Post) -> None:
    answer = client.post(f"/posts/{post.pk}/", {"body": "Hello"})

    assert answer.headers["Location"] == f"/accounts/login/?next=/posts/{post.pk}/"
    assert not Reply.objects.exists()
