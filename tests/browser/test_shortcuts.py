"""The inbox page by single keys, without a mouse, and with the keys turned off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.inbox_page import PATH, archived, card, notice, prepare, ready, unread
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def test_an_inbox_is_worked_through_by_keys_alone(page_for: People, site: Site) -> None:
    site.python("wave(22)")
    page = ready(page_for("alice", PATH))
    keys = page.keyboard
    keys.press("j")
    expect(card(page, 22)).to_be_focused()
    _expect_ring(page)
    keys.press("j")
    keys.press("ArrowDown")
    keys.press("k")
    expect(card(page, 21)).to_be_focused()

    keys.press("e")
    expect(card(page, 21)).to_have_count(0)
    expect(card(page, 20)).to_be_focused()
    expect(notice(page)).to_contain_text("Archived")
    wait_until(lambda: archived(site) == "1", what="the change on the server")
    keys.press("Control+z")
    expect(card(page, 21)).to_be_visible()
    wait_until(lambda: archived(site) == "0", what="the undo on the server")

    keys.press("u")
    expect(card(page, 20)).not_to_have_attribute("data-unread", "")
    expect(notice(page)).to_contain_text("Marked as read")
    expect(card(page, 20)).to_be_focused()
    wait_until(lambda: unread(site) == "21", what="the change on the server")

    for button in ("unsave", "save"):
        keys.press("s")
        expect(card(page, 20).locator(f"button[value={button}]")).to_be_visible()
        expect(card(page, 20)).to_be_focused()

    keys.press("x")
    keys.press("j")
    keys.press("j")
    keys.press("Shift+X")
    expect(page.locator("[data-part=picked]")).to_have_text("3 selected")
    keys.press("Escape")
    expect(page.locator("[data-part=picked]")).to_have_text("Select all")
    expect(card(page, 18)).to_be_focused()
    keys.press("x")
    keys.press("e")
    expect(card(page, 18)).to_have_count(0)
    expect(card(page, 17)).to_be_focused()

    # Another tab removes the one with the focus: the next key goes on from there.
    site.python("Notification.objects.filter(recipient=alice, verb='waved 17').archive()")
    expect(card(page, 17)).to_have_count(0)
    expect(card(page, 16)).to_be_focused()
    keys.press("/")
    expect(page.locator("[name=q]")).to_be_focused()
    page.locator(".nh-card").last.focus()
    keys.press("j")
    expect(card(page, 2)).to_be_focused()
    keys.press("Enter")
    page.wait_for_url("**/preferences/?2")
    wait_until(lambda: unread(site) == "20", what="the opened one read")


def test_keys_that_belong_to_something_else_do_nothing(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    page.evaluate("""() => {
        const field = document.createElement("input");
        field.id = "field";
        document.querySelector("main").prepend(field);
    }""")
    page.locator("#field").press_sequentially("jeux?")
    expect(page.locator("#field")).to_have_value("jeux?")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("e")  # nobody would see which one it meant
    page.keyboard.press("Control+j")
    page.keyboard.press("Alt+e")
    page.locator("notification-bell [data-part=button]").click()
    page.keyboard.press("e")
    page.keyboard.press("Escape")
    page.locator("notification-bell [data-part=button]").focus()
    page.keyboard.press("j")
    expect(card(page, 2)).to_be_focused()
    expect(page.locator(".nh-card")).to_have_count(3)
    assert page.locator(".nh-pick:checked").count() == 0
    assert page.locator("dialog[open]").count() == 0


def test_the_list_of_shortcuts_turns_them_off_in_every_tab(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page, other = (ready(page_for("alice", PATH)) for _ in range(2))
    archive = card(page, 3).locator("button[value=archive]")
    expect(archive).to_have_attribute("aria-keyshortcuts", "e")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_text("Archive it")).to_be_visible()
    expect(dialog.get_by_text("Save it, or stop saving it")).to_be_visible()
    page.keyboard.press("e")
    expect(page.locator(".nh-card")).to_have_count(3)
    dialog.get_by_label("Use keyboard shortcuts in this browser").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    expect(archive).not_to_have_attribute("aria-keyshortcuts", "e")
    for tab in (page, other):
        for key in ("j", "e", "?"):
            tab.keyboard.press(key)
        expect(tab.locator(".nh-card")).to_have_count(3)
        expect(tab.locator("dialog[open]")).to_have_count(0)
    page.get_by_role("button", name="Keyboard shortcuts").click()
    dialog.get_by_label("Use keyboard shortcuts in this browser").check()
    dialog.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    expect(card(page, 3)).to_be_focused()


def _expect_ring(page: Page) -> None:
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
