from __future__ import annotations

from accounts.models import User
from notifications_hub.live.topics import may_listen
from showcase.models import Post


def test_anyone_may_listen_to_a_post(alice: User, charlie: User) -> None:
    post = Post.objects.create(author=alice, title="Hello", body="…")

    assert may_listen(charlie, f"post.{post.pk}")


def test_nobody_may_listen_to_a_missing_post(alice: User) -> None:
    assert not may_listen(alice, "post.1")
    assert not may_listen(alice, "post.x")
    assert not may_listen(alice, "post.1.drafts")
