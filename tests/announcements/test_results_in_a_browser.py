"""The results in a browser: they follow what people do, and a link counts however it is opened."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.announcements.support import ADD
from tests.support.browser import People
from tests.support.site import Site


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def test_the_page_follows_a_click_into_a_new_tab(page_for: People) -> None:
    alice = page_for("alice", "/")
    alice.wait_for_selector("notification-bell [data-state=live]", state="attached")
    admin = page_for("admin", ADD)
    admin.locator("#id_title").fill("Closed on a holiday")
    admin.locator("#id_url").fill("/notifications/preferences/")
    admin.get_by_role("button", name="Announce").click()
    admin.locator("#result_list").get_by_role("link", name="Results of “Closed on a holiday”").click()

    with alice.context.expect_page() as opened:
        alice.locator("toast-stack a", has_text="Closed on a holiday").click(button="middle")
    expect(opened.value).to_have_url(f"{alice.url.rstrip('/')}/notifications/preferences/")

    did = admin.get_by_role("region", name="What people did").get_by_role("row")
    for words in ("Read: marked it as read, or opened it on a page 1", "Clicked: opened its link 1"):
        expect(did.filter(has_text=words.rpartition(" ")[0])).to_have_text(words, timeout=40_000, use_inner_text=True)
    reached = admin.get_by_role("region", name="How it reached people").get_by_role("row", name="open page")
    expect(reached).to_contain_text("1", timeout=40_000)
