"""The preferences page in a browser: saved at once, followed by other pages, and found by links and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.support.axe import CONTEXT, LOOKS, findings
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

pytestmark = pytest.mark.filterwarnings("default")

PREFERENCES = "/notifications/preferences/"
API = "**/api/v1/preferences/"
REPLIES = "Replies to your posts and conversations"
SLOW = 20_000


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def switch(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=name, exact=True)


def state_of(page: Page, row: str) -> Locator:
    return page.get_by_role("row").filter(has=switch(page, f"{row} Push")).locator("[data-part=state]")


def test_a_switch_is_saved_at_once_and_another_page_follows(page_for: People, site: Site) -> None:
    page, other = page_for("alice", PREFERENCES), page_for("alice", PREFERENCES)
    for one in (page, other):
        expect(one.locator("notification-bell [data-state=live]")).to_be_attached(timeout=SLOW)
    expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)

    switch(page, f"{REPLIES} Push").uncheck()
    expect(state_of(page, REPLIES)).to_have_text("Saved", timeout=SLOW)
    expect(page.locator("[data-announcer]").first).to_contain_text("Saved", timeout=SLOW)
    expect(switch(other, f"{REPLIES} Push")).not_to_be_checked(timeout=SLOW)
    assert switch(page, "All types Push").evaluate("input => input.indeterminate")

    switch(page, "All types On the next page").uncheck()
    expect(state_of(page, "All types")).to_have_text("Saved", timeout=SLOW)
    for one in (page, other):
        expect(switch(one, "Other notifications On the next page")).not_to_be_checked(timeout=SLOW)
    switch(other, "All of “Conversations” On the next page").check()
    expect(switch(page, f"{REPLIES} On the next page")).to_be_checked(timeout=SLOW)
    assert switch(page, "All types On the next page").evaluate("input => input.indeterminate")

    page.get_by_role("button", name="Use the site's defaults").first.click()
    expect(switch(other, f"{REPLIES} Push")).to_be_checked(timeout=SLOW)
    page.reload()
    expect(switch(page, f"{REPLIES} Push")).to_be_checked()
    expect(switch(page, "Other notifications On the next page")).not_to_be_checked()


def test_what_cannot_be_saved_is_put_back_and_can_be_tried_again(page_for: People, site: Site) -> None:
    page = page_for("alice", PREFERENCES)
    page.route(API, lambda route: route.abort() if route.request.method == "PATCH" else route.continue_())
    switch(page, "Announcements Push").click()
    expect(state_of(page, "Announcements")).to_contain_text("Couldn't save. You may be offline.", timeout=SLOW)
    expect(switch(page, "Announcements Push")).to_be_checked()
    page.unroute(API)
    page.get_by_role("button", name="Try again").click()
    expect(state_of(page, "Announcements")).to_have_text("Saved", timeout=SLOW)
    expect(switch(page, "Announcements Push")).not_to_be_checked()


def test_a_link_leads_to_the_row_of_a_kind_even_in_a_closed_group(page_for: People, site: Site) -> None:
    page = page_for("alice", PREFERENCES, viewport={"width": 800, "height": 400})
    page.locator("details.nh-group").first.evaluate("group => { group.open = false; }")
    page.evaluate("location.hash = '#kind-chat.mention'")
    row = page.locator("[id='kind-chat.mention']")
    expect(row).to_be_in_viewport()
    assert row.evaluate("row => getComputedStyle(row).backgroundColor !== 'rgba(0, 0, 0, 0)'")
    assert row.evaluate("row => row.getBoundingClientRect().top") > 60


def test_without_javascript_buttons_switch_a_column_and_a_group(page_for: People, site: Site) -> None:
    page = page_for("alice", PREFERENCES, java_script_enabled=False)
    switch(page, f"{REPLIES} While you are here").uncheck()
    page.get_by_role("row", name="All types").get_by_role("button", name="All off").nth(2).click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()
    expect(switch(page, f"{REPLIES} While you are here")).not_to_be_checked()
    expect(switch(page, "Announcements Push")).not_to_be_checked()
    page.get_by_role("row", name="All of “Conversations”").get_by_role("button", name="All on").nth(2).click()
    expect(switch(page, f"{REPLIES} Push")).to_be_checked()
    expect(switch(page, "Announcements Push")).not_to_be_checked()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Your preferences are saved.")).to_be_visible()


MANY_KINDS = """
from django.conf import settings
from django.test import Client, override_settings
from accounts.models import User
from notifications_hub import Kind

for number in range(200):
    words = {"label": f"Kind {number}", "group": f"Area {number // 10}", "__module__": "shop"}
    type("Declared", (Kind,), {"name": f"area.kind{number}", **words})
email = {"email": "notifications_hub.transports.email.transport.Email"}
with override_settings(NOTIFICATIONS_HUB={**settings.NOTIFICATIONS_HUB, "TRANSPORTS": email}):
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(User.objects.get(username="alice"))
    print(client.get("/notifications/preferences/").content.decode())
"""


@pytest.mark.exhaustive
@pytest.mark.faults
def test_one_of_two_hundred_kinds_is_found_and_has_its_digest_saved(page_for: People, site: Site) -> None:
    """Let axe look on a phone at all 200, in both looks."""
    html = site.python(MANY_KINDS)
    page = page_for("alice", "/healthz", **CONTEXT)
    page.route(f"**{PREFERENCES}", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{site.url}{PREFERENCES}#kind-area.kind123")
    expect(page.locator("[id='kind-area.kind123']")).to_be_in_viewport(timeout=SLOW)
    expect(page.locator("details[open]")).to_have_count(1)

    find = page.get_by_role("searchbox", name="Find a type")
    find.fill("kind 19")
    expect(page.locator("tr[data-row]:visible")).to_have_count(11)
    expect(page.get_by_text("Nothing found.")).to_be_hidden()
    find.fill("kind 1999")
    expect(page.get_by_text("Nothing found.")).to_be_visible()
    find.press("Enter")
    find.fill("")
    expect(page.locator("details[open]")).to_have_count(1)
    assert findings(page, LOOKS) == []

    sent: list[object] = []

    def accept(route: Route) -> None:
        sent.append(route.request.post_data_json)
        route.fulfill(json={"groups": []})

    page.route(API, accept)
    row = page.locator("[id='kind-area.kind123']")
    row.get_by_label("Emails come").select_option("daily")
    expect(row.locator("[data-part=state]")).to_have_text("Saved", timeout=SLOW)
    zone = page.evaluate("Intl.DateTimeFormat().resolvedOptions().timeZone")
    assert sent == [{"kinds": {"area.kind123": {"digest": "daily"}}, "zone": zone}]
    page.route(API, lambda route: route.abort())
    row.get_by_label("Emails come").select_option("weekly")
    expect(row.locator("[data-part=state]")).to_contain_text("Couldn't save", timeout=SLOW)
    expect(row.get_by_label("Emails come")).to_have_value("at_once")
