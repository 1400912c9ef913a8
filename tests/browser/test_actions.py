"""Actions in Chromium: a click in one person's panel, toast or inbox shows the result on everybody's open pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, Route, expect

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

PATH = "/notifications/preferences/"
"""A page that shows no notifications of its own."""
LONG = 20_000


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python("""
        from accounts.models import User
        from showcase.models import Membership, Room
        Membership.objects.filter(room__slug="workshop", person__username="charlie").delete()
    """)
    return quiet_site


def ask(site: Site) -> None:
    site.python("""
        from accounts.models import User
        from showcase.chat import rooms
        rooms.ask("workshop", User.objects.get(username="charlie"))
    """)


def members(site: Site) -> str:
    return site.python("""
        from showcase.models import Membership
        print(Membership.objects.filter(room__slug="workshop", person__username="charlie").count())
    """)


def outcome(scope: Locator | Page) -> Locator:
    return scope.locator(".nh-outcome:visible")


def test_a_click_in_a_toast_shows_the_result_on_every_open_page(site: Site, page_for: People) -> None:
    alice, bob = page_for("alice", PATH), page_for("bob", "/notifications/")
    ask(site)
    toast = alice.locator(".nh-toast", has_text="asks to join")
    expect(toast.get_by_role("button", name="Approve")).to_be_visible(timeout=LONG)
    bobs = bob.locator(".nh-toast", has_text="asks to join")
    expect(bobs.get_by_role("button", name="Approve")).to_be_visible(timeout=LONG)
    bob.get_by_role("link", name="Show new notifications").click()
    card = bob.locator(".nh-card", has_text="asks to join").first
    expect(card.get_by_role("button", name="Approve")).to_be_visible()

    toast.get_by_role("button", name="Approve").click()
    expect(outcome(toast)).to_have_text(re.compile("Approved by Alice"), timeout=LONG)
    expect(outcome(bobs)).to_have_text(re.compile("Approved by Alice"), timeout=LONG)
    expect(outcome(card)).to_have_text(re.compile("Approved by Alice"), timeout=LONG)
    expect(card.get_by_role("button", name="Approve")).to_be_hidden()
    assert members(site).strip() == "1"
    alice.mouse.move(5, 5)
    expect(toast).to_be_hidden(timeout=LONG)


def test_a_word_is_asked_for_in_the_panel_and_what_fails_is_said_there(site: Site, page_for: People) -> None:
    ask(site)
    alice, bob = page_for("alice", PATH), page_for("bob", "/notifications/")
    alice.locator("button.nh-bell").click()
    row = alice.locator(".nh-panel .nh-row", has_text="asks to join").first
    row.get_by_role("button", name="Decline").click()
    field = row.get_by_label("Why not?")
    expect(field).to_be_focused()
    alice.keyboard.press("Escape")
    expect(field).to_be_hidden()
    expect(row.get_by_role("button", name="Decline")).to_be_focused()

    alice.route("**/actions/decline/", lambda route: route.abort())
    row.get_by_role("button", name="Decline").click()
    field.fill("Home and End move in here.")
    field.press("Home")
    field.press("Enter")
    expect(row.get_by_role("alert")).to_have_text(re.compile("offline"))
    expect(field).to_have_value("Home and End move in here.")
    alice.unroute("**/actions/decline/")
    field.press("Enter")
    expect(outcome(row)).to_have_text(re.compile(r"Declined by Alice\s+“Home and End move in here.”"), timeout=LONG)
    expect(outcome(row)).to_be_focused()
    expect(outcome(bob.locator(".nh-card", has_text="asks to join").first)).to_have_text(
        re.compile("Declined by Alice"), timeout=LONG
    )
    assert members(site).strip() == "0"


def test_the_inbox_page_runs_an_action_in_place_and_says_that_another_was_first(site: Site, page_for: People) -> None:
    ask(site)
    alice = page_for("alice", "/notifications/")
    card = alice.locator(".nh-card", has_text="asks to join").first

    def let_bob_be_first(route: Route) -> None:
        site.python("""
            from accounts.models import User
            from notifications_hub.actions.running import run_action
            from notifications_hub.models import Notification
            bob = User.objects.get(username="bob")
            run_action(Notification.objects.filter(recipient=bob, kind="chat.request").first(), "approve", bob)
        """)
        route.continue_()

    alice.route("**/actions/decline/", let_bob_be_first)
    card.get_by_role("link", name="Decline").click()
    card.get_by_label("Why not?").fill("Too late")
    site.python("""
        from notifications_hub.models import Notification
        from notifications_hub.notification import emit_items
        rows = Notification.objects.filter(recipient__username="alice", kind="chat.request")
        emit_items("notification.updated", rows)
    """)
    # The event has written the buttons anew, behind the question.
    expect(card.locator("[data-part=acts] a")).to_have_count(0, timeout=LONG)
    expect(card.locator("[data-part=acts]")).to_be_hidden()
    expect(card.get_by_label("Why not?")).to_have_value("Too late")
    with alice.expect_response("**/actions/decline/") as answered:
        card.get_by_label("Why not?").press("Enter")
    assert answered.value.status == 409
    expect(outcome(card)).to_have_text(re.compile("Approved by Bob"), timeout=LONG)
    expect(card.get_by_role("alert")).to_be_hidden()
    assert alice.url.endswith("/notifications/")
