"""The inbox page in Chromium: an endless list whose address keeps its place, tabs that count live, and search."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Route, expect

from tests.browser.test_main_job import wait_until_live
from tests.support.inbox_page import PATH, card, notice, prepare, ready, unread
from tests.support.processes import wait_until

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def test_an_endless_list_comes_back_to_its_place(page_for: People, site: Site) -> None:
    site.python("wave(65)")
    page = ready(page_for("alice", PATH))
    cards = page.locator(".nh-card")
    scroll = (
        "() => { scrollTo(0, document.body.scrollHeight); return document.querySelectorAll('.nh-card').length === 65 }"
    )
    page.wait_for_function(scroll)
    expect(page.locator("inbox-page > [data-part=older]")).to_have_count(0)

    item = str(card(page, 30).evaluate("card => (card.scrollIntoView(), card.dataset.id)"))
    expect(page).to_have_url(re.compile(rf"[?&]at={item}$"))
    page.reload()
    expect(cards.first).to_have_attribute("data-id", item)
    page = ready(page)
    page.goto(f"{site.url}/notifications/preferences/")
    page.go_back()
    expect(cards.first).to_have_attribute("data-id", item)
    expect(cards.first).to_be_in_viewport()
    assert page.url.endswith(f"at={item}")

    page = ready(page)
    before = cards.first.evaluate("card => (card.scrollIntoView(), card.getBoundingClientRect().top)")
    page.get_by_role("link", name="Newer").evaluate("link => link.click()")
    same = page.locator(f'.nh-card[data-id="{item}"]')
    expect(cards.first).not_to_have_attribute("data-id", item)
    assert abs(same.evaluate("card => card.getBoundingClientRect().top") - before) < 5
    page.get_by_role("link", name="Newer").click()
    expect(page.get_by_role("link", name="Newer")).to_have_count(0)
    expect(card(page, 65)).to_have_count(1)
    page.evaluate("scrollTo(0, 0)")
    expect(page).to_have_url(f"{site.url}{PATH}")
    assert page.evaluate("window.stayed")


def test_tabs_count_live_and_a_search_marks_what_it_finds(page_for: People, site: Site) -> None:
    site.python("wave(2)")
    page = ready(page_for("alice", PATH))
    wait_until_live(page)
    tab = page.get_by_role("link", name="Conversations")
    expect(tab.locator(".nh-count")).to_be_hidden()
    site.python('notify.send(bob, recipient=alice, verb="replied", kind="comment.reply", description="Café, 花园")')
    expect(tab.locator(".nh-count")).to_have_text("1")

    tab.click()
    page = ready(page)
    expect(page.locator(".nh-card")).to_have_count(1)
    page.get_by_role("button", name="Mark all of “Conversations” as read").click()
    expect(notice(page)).to_contain_text("Marked as read")
    expect(tab.locator(".nh-count")).to_be_hidden()
    wait_until(lambda: unread(site) == "2", what="the change on the server")
    notice(page).get_by_role("button", name="Undo").click()
    expect(tab.locator(".nh-count")).to_have_text("1")
    # What another tab lists is not offered here.
    site.python("wave(1)")
    site.python('notify.send(bob, recipient=alice, verb="replied", kind="comment.reply")')
    expect(page.locator("[data-part=news]")).to_be_visible()
    page.get_by_role("link", name="Show new notifications").click()
    expect(page.locator(".nh-card")).to_have_count(2)

    page.get_by_role("searchbox").fill("cafe 花")
    page.get_by_role("searchbox").press("Enter")
    page = ready(page)
    expect(page.locator(".nh-card mark")).to_have_text(["Café", "花"])
    assert "tab=Conversations" in page.url
    page.get_by_role("searchbox").fill("walrus")
    page.get_by_role("searchbox").press("Enter")
    page.get_by_role("link", name="Search all notifications").click()
    expect(page.get_by_text("Nothing found for “walrus”")).to_be_visible()
    page.get_by_role("link", name="Clear the search").click()
    expect(page.locator(".nh-card")).to_have_count(5)


def test_a_search_goes_on_by_itself_until_it_is_asked_to(page_for: People, site: Site) -> None:
    site.python("wave(1)")
    page = page_for("alice", PATH)
    requests: list[str] = []

    def search(route: Route) -> None:
        """Answer as a server that finds nothing within its time."""
        answer = route.fetch()
        requests.append(route.request.url)
        reached = f'role="status">Searched back to page {len(requests)}.'
        older = '<p data-part="older"><a href="?q=walrus&before=1.1">Search older</a></p><template data-part="day">'
        text = answer.text().replace('role="status">', reached, 1).replace('<template data-part="day">', older, 1)
        route.fulfill(response=answer, body=text)

    page.route("**/notifications/?q=walrus*", search)
    page.goto(f"{site.url}{PATH}?q=walrus")
    expect(page.get_by_text("Searched back to page 11.")).to_be_visible()
    expect(page.get_by_role("link", name="Search older")).to_be_visible()
    assert len(requests) == 11
    page.get_by_role("link", name="Search older").click()
    expect(page.get_by_text("Searched back to page 21.")).to_be_visible()
