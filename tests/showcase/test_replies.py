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

pytestmark = pytest.mark.both_databases


@pytest.fixture
def post(alice: User) -> Post:
    return Post.objects.create(author=alice, title="Hello", body="Anyone here?")


def test_a_reply_is_posted_once_and_the_page_opens_on_it(client_for: ClientFor, bob: User, post: Post) -> None:
    page = client_for(bob).post(f"/posts/{post.pk}/", {"body": "I am."}, follow=True)

    reply = Reply.objects.get()
    assert page.redirect_chain == [(f"/posts/{post.pk}/#reply-{reply.pk}", 302)]
    assert "Reply posted." in page.content.decode()
    assert f'id="reply-{reply.pk}"' in page.content.decode()


def test_the_posts_author_is_told(alice: User, bob: User, post: Post) -> None:
    reply = reply_to(post, bob, "I am.")

    delivered = Notification.objects.get()
    assert delivered.recipient == alice
    assert (delivered.kind, delivered.url) == ("comment.reply", f"/posts/{post.pk}/#reply-{reply.pk}")
    assert delivered.message().title == "Bob replied to “Hello”"
    assert delivered.message().body == "I am."


def test_the_words_come_in_the_readers_language(bob: User, post: Post) -> None:
    reply_to(post, bob, "I am.")

    with translation.override("zh-hans"):
        assert Notification.objects.get().message().title == "Bob回复了“Hello”"


def test_earlier_repliers_are_told_once_each_and_nobody_of_their_own_reply(
    alice: User, bob: User, charlie: User, post: Post
) -> None:
    for _ in range(2):
        Reply.objects.create(post=post, author=bob, body="I am.")
    reply_to(post, charlie, "So am I.")

    delivered = Notification.objects.order_by("recipient__username")
    assert [row.recipient for row in delivered] == [alice, bob]


def test_whoever_talks_alone_is_not_told(alice: User, post: Post) -> None:
    reply_to(post, alice, "Nobody?")

    assert not Notification.objects.exists()


def test_charlie_who_is_not_in_the_conversation_is_not_told(bob: User, charlie: User, post: Post) -> None:
    reply_to(post, bob, "I am.")

    assert not Notification.objects.filter(recipient=charlie).exists()


def test_a_reply_and_the_word_of_it_are_undone_together(bob: User, post: Post) -> None:
    with transaction.atomic():
        reply_to(post, bob, "I am.")
        transaction.set_rollback(True)

    assert not Reply.objects.exists()
    assert not Notification.objects.exists()


def test_a_reply_that_nobody_can_be_told_of_is_not_posted(bob: User, post: Post) -> None:
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
def test_a_reply_that_says_nothing_or_too_much_is_handed_back(
    client_for: ClientFor, bob: User, post: Post, body: str
) -> None:
    page = client_for(bob).post(f"/posts/{post.pk}/", {"body": body})

    assert 'aria-invalid="true"' in page.content.decode()
    assert not Reply.objects.exists()
    assert not Notification.objects.exists()


def test_a_stranger_is_asked_to_sign_in_and_posts_nothing(client: Client, post: Post) -> None:
    answer = client.post(f"/posts/{post.pk}/", {"body": "Hello"})

    assert answer.headers["Location"] == f"/accounts/login/?next=/posts/{post.pk}/"
    assert not Reply.objects.exists()
