"""The panel in Chromium keeps its place: rows that follow archived ones, undo from any row, and large text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.inbox_page import archived, prepare
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

PATH = "/notifications/preferences/"
"""A page that shows no notifications of its own."""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def open_panel(page: Page) -> Locator:
    """Open the panel, and return its rows."""
    page.locator("button.nh-bell").click()
    rows = page.locator(".nh-panel .nh-row")
    expect(rows.first).to_be_visible()
    return rows


def test_once_every_row_is_archived_the_next_ones_follow(page_for: People, site: Site) -> None:
    site.python("wave(23)")
    page = page_for("alice", PATH)
    rows = open_panel(page)
    expect(rows).to_have_count(20)
    rows.first.locator("[data-part=archive]").focus()
    for left in range(19, -1, -1):
        page.keyboard.press("Enter")
        if left:
            expect(rows).to_have_count(left)

    expect(rows).to_have_count(3)
    expect(page.locator(".nh-panel").get_by_text("All quiet")).to_be_hidden()
    assert page.locator(".nh-panel").evaluate("panel => panel.contains(document.activeElement)")
    for left in (2, 1, 0):
        rows.first.locator("[data-part=archive]").focus()
        page.keyboard.press("Enter")
        expect(rows).to_have_count(left)
    expect(page.locator(".nh-panel").get_by_text("All quiet")).to_be_visible()


def test_archiving_is_undone_from_any_row(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = page_for("alice", PATH)
    rows = open_panel(page)
    rows.nth(1).locator("[data-part=archive]").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".nh-panel .nh-notice")).to_be_visible()
    page.keyboard.press("Control+z")

    expect(rows).to_have_count(3)
    expect(page.locator(".nh-panel .nh-notice")).to_be_hidden()
    wait_until(lambda: archived(site) == "0", what="the undo")


def test_with_large_text_undo_is_in_sight(page_for: People, site: Site) -> None:
    site.python("wave(5)")
    page = page_for("alice", PATH, viewport={"width": 375, "height": 700})
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    rows = open_panel(page)
    rows.first.locator("[data-part=archive]").focus()
    page.keyboard.press("Enter")

    undo = page.locator(".nh-panel [data-part=notice-action]")
    expect(undo).to_be_visible()
    box, panel = undo.bounding_box(), page.locator(".nh-panel").bounding_box()
    assert box
    assert panel
    assert panel["y"] <= box["y"]
    assert box["y"] + box["height"] <= panel["y"] + panel["height"]
