"""The whole pipeline through public names only: the effects of one signal on the people of a running site."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from notifications_hub.transports.web_push.vapid import generate
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService, wait_for
from tests.support.live import LiveClient, listening
from tests.support.site import Site, Visitor

pytestmark = pytest.mark.both_databases

ACK_WINDOW = 2


@dataclass
class World:
    """A site and a push service, with helpers to use and inspect them."""

    site: Site
    push: LocalPushService
    post: str

    def bob_replies(self, words: str) -> None:
        answer = self.site.visitor("bob").post(self.post, data={"body": words})
        assert answer.ok

    def pushes_to(self, browser: Reader) -> list[dict[str, Any]]:
        return [browser.read_json(sent.body) for sent in self.push.sent_to(browser.endpoint)]

    def trail(self) -> list[tuple[str, str]]:
        """Return the state and reason of every delivery, oldest first."""
        return [
            tuple(row)
            for row in json.loads(
                self.site.python("""
            import json
            from notifications_hub.models import Delivery
            print(json.dumps(list(Delivery.objects.order_by("pk").values_list("state", "reason"))))
        """)
            )
        ]


@pytest.fixture
def world(start_site: Callable[..., Site]) -> Iterator[World]:
    with LocalPushService.in_thread() as push:
        site = start_site(
            hub={"ACK_WINDOW": ACK_WINDOW},
            VAPID_PRIVATE_KEY=generate(),
            VAPID_SUBJECT="mailto:story@hub.example",
            PUSH_EXTRA_HOSTS=push.host,
        )
        post = site.python("""
            from django.contrib.auth import get_user_model
            from showcase.models import Post
            from notifications_hub.models import Notification
            Notification.objects.all().delete()
            alice = get_user_model().objects.get(username="alice")
            print(Post.objects.create(author=alice, title="Tea or coffee", body="Which?").get_absolute_url())
        """).strip()
        yield World(site, push, post)


@pytest.mark.both_databases(short="postgresql")
def test_one_signal_reaches_alice_once_by_the_best_delivery_method(world: World) -> None:
    alice = world.site.visitor("alice")
    browser = _allow_push(world, alice)

    _a_page_that_she_looks_at_shows_it_at_once(world)
    _a_displayed_notification_is_neither_pushed_nor_flashed(world, alice, browser)
    _a_push_reaches_her_browser_if_no_page_is_open(world, browser)
    _an_undelivered_notification_is_flashed_once(world, alice)
    _reading_it_in_one_place_updates_every_tab(world, alice)
    _an_announcement_reaches_open_pages_and_later_visitors(world, alice)
    _charlie_received_only_the_announcement(world)


def _allow_push(world: World, alice: Visitor) -> Reader:
    key = alice.get("/api/v1/push/key/").json()["key"]
    browser = world.push.subscribe(key)
    assert alice.post("/api/v1/push/subscriptions/", json=browser.to_json()).status_code == 201
    return browser


def _a_page_that_she_looks_at_shows_it_at_once(world: World) -> None:
    with listening(world.site, "alice") as first, listening(world.site, "alice") as second:
        first.frame()
        second.frame()
        world.bob_replies("I am here.")
        for tab in (first, second):
            item = tab.until("notification.created")["data"]
            assert "Bob" in item["title"]
            assert item["body"] == "I am here."
            assert item["url"].startswith(world.post)
        first.send(ack=first.cursor)
        assert second.until("notification.delivered")


def _a_displayed_notification_is_neither_pushed_nor_flashed(world: World, alice: Visitor, browser: Reader) -> None:
    assert world.trail() == [("cancelled", "delivered_by")]
    assert "I am here." not in alice.get("/accounts/password/").text
    assert world.pushes_to(browser) == []


def _a_push_reaches_her_browser_if_no_page_is_open(world: World, browser: Reader) -> None:
    world.bob_replies("Where are you?")
    [payload] = wait_for(lambda: world.pushes_to(browser))
    assert payload["notification"]["body"] == "Where are you?"
    assert payload["url"].startswith(world.post)
    wait_for(lambda: world.trail()[-1][0] == "sent")
    # Only a crashed worker may send again, with the same tag. A healthy one sends once.
    assert len(world.pushes_to(browser)) == 1
    shown = world.site.visitor().post(payload["act"], json={"token": payload["token"], "action": "shown"})
    assert shown.status_code == 200


def _an_undelivered_notification_is_flashed_once(world: World, alice: Visitor) -> None:
    # The push was reported as shown, so only the next reply is flashed.
    world.site.python("""
        from notifications_hub.delivery.preferences import choose_methods
        from notifications_hub.kinds import DeliveryMethod
        from django.contrib.auth import get_user_model
        alice = get_user_model().objects.get(username="alice")
        choose_methods(alice, "comment.reply", [DeliveryMethod.LIVE, DeliveryMethod.FLASH])
    """)
    world.bob_replies("Last words.")
    first, second = (alice.get("/accounts/password/").text for _ in range(2))
    assert first.count("Bob replied") == 1
    assert "Bob replied" not in second


def _reading_it_in_one_place_updates_every_tab(world: World, alice: Visitor) -> None:
    assert alice.get("/api/v1/notifications/count/").json()["unread"] == 3
    newest = alice.get("/api/v1/notifications/").json()["results"][0]
    with listening(world.site, "alice") as first, listening(world.site, "alice") as second:
        first.frame()
        second.frame()
        assert alice.post("/api/v1/notifications/read/", json={"ids": [newest["id"]]}).json() == {"changed": 1}
        for tab in (first, second):
            assert tab.until("notification.read")["data"] == {"ids": [newest["id"]]}
        assert alice.post("/api/v1/notifications/read/", json={"all": True}).json() == {"changed": 2}
        for tab in (first, second):
            assert len(tab.until("notification.read")["data"]["ids"]) == 2
    assert alice.get("/api/v1/notifications/count/").json()["unread"] == 0


def _an_announcement_reaches_open_pages_and_later_visitors(world: World, alice: Visitor) -> None:
    with listening(world.site, "bob") as bob:
        bob.frame()
        world.site.python("from notifications_hub import broadcast; broadcast(title='Tea is ready', body='**Now**')")
        item = bob.until("announcement.created")["data"]
        assert (item["title"], item["body"]) == ("Tea is ready", "Now")
    listed = alice.get("/api/v1/notifications/").json()["results"][0]
    assert (listed["id"], listed["unread"]) == (item["id"], True)
    assert "Tea is ready" in alice.get("/accounts/password/").text


def _charlie_received_only_the_announcement(world: World) -> None:
    charlie = world.site.visitor("charlie")
    assert [item["title"] for item in charlie.get("/api/v1/notifications/").json()["results"]] == ["Tea is ready"]
    with listening(world.site, "charlie") as socket:
        assert _is_quiet(socket)


def _is_quiet(socket: LiveClient) -> bool:
    return not socket.frame()["events"]
