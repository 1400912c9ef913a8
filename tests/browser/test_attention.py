"""A count in the page's title and on its icon, and a sound: chosen in this browser, followed by its tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.inbox_page import prepare
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

NOTES = """
window.notes = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) { window.notes += 1; return start.apply(this, when); };
"""
ICON = "document.querySelector('link[rel~=icon]').getAttribute('href')"


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def test_title_icon_and_sound_are_chosen_in_the_browser_and_followed(page_for: People, site: Site) -> None:
    page, choices = page_for("alice", "/healthz"), page_for("alice", "/healthz")
    for tab, path in ((page, "/"), (choices, "/notifications/preferences/")):
        tab.add_init_script(NOTES)
        tab.goto(site.url + path)
        expect(tab.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")
    title, icon = page.title(), page.evaluate(ICON)
    site.python("wave(2)")
    expect(page.locator("notification-bell")).to_have_attribute("unread", "2")
    assert (page.title(), page.evaluate(ICON)) == (title, icon)

    section = choices.get_by_role("heading", name="This browser").locator("..")
    section.get_by_label("in the page's title").check()
    section.get_by_label("on the page's icon").check()
    section.get_by_label("Play a sound").check()
    expect(page).to_have_title(f"(2) {title}")
    _wait(page, f"{ICON}.startsWith('data:image/png')")
    section.get_by_role("button", name="Play a sample").click()
    assert choices.evaluate("notes") == 2

    # A site's own change of the title keeps the count, and is kept when it goes.
    page.evaluate("document.title = 'Orders'")
    expect(page).to_have_title("(2) Orders")
    page.evaluate("document.querySelector('link[rel~=icon]').href = '/favicon.ico?busy'")
    _wait(page, f"{ICON}.startsWith('data:image/png')")

    # Nobody clicked on that page yet, so a sound would be refused there; the other one plays it, once for several.
    site.python("wave(3)")
    expect(page).to_have_title("(5) Orders")
    wait_until(lambda: choices.evaluate("notes") == 4, what="the sound")
    assert page.evaluate("notes") == 0

    site.python("Notification.objects.filter(recipient=alice).mark_all_as_read()")
    expect(page).to_have_title("Orders")
    _wait(page, f"{ICON} === '/favicon.ico?busy'")


def test_the_site_can_want_them_for_everyone_and_a_person_can_differ(page_for: People, site: Site) -> None:
    page = page_for("alice", "/healthz")
    page.add_init_script(NOTES)
    page.goto(f"{site.url}/")
    title = page.title()
    site.python("wave(1)")
    page.evaluate("""() => {
        const bell = document.querySelector("notification-bell");
        for (const name of ["title-count", "sound"]) bell.setAttribute(name, "");
    }""")
    page.mouse.click(5, 300)
    site.python("wave(1)")
    expect(page).to_have_title(f"(2) {title}")
    _wait(page, "notes === 2")
    # Quiet hours are silent, and so is what comes right after a sound.
    page.evaluate("""() => {
        const span = [Date.now() / 1000 - 60, Date.now() / 1000 + 600];
        document.querySelector("notification-bell").setAttribute("quiet", JSON.stringify({spans: [span]}));
    }""")
    _wait(page, "navigator.locks.query().then(({held}) => !held.some(({name}) => name.endsWith(':sound')))")
    site.python("wave(1)")
    expect(page).to_have_title(f"(3) {title}")
    assert page.evaluate("notes") == 2
    _choose(page, "title-count")
    expect(page).to_have_title(title)


def _choose(page: Page, name: str) -> None:
    page.goto(page.url.rstrip("/") + "/notifications/preferences/")
    page.evaluate("document.querySelector('notification-bell').setAttribute('title-count', '')")
    page.locator(f"[data-choice={name}]").set_checked(False)
    page.go_back()


def _wait(page: Page, expression: str) -> None:
    wait_until(lambda: page.evaluate(expression), what=expression)
