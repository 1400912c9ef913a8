"""Confirm in a browser: on a toast, in the panel, on the inbox page, and without JavaScript."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.inbox_page import PATH, prepare, ready

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

ELSEWHERE = "/notifications/preferences/"


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    quiet_site.python("""
        def ask(*names):
            for name in names:
                notify.send(bob, recipient=alice, verb=f"asked {name}", must_acknowledge=True)
    """)
    return quiet_site


def confirmed(site: Site) -> str:
    return site.python(
        "rows = Notification.objects.filter(recipient=alice, acknowledged_at__isnull=False).order_by('pk')\n"
        "print(*[row.verb for row in rows], sep=', ')"
    ).strip()


def open_panel(page: Page) -> Page:
    page.locator("button.nh-bell").click()
    expect(page.locator(".nh-panel")).to_be_visible()
    return page


def test_only_the_button_confirms_and_all_open_pages_follow(
    page_for: People, people_of: Callable[[Site], People], site: Site
) -> None:
    site.python("""
        ask("first", "second", "third")
        wave(3)
    """)
    page = page_for("alice", ELSEWHERE)
    page.wait_for_selector("notification-bell [data-state=live]", state="attached")

    # A toast has the button, and stays.
    site.python('ask("fourth")')
    toast = page.locator("toast-stack .nh-toast").filter(has_text="asked fourth")
    expect(toast).to_contain_text("Please confirm")
    toast.get_by_role("button", name="Confirm: Bob asked fourth").click()
    expect(toast).to_have_count(0)

    inbox = ready(page_for("alice", PATH))
    top = inbox.locator("[data-day=unconfirmed] .nh-card")
    expect(top).to_have_count(3)
    page.bring_to_front()

    # In the panel it is on top. To read it and to mark everything as read leaves it there.
    rows = open_panel(page).locator(".nh-panel .nh-row")
    page.get_by_role("button", name="Mark all as read").click()
    expect(page.locator(".nh-panel .nh-row[data-unread]")).to_have_count(0)
    expect(rows.nth(0)).to_contain_text("asked third")
    expect(rows.nth(3)).to_contain_text("asked fourth")
    expect(rows.nth(0).get_by_role("button", name="Archive")).to_have_count(0)
    button = rows.nth(0).get_by_role("button", name="Confirm: Bob asked third")
    button.focus()
    page.keyboard.press("Enter")
    expect(rows.nth(0)).to_contain_text("asked second")
    expect(page.locator(".nh-panel .nh-row[data-unconfirmed]")).to_have_count(2)

    # The other tab has moved it off the top, without a reload.
    expect(top).to_have_count(2)
    inbox.bring_to_front()
    inbox.get_by_role("button", name="Confirm: Bob asked second").click()
    expect(top).to_have_count(1)
    expect(inbox.locator(".nh-card").filter(has_text="asked second")).to_contain_text("Confirmed")
    expect(inbox.get_by_role("button", name="Confirm: Bob asked first")).to_be_focused()
    assert inbox.evaluate("window.stayed")
    expect(page.locator(".nh-panel .nh-row[data-unconfirmed]")).to_have_count(1)

    # Without JavaScript it is a form.
    plain = people_of(site)("alice", PATH, java_script_enabled=False)
    plain.get_by_role("button", name="Confirm: Bob asked first").click()
    expect(plain.get_by_text("Confirmed. Thank you.")).to_be_visible()
    expect(plain.locator("[data-day=unconfirmed]")).to_have_count(0)
    expect(top).to_have_count(0)
    assert confirmed(site) == "asked first, asked second, asked third, asked fourth"
