"""Swipes of cards, by Chromium's own touch events."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.support.inbox_page import PATH, archived, card, notice, prepare, ready, unread
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

PHONE = {"viewport": {"width": 375, "height": 667}, "has_touch": True}


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


class Finger:
    """A finger on the screen. Its moves are cut into steps, as a screen reports them."""

    def __init__(self, screen: CDPSession, x: float, y: float) -> None:
        self._screen = screen
        self._x, self._y = x, y
        self._send("touchStart")

    def move(self, dx: float, dy: float = 0, steps: int = 6) -> None:
        for _ in range(steps):
            self._x, self._y = self._x + dx / steps, self._y + dy / steps
            self._send("touchMove")

    def lift(self) -> None:
        self._screen.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def _send(self, kind: str) -> None:
        points = [{"x": self._x, "y": self._y}]
        self._screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@contextmanager
def finger(page: Page, on: Locator) -> Iterator[Finger]:
    on.scroll_into_view_if_needed()
    box = on.bounding_box()
    assert box
    one = Finger(page.context.new_cdp_session(page), box["x"] + box["width"] / 2, box["y"] + 24)
    yield one
    one.lift()


def test_cards_are_swiped_scrolled_and_taken_back(page_for: People, site: Site) -> None:
    site.python("wave(12)")
    page = ready(page_for("alice", PATH, **PHONE))
    with finger(page, card(page, 12)) as one:
        one.move(-90)
        expect(card(page, 12)).to_have_attribute("data-swipe", "archive")
        expect(card(page, 12)).not_to_have_attribute("data-armed", "")
        one.move(-90)
        expect(card(page, 12)).to_have_attribute("data-armed", "")
        assert page.locator(".nh-swipe svg[data-icon=archive]").is_visible()
    expect(card(page, 12)).to_have_count(0)
    expect(notice(page)).to_contain_text("Archived")
    wait_until(lambda: archived(site) == "1", what="the change on the server")
    notice(page).get_by_role("button", name="Undo").click()
    expect(card(page, 12)).to_be_visible()
    assert card(page, 12).evaluate("(card) => card.style.transform") == ""
    wait_until(lambda: archived(site) == "0", what="the undo on the server")

    with finger(page, card(page, 11)) as one:
        one.move(180)
        expect(card(page, 11)).to_have_attribute("data-swipe", "read")
    expect(card(page, 11)).not_to_have_attribute("data-unread", "")
    expect(notice(page)).to_contain_text("Marked as read")
    wait_until(lambda: unread(site) == "11", what="the change on the server")

    # Going back takes it back.
    with finger(page, card(page, 10)) as one:
        one.move(-180)
        one.move(175)
        expect(card(page, 10)).not_to_have_attribute("data-armed", "")
    expect(page.locator(".nh-swipe")).to_have_count(0)
    # A vertical way scrolls, whatever follows.
    before = page.evaluate("scrollY")
    with finger(page, card(page, 9)) as one:
        one.move(0, -200, steps=12)
        one.move(-180)
    wait_until(lambda: page.evaluate("scrollY") > before + 50, what="the scroll")
    expect(page.locator(".nh-card")).to_have_count(12)
    expect(page.locator(".nh-swipe")).to_have_count(0)
    assert archived(site) == "0"


def test_directions_are_mirrored_and_what_must_be_confirmed_resists(page_for: People, site: Site) -> None:
    site.python("wave(2)")
    site.python("notify.send(bob, recipient=alice, verb='waved 3', must_acknowledge=True)")
    page = ready(page_for("alice", PATH, **PHONE, reduced_motion="reduce"))
    page.evaluate("document.documentElement.dir = 'rtl'")
    with finger(page, card(page, 3)) as one:
        one.move(200)
        expect(page.locator(".nh-swipe")).to_have_count(0)
    with finger(page, card(page, 2)) as one:
        one.move(180)
    expect(card(page, 2)).to_have_count(0)
    wait_until(lambda: archived(site) == "1", what="the change on the server")
    expect(card(page, 3)).to_be_visible()
