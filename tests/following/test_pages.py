"""Following by a page, the API, an email and a push: each in one click, and only what a person may follow."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory
from notifications.signals import notify

from notifications_hub import Privacy, follow, followers_of, is_following, mute, unfollow
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preparing import _job, act_token
from notifications_hub.delivery.sender import Sending
from notifications_hub.delivery.summary import summed_up
from notifications_hub.following import followed as declarations
from notifications_hub.following.followed import Followable, Followed
from notifications_hub.following.follows import Standing
from notifications_hub.following.listing import FollowedThing, Thing
from notifications_hub.following.models import Follow
from notifications_hub.following.unfollow_links import UnfollowLink
from notifications_hub.message import Message
from notifications_hub.notification import Notification
from notifications_hub.transports.email.content import email_for
from notifications_hub.transports.email.recipients import Recipient
from notifications_hub.transports.web_push.payload import encode
from showcase.models import Post
from tests.inbox.support import ClientFor

if TYPE_CHECKING:
    from pytest_django import Settings

    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]

EMAIL = "notifications_hub.transports.email.transport.Email"
PAGE, CHANGE, API = "/notifications/following/", "/notifications/following/change/", "/api/v1/following/"


@pytest.fixture
def post(admin: User) -> Post:
    made = Post.objects.create(author=admin, title="Moving <plants>", body="How?")
    Follow.objects.all().delete()
    return made


@pytest.fixture
def reference(post: Post) -> str:
    return Followed.of(post).reference


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody follow posts any more."""
    declared = Followable(model=Post, may_follow=lambda _user, _post: False, visible_to=None, name=str, url=None)
    monkeypatch.setattr(declarations, "_declared", {Post: declared})


def button(person: User, post: Post) -> str:
    request = RequestFactory().get("/posts/1/")
    request.user = person
    template = Template("{% load notifications_hub %}{% follow_button post %}")
    return template.render(Context({"request": request, "post": post}))


def send_api(client: Client, name: str, **body: Any) -> Any:
    return client.post(f"{API}{name}/", body, content_type="application/json")


# Pages


def test_a_button_names_a_thing_whose_key_has_spaces() -> None:
    things = [FollowedThing(Followed(1, key), Thing("", "", ""), Standing(), datetime.now(UTC)) for key in ("a b", "a")]
    names = {thing.name_id for thing in things}
    assert len(names) == len(" ".join(names).split()) == 2


def test_the_form_follows_mutes_and_unfollows(alice: User, post: Post, reference: str, client_for: ClientFor) -> None:
    client = client_for(alice)
    answer = client.post(CHANGE, {"object": reference, "action": "follow", "next": "/posts/1/"})
    assert (answer.status_code, answer["Location"]) == (302, "/posts/1/")
    client.post(CHANGE, {"object": reference, "action": "mute-week"})
    until = Follow.objects.get().muted_until
    assert until is not None
    assert timedelta(days=6) < until - datetime.now(UTC) < timedelta(days=8)
    page = client.get(PAGE)
    assert "Muted until" in page.content.decode()
    client.post(CHANGE, {"object": reference, "action": "unmute"})
    assert Follow.objects.get().muted_until is None
    assert client.post(CHANGE, {"object": reference, "action": "unfollow"})["Location"] == PAGE
    assert not is_following(alice, post)
    assert client.post(CHANGE, {"object": "12.1:forged", "action": "follow"}).status_code == 400
    assert client.post(CHANGE, {"object": reference, "action": "destroy"}).status_code == 400


def test_the_page_lists_what_may_be_seen(
    alice: User, bob: User, post: Post, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(alice, post, reason="mentioned")
    follow(bob, Post.objects.create(author=bob, title="Secret", body="x"))
    text = client_for(alice).get(PAGE).content.decode()
    assert "Moving &lt;plants&gt;" in text
    assert "You were mentioned" in text
    assert "Secret" not in text
    refuse(monkeypatch)
    text = client_for(alice).get(PAGE).content.decode()
    assert "plants" not in text
    assert "Something that you can&#x27;t see any more" in text


def test_the_page_is_read_in_parts(alice: User, bob: User, client_for: ClientFor) -> None:
    for number in range(21):
        follow(alice, Post.objects.create(author=bob, title=f"Post {number}.", body="x"))
    first = client_for(alice).get(API).json()
    second = client_for(alice).get(API, {"before": first["next"]}).json()
    names = [one["name"] for one in first["results"] + second["results"]]
    assert names == [f"Post {number}." for number in reversed(range(21))]
    assert second["next"] is None
    assert "Post 0." in client_for(alice).get(PAGE, {"before": first["next"]}).content.decode()


def test_the_button_is_for_people_who_may_follow(alice: User, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 'aria-pressed="false"' in button(alice, post)
    refuse(monkeypatch)
    assert button(alice, post).strip() == ""
    follow(alice, post)
    assert 'aria-pressed="true"' in button(alice, post)


def test_items_name_their_reason_with_a_button(alice: User, bob: User, post: Post, client_for: ClientFor) -> None:
    follow(alice, post)
    notify.send(bob, recipient=alice, verb="mentioned", target=post, reason="mentioned")
    row = Notification.objects.get()
    for path in ("/notifications/", f"/notifications/{row.item_id}/why/"):
        text = client_for(alice).get(path).content.decode()
        assert "Because you were mentioned." in text
        assert f'name="object" value="{Followed.of(post).reference}"' in " ".join(text.split())


def test_items_of_unfollowed_things_have_no_button(alice: User, bob: User, post: Post, client_for: ClientFor) -> None:
    follow(alice, post)
    notify.send(bob, recipient=followers_of(post), verb="replied", target=post)
    client = client_for(alice)
    assert client.get("/api/v1/notifications/").json()["results"][0]["reason"]["object"] == Followed.of(post).reference
    unfollow(alice, post)
    assert client.get("/api/v1/notifications/").json()["results"][0]["reason"]["object"] is None
    text = client.get("/notifications/").content.decode()
    assert "Because you follow this." in text
    assert "follow-button" not in text


# The API


def test_the_api_changes_one_thing(alice: User, post: Post, reference: str, client_for: ClientFor) -> None:
    client = client_for(alice)
    off = {"object": reference, "following": False, "muted": False, "muted_until": None}
    assert client.get(f"{API}one/", {"object": reference}).json() == off
    assert send_api(client, "follow", object=reference).json() == off | {"following": True}
    until = (datetime.now(UTC) + timedelta(days=2)).replace(microsecond=0)
    muted = send_api(client, "mute", object=reference, until=until.isoformat()).json()
    assert muted == off | {"following": True, "muted": True, "muted_until": f"{until:%Y-%m-%dT%H:%M:%S}.000000Z"}
    assert send_api(client, "mute", object=reference).json()["muted_until"] is None
    assert client.get(API).json()["results"][0]["reason"] == {"code": "following", "label": "You chose to follow it"}
    assert not send_api(client, "unmute", object=reference).json()["muted"]
    assert send_api(client, "unfollow", object=reference).json() == off


def test_the_api_refuses_what_is_not_allowed(
    alice: User, post: Post, reference: str, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(alice)
    assert send_api(client, "follow", object="1.1:forged").status_code == 400
    past = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    assert send_api(client, "mute", object=reference, until=past).status_code == 400
    post.delete()
    assert send_api(client, "follow", object=reference).status_code == 403
    assert send_api(client, "unfollow", object=reference).status_code == 200
    assert send_api(Client(), "follow", object=reference).status_code == 401


def test_the_api_asks_the_host(
    alice: User, reference: str, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    answer = send_api(client_for(alice), "follow", object=reference)
    assert (answer.status_code, answer.json()["detail"]) == (403, "You can't follow this.")


# Emails and pushes


def sent_message(alice: User, bob: User, post: Post, transport: str = "email") -> tuple[Delivery, Message]:
    one, job = sent_job(alice, bob, post, transport)
    return one, job.message


def sent_job(alice: User, bob: User, post: Post, transport: str = "email") -> tuple[Delivery, Sending]:
    notify.send(bob, recipient=alice, verb="mentioned you", target=post, reason="mentioned")
    row = Notification.objects.get()
    one = Delivery.objects.create(notification=row, transport=transport, address="1", due_at=datetime.now(UTC))
    one.loaded_at = datetime.now(UTC)  # as a worker loads it
    return one, _job(one, {"1": lambda _message: None}, "/act/")  # type: ignore[dict-item, return-value]


def test_an_email_says_why_and_unfollows_without_a_sign_in(alice: User, bob: User, post: Post) -> None:
    follow(alice, post, reason="mentioned")
    _one, message = sent_message(alice, bob, post)
    made = email_for(message, Recipient(pk=alice.pk, address="alice@example.com"), optional=True)
    html = str(made.alternatives[0][0])
    assert "Because you were mentioned." in str(made.body)
    assert "Because you were mentioned." in html
    link = re.search(r"Unfollow:\s+(\S+)", str(made.body))
    assert link
    assert f'href="{link[1]}"' in html
    path = urlsplit(link[1]).path
    assert path == UnfollowLink(alice.pk, Followed.of(post)).path

    visitor = Client()
    page = visitor.get(path)
    assert "Moving &lt;plants&gt;" in page.content.decode()
    assert page["Referrer-Policy"] == "no-referrer"
    assert is_following(alice, post)
    assert "sessionid" not in visitor.cookies
    assert "Undo" in visitor.post(path).content.decode()
    assert not is_following(alice, post)
    assert "follow it again" in visitor.post(path, {"undo": "1"}).content.decode()
    assert is_following(alice, post)
    assert visitor.get(path.replace("unfollow/", "unfollow/x")).status_code == 404


def test_a_link_does_not_show_what_is_hidden_now(
    alice: User, bob: User, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(alice, post)
    refuse(monkeypatch)
    path = UnfollowLink(alice.pk, Followed.of(post)).path
    assert "plants" not in Client().get(path).content.decode()
    Client().post(path)
    Client().post(path, {"undo": "1"})
    assert not is_following(alice, post)


def test_a_push_has_a_button_that_reports(alice: User, bob: User, post: Post) -> None:
    follow(alice, post)
    one, message = sent_message(alice, bob, post, "memory")
    actions = json.loads(encode(message))["notification"]["actions"]
    assert [action["action"] for action in actions][:2] == ["read", "hub-unfollow"]
    hidden = json.loads(encode(dataclasses.replace(message, privacy=Privacy.NOTHING)))
    assert "unfollow" not in json.dumps(hidden)
    report = {"token": act_token(one), "action": "unfollow"}
    answer = Client().post("/api/v1/push/act/", report, content_type="application/json")
    assert answer.status_code == 200
    assert not is_following(alice, post)


def test_unfollowing_ends_a_mute(alice: User, bob: User, post: Post) -> None:
    follow(alice, post)
    mute(alice, post)
    assert unfollow(alice, post)
    assert Follow.objects.get().muted_until is None


def test_a_right_that_cannot_be_found_out_is_none(
    alice: User, client_for: ClientFor, post: Post, reference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_people: Any, _post: Post) -> Any:
        raise RuntimeError("down")

    declared = Followable(model=Post, may_follow=None, visible_to=broken, name=str, url=None)
    monkeypatch.setattr(declarations, "_declared", {Post: declared})
    assert button(alice, post) == ""
    answer = client_for(alice).post(f"{API}follow/", {"object": reference}, content_type="application/json")
    assert answer.status_code == 403


def test_each_line_of_a_digest_says_why_and_unfollows(alice: User, bob: User, post: Post, settings: Settings) -> None:
    _one, job = sent_job(alice, bob, post)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"email": EMAIL}}
    made = email_for(
        summed_up([job], 0, None).message, Recipient(pk=alice.pk, address="alice@example.com"), optional=True
    )
    path = UnfollowLink(alice.pk, Followed.of(post)).path
    for text in (str(made.body), str(made.alternatives[0][0])):
        assert "Because you were mentioned." in text
        assert path in text
