from __future__ import annotations

from accounts.models import User
from notifications_hub.live.topics import may_listen
from showcase.models import Post


def test_whoever_may_read_a_post_may_listen_to_it(alice: User, charlie: User) -> None:
    post = Post.objects.create(author=alice, title="Hello", body="…")

    assert may_listen(charlie, f"post.{post.pk}")


def test_a_post_that_is_not_there_has_nothing_to_hear(alice: User) -> None:
    assert not may_listen(alice, "post.1")
    assert not may_listen(alice, "post.x")
    assert not may_listen(alice, "post.1.drafts")
