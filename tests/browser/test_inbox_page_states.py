"""The inbox page in Chromium: layout, names, times, signing out, and without a bell or JavaScript."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.inbox_page import PATH, button, notice, prepare, ready, unread
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def test_no_focus_stop_hides_under_a_bar(page_for: People, site: Site) -> None:
    site.python("wave(12)")
    page = ready(page_for("alice", PATH, viewport={"width": 375, "height": 600}))
    page.locator(".nh-card .nh-pick").first.check()
    button(page, 1, "archive").focus()
    hidden = []
    for _ in range(30):
        page.keyboard.press("Shift+Tab")
        hidden += page.evaluate("""() => {
            const { left, top, width, height } = document.activeElement.getBoundingClientRect();
            const found = document.elementFromPoint(left + width / 2, top + height / 2);
            const ok = found && (document.activeElement.contains(found) || found.contains(document.activeElement));
            return ok ? [] : [document.activeElement.outerHTML.slice(0, 200)];
        }""")
    assert not hidden


def test_nothing_in_a_card_overlaps_at_any_width(page_for: People, site: Site) -> None:
    site.python("wave(3, 'warning')")
    page = ready(page_for("alice", PATH))
    for size, direction in itertools.product(("100%", "200%"), ("ltr", "rtl")):
        page.evaluate("size => { document.documentElement.style.fontSize = size; }", size)
        page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
        for width in (320, 344, 368, 414, 560, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            overlaps = page.evaluate("""() => {
                const parts = [".nh-pick", ".nh-disc", ".nh-words", ".nh-time", ".nh-why", "button:not([hidden])"];
                const problems = [];
                for (const card of document.querySelectorAll(".nh-card")) {
                    const every = parts.flatMap((part) => [...card.querySelectorAll(part)]);
                    const found = every.filter((part) => part.checkVisibility());
                    const boxes = found.map((part) => [part.className, part.getBoundingClientRect()]);
                    const all = card.getBoundingClientRect();
                    for (const [name, box] of boxes) {
                        if (box.left < all.left - 1 || box.right > all.right + 1) problems.push([name, "outside"]);
                        for (const [other, that] of boxes) {
                            const across = Math.min(box.right, that.right) - Math.max(box.left, that.left);
                            const down = Math.min(box.bottom, that.bottom) - Math.max(box.top, that.top);
                            if (box !== that && across > 1 && down > 1) problems.push([name, other]);
                        }
                    }
                }
                return problems;
            }""")
            assert overlaps == [], (size, direction, width)


def test_repeated_controls_have_distinct_names(page_for: People, site: Site) -> None:
    site.python("wave(3, 'error')")
    page = ready(page_for("alice", PATH))

    for name in ("Mark as read", "Archive"):
        expect(page.get_by_role("button", name=f"{name}: Bob waved 2", exact=True)).to_have_count(1)
    expect(page.get_by_role("checkbox", name="Select: Bob waved 2", exact=True)).to_have_count(1)
    expect(page.get_by_role("link", name="How we notified you: Bob waved 2")).to_have_count(1)
    expect(page.get_by_role("heading", name="Unread: Error: Bob waved 2")).to_have_count(1)


def test_times_are_relative_and_in_the_viewers_zone(page_for: People, site: Site) -> None:
    site.python("wave(1)")
    site.python("spread(0); Notification.objects.update(timestamp=datetime(2026, 1, 31, 20, 30, tzinfo=UTC))")
    page = ready(page_for("alice", PATH, timezone_id="Asia/Tokyo", locale="en-GB"))

    assert page.locator(".nh-day h2").inner_text() == "February 1, 2026"
    assert "5:30:00" in (page.locator(".nh-card time").get_attribute("title") or "")
    page.locator(".nh-why").click()
    expect(page.locator(".nh-story time").first).to_contain_text("5:30:00")


def test_signing_out_elsewhere_empties_the_page(page_for: People, site: Site) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    page_for("alice", "/").request.post(
        f"{site.url}/accounts/logout/",
        form={"csrfmiddlewaretoken": page.locator("[name=csrfmiddlewaretoken]").first.input_value()},
    )

    expect(page.locator("inbox-page").get_by_text("You're signed out")).to_be_visible()
    expect(page.locator("inbox-page")).not_to_contain_text("waved")
    page.locator("inbox-page").get_by_role("link", name="Sign in").click()
    expect(page).to_have_url(re.compile("/accounts/login/"))


def test_without_a_bell_the_page_counts_by_itself_and_a_change_after_the_session_ended_empties_it(
    page_for: People, site: Site
) -> None:
    site.python("wave(3)")
    page = ready(page_for("alice", PATH))
    page.evaluate("document.querySelector('notification-bell').remove()")
    button(page, 2, "archive").click()

    expect(page.locator("[data-part=count]")).to_have_text("2")
    notice(page).get_by_role("button", name="Undo").click()
    expect(page.locator("[data-part=count]")).to_have_text("3")

    page.context.clear_cookies()
    button(page, 2, "archive").click()
    expect(page.locator("inbox-page").get_by_text("You're signed out")).to_be_visible()
    expect(page.locator("inbox-page")).not_to_contain_text("waved")


def test_without_javascript_a_change_is_undone(page_for: People, site: Site) -> None:
    site.python("wave(25)")
    page = page_for("alice", PATH, java_script_enabled=False)
    page.get_by_role("button", name="Mark all as read").click()

    expect(page.get_by_text("Marked 25 notifications as read.")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".nh-card[data-unread]")).to_have_count(20)
    expect(page.get_by_text("Marked 25 notifications as read.")).to_have_count(0)
    wait_until(lambda: unread(site) == "25", what="the change on the server")
    assert re.search(r"[ap]\.m\. [A-Z]{3,4}$", page.locator(".nh-card time").first.inner_text())
