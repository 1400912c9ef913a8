"""Following one thing: who hears of it, why, and until when not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_delete, post_save, pre_delete
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from notifications.signals import notify

from accounts.models import User
from notifications_hub import (
    BadArgument,
    FollowReason,
    NotFollowable,
    Notification,
    follow,
    followers_of,
    is_following,
    mute,
    unfollow,
    unmute,
)
from notifications_hub.following import followed as declarations
from notifications_hub.following import recipients
from notifications_hub.following import rules as following_rules
from notifications_hub.following.followed import BadReference, Followable, Followed
from notifications_hub.following.follows import follow_automatically
from notifications_hub.following.models import Follow
from notifications_hub.following.rules import Rule
from notifications_hub.streams import Event
from showcase.models import Post, Reply
from tests.rows.board.models import Note, Parcel, Thread, Whisper

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def post(admin: User) -> Post:
    made = Post.objects.create(author=admin, title="Moving plants", body="How?")
    Follow.objects.all().delete()
    return made


def sent_to(post: Post, actor: User, **more: Any) -> list[tuple[str, str | None]]:
    """Send to a post's followers, and return whom it reached and why."""
    given = {"recipient": followers_of(post), "verb": "replied", "target": post, "kind": "comment.reply", **more}
    notify.send(actor, **given)
    return list(Notification.objects.order_by("recipient").values_list("recipient__username", "reason"))


def test_followers_are_notified_each_for_their_own_reason(alice: User, bob: User, charlie: User, post: Post) -> None:
    follow(alice, post)
    follow(bob, post, reason="commenter")
    follow(charlie, post)
    assert sent_to(post, charlie) == [("alice", "following"), ("bob", "commenter")]
    row = Notification.objects.get(recipient=bob)
    assert row.item().as_json()["reason"] == {
        "code": "commenter",
        "words": "Because you commented on this.",
        "object": Followed.of(post).reference,
    }
    with translation.override("zh-hans"):
        assert row.message().reason == "commenter"


def test_the_event_says_the_same_as_the_row(alice: User, bob: User, post: Post) -> None:
    follow(alice, post, reason="mentioned")
    sent_to(post, bob)
    event = Event.objects.get(kind="notification.created")
    assert event.data["reason"] == Notification.objects.get().item().as_json()["reason"]


def test_a_direct_notification_may_name_a_reason(alice: User, bob: User, post: Post) -> None:
    notify.send(bob, recipient=alice, verb="mentioned", target=post, reason="mentioned", kind="comment.reply")
    message = Notification.objects.get().message()
    assert (message.because, message.followed) == ("Because you were mentioned.", Followed.of(post).reference)


def test_others_have_no_reason(alice: User, bob: User, post: Post) -> None:
    notify.send(bob, recipient=alice, verb="replied", target=post)
    assert "reason" not in Notification.objects.get().item().as_json()


def test_who_muted_it_hears_nothing_until_then(alice: User, bob: User, post: Post) -> None:
    follow(alice, post)
    assert mute(alice, post, timezone.now() + timedelta(days=1))
    assert is_following(alice, post)
    assert sent_to(post, bob) == []
    Follow.objects.update(muted_until=timezone.now() - timedelta(seconds=1))
    assert sent_to(post, bob) == [("alice", "following")]
    mute(alice, post)
    assert sent_to(post, bob) == [("alice", "following")]
    assert unmute(alice, post)
    assert len(sent_to(post, bob)) == 2


def test_who_muted_it_still_gets_what_is_sent_to_them(alice: User, bob: User, post: Post) -> None:
    follow(alice, post)
    mute(alice, post)
    notify.send(bob, recipient=alice, verb="mentioned", target=post, reason="mentioned")
    assert Notification.objects.count() == 1


def test_muting_needs_a_follow_and_a_zone(alice: User, post: Post) -> None:
    assert not mute(alice, post)
    follow(alice, post)
    with pytest.raises(ValueError, match="zone"):
        mute(alice, post, timezone.now().replace(tzinfo=None))


def test_who_unfollowed_is_not_followed_automatically(alice: User, bob: User, post: Post) -> None:
    Reply.objects.create(post=post, author=alice, body="Slowly.")
    assert Follow.objects.get().reason == "commenter"
    assert unfollow(alice, post)
    Reply.objects.create(post=post, author=alice, body="Very slowly.")
    assert not is_following(alice, post)
    assert not follow(alice, post, automatic=True)
    assert sent_to(post, bob) == []
    assert follow(alice, post)
    assert sent_to(post, bob) == [("alice", "following")]


def test_people_left_out_get_nothing(alice: User, bob: User, charlie: User, admin: User, post: Post) -> None:
    for person in (alice, bob, charlie):
        follow(person, post)
    User.objects.filter(pk=charlie.pk).update(is_active=False)
    assert sent_to(post, admin, recipient=followers_of(post, except_=alice)) == [("bob", "following")]


def test_who_may_not_see_it_any_more_gets_nothing(
    alice: User, bob: User, admin: User, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_bob(people: Any, _post: Post) -> Any:
        return people.exclude(username="bob")

    declared = Followable(model=Post, may_follow=None, visible_to=not_bob, name=str, url=None)
    monkeypatch.setattr(declarations, "_declared", {Post: declared})
    follow(alice, post)
    follow(bob, post)
    assert sent_to(post, admin) == [("alice", "following")]
    assert followers_of(post).count() == 1
    assert (declared.allows(alice, post), declared.allows(bob, post)) == (True, False)


def test_followers_are_read_in_chunks(alice: User, bob: User, charlie: User, admin: User, post: Post) -> None:
    for person in (alice, bob, charlie):
        follow(person, post)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipients, "CHUNK", 2)
        assert [len(people) for people, _reasons in followers_of(post).chunks(without=admin)] == [2, 1]
        assert set(followers_of(post)) == {alice, bob, charlie}
        with CaptureQueriesContext(
            connection,
        ) as asked:
            list(followers_of(post))
    assert len(asked) == 4


def test_what_is_wrong_is_said(alice: User, bob: User, post: Post) -> None:
    with pytest.raises(NotFollowable, match=r"followable\(User\)"):
        follow(alice, bob)
    with pytest.raises(NotFollowable, match="saved"):
        follow(alice, Post(author=bob))
    with pytest.raises(ValueError, match="FollowReason"):
        follow(alice, post, reason="bored")
    with pytest.raises(BadArgument, match="FollowReason"):
        notify.send(bob, recipient=alice, verb="x", reason="bored")
    with pytest.raises(BadArgument, match="of their own"):
        notify.send(bob, recipient=followers_of(post), verb="x", reason="mentioned")
    with pytest.raises(BadReference):
        Followed.from_reference(str(Followed.of(post)))
    with pytest.raises(ValueError, match="a-z"):
        FollowReason(code="Not one", label="", sentence="")
    assert not Notification.objects.exists()


def test_a_rule_that_raises_costs_no_save(
    alice: User, post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_reply: Reply) -> list[User]:
        return list(User.objects.extra(where=["no_such_column = 1"]))

    rules = [
        Rule(who=broken, what=lambda reply: reply.post, reason="author", created=True),
        *following_rules._rules[Reply],
    ]
    monkeypatch.setattr(following_rules, "_rules", {Reply: rules})
    Reply.objects.create(post=post, author=alice, body="Slowly.")
    assert is_following(alice, post)
    assert "nobody follows by it" in caplog.text


def test_a_deleted_thing_takes_its_follows_along(
    alice: User, bob: User, post: Post, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    other = Post.objects.create(author=bob, title="Books", body="Which?")
    for person in (alice, bob):
        follow(person, post)
    with CaptureQueriesContext(connection) as asked:
        Post.objects.filter(pk=post.pk).delete()
    assert list(Follow.objects.values_list("object_key", flat=True)) == [str(other.pk)]
    assert sum("DELETE" in one["sql"] and "_follow" in one["sql"] for one in asked) == 1


def test_pages_hear_of_each_change(alice: User, post: Post) -> None:
    follow(alice, post)
    follow(alice, post)
    mute(alice, post, timezone.now() + timedelta(days=1))
    unfollow(alice, post)
    logged = (
        Event.objects.filter(kind="following.updated", topic=f"inbox.{alice.pk}")
        .order_by("pk")
        .values_list("data", flat=True)
    )
    assert [(one["following"], one["muted"]) for one in logged] == [(True, False), (True, True), (False, False)]


def test_what_followers_get_is_loaded_when_it_is_read(alice: User, bob: User, charlie: User, post: Post) -> None:
    for person in (alice, bob):
        follow(person, post)
    answers: Any = notify.send(charlie, recipient=followers_of(post), verb="replied")
    made = answers[0][1]
    assert len(made) == 2
    assert (
        [row.recipient for row in made]
        == [row.recipient for row in made[:]]
        == sorted([alice, bob], key=lambda p: p.pk)
    )
    assert made[-1].reason == "following"
    Notification.objects.filter(pk=made[0].pk).delete()
    assert len(list(made)) == 1


@pytest.fixture
def followable_notes(alice: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let Alice follow each note that is saved."""
    declared = Followable(model=Note, may_follow=None, visible_to=None, name=str, url=None)
    rule = Rule(who=lambda _note: alice, what=lambda note: note, reason="author", created=True)
    monkeypatch.setattr(declarations, "_declared", {Note: declared})
    monkeypatch.setattr(following_rules, "_rules", {Note: [rule]})
    following_rules.connect()
    yield
    for signal in (post_save, pre_delete, post_delete):
        for model in (Note, Whisper):
            signal.disconnect(sender=model, dispatch_uid="notifications_hub.following")


@pytest.mark.usefixtures("followable_notes")
def test_a_row_of_a_proxy_is_the_row_itself(
    alice: User, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    whisper = Whisper.objects.create(thread=Thread.objects.create(), body="Psst")
    assert is_following(alice, Note.objects.get(pk=whisper.pk))
    whisper.delete()
    assert not Follow.objects.exists()


def test_a_new_row_has_the_key_that_it_is_loaded_with(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = Followable(model=Parcel, may_follow=None, visible_to=None, name=str, url=None)
    monkeypatch.setattr(declarations, "_declared", {Parcel: declared})
    text = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    follow(alice, Parcel.objects.create(id=text, depot=1, due=timezone.now(), weight=1))
    assert is_following(alice, Parcel.objects.get(pk=text))


def test_people_are_inserted_in_one_order(alice: User, bob: User, charlie: User, post: Post) -> None:
    follow_automatically([charlie, alice, bob], Followed.of(post), "mentioned")
    people = list(Follow.objects.order_by("pk").values_list("person", flat=True))
    assert people == sorted(people)
