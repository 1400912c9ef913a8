"""A mention toasts unless its reader is looking at the message. Every toast counts, however short its life."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

LOBBY = "/showcase/chat/lobby/"
TALK = """
    from django.contrib.auth import get_user_model
    from notifications_hub import Notification
    from showcase.chat import sending
    from showcase.models import Message, Room
    import uuid

    def say(room, body):
        alice = get_user_model().objects.get(username="alice")
        sending.MAX_MESSAGES = 10**9
        sending.send(Room.objects.get(slug=room), alice, body, str(uuid.uuid4()))
"""
RECORD = """() => {
    window.toasts = [];
    new MutationObserver((changes) => {
        for (const node of changes.flatMap((change) => [...change.addedNodes])) {
            if (node instanceof Element && node.matches("[data-id]")) window.toasts.push(node.textContent);
        }
    }).observe(document.querySelector("toast-stack"), {childList: true, subtree: true});
}"""
HIDE = """() => {
    Object.defineProperty(document, "visibilityState", {get: () => "hidden"});
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python(TALK)
    return quiet_site


def open_tabs(page_for: People, *paths: str) -> list[Page]:
    tabs = []
    for path in paths:
        tab = page_for("bob", path)
        expect(tab.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")
        if path != "/":
            expect(tab.locator("chat-room [data-part=state]")).to_have_attribute("data-state", "live")
        tab.evaluate(RECORD)
        tabs.append(tab)
    return tabs


def toasts(tab: Page) -> int:
    count: int = tab.evaluate("window.toasts.length")
    return count


def newest(site: Site, field: str) -> str:
    return site.python(f"print(Notification.objects.latest('pk').{field})").strip()


def test_a_message_that_one_is_looking_at_never_toasts(page_for: People, site: Site) -> None:
    [tab] = open_tabs(page_for, LOBBY)
    for number in range(3):
        site.python(f"say('lobby', '@bob look {number}')")
        expect(tab.locator(".chat-message.is-mention", has_text=f"look {number}")).to_be_in_viewport()
        wait_until(lambda: newest(site, "unread") == "False")
        assert newest(site, "delivered_by") == "live"
    assert toasts(tab) == 0

    site.python("say('workshop', '@bob elsewhere')")
    expect(tab.locator("toast-stack [data-id]")).to_have_count(1)


@pytest.mark.clocked
def test_a_follower_claims_the_toast_of_its_room_and_leaves_others(page_for: People, site: Site) -> None:
    leader, follower = open_tabs(page_for, "/", LOBBY)
    leader.evaluate(HIDE)
    site.python("say('lobby', '@bob followed')")
    wait_until(lambda: newest(site, "unread") == "False")
    assert (toasts(leader), toasts(follower)) == (0, 0)

    site.python("for number in range(60): say('lobby', f'filler {number}')")
    expect(follower.locator(".chat-body").last).to_have_text("filler 59")
    follower.locator("chat-room [data-part=log]").evaluate("log => { log.scrollTop = 0; }")
    site.python("say('lobby', '@bob far below')")
    expect(follower.locator("toast-stack [data-id]")).to_have_count(1, timeout=2_500)
    assert newest(site, "unread") == "True"


@pytest.mark.clocked
def test_the_room_in_a_hidden_tab_leaves_the_toast_to_the_visible_one(page_for: People, site: Site) -> None:
    room, front = open_tabs(page_for, LOBBY, "/")
    room.evaluate(HIDE)
    site.python("say('lobby', '@bob hidden')")
    expect(front.locator("toast-stack [data-id]")).to_have_count(1, timeout=2_500)
    assert toasts(room) == 0
