"""The guide "The hub on your pages": a project follows it, and Chromium runs its scripts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, Route, expect

from tests.support.browser import People
from tests.support.host import Host
from tests.support.host_project import HostProject
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GUIDE = ROOT / "docs" / "guides" / "pages.md"
VOTE = 'from polls.voting import vote\nvote(person("{}"), {})'
RECORD_TOASTS = """(stack) => {
  window.shown = "";
  new MutationObserver(() => { window.shown += stack.textContent }).observe(stack, { childList: true, subtree: true });
}"""
CLAIMED = 'Notification.objects.get(recipient=person("alice"), url="/polls/3/").delivered_by'


@pytest.fixture(scope="module")
def project(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProject]:
    host = Host(tmp_path_factory.mktemp("pages"))
    host.follow_the_readme()
    host.add_pages()
    shutil.copy(tables, host.folder / "db.sqlite3")
    host.follow(GUIDE)
    with HostProject(host) as project:
        project.start()
        yield project


@pytest.fixture
def people(browser: Browser, project: HostProject) -> Iterator[People]:
    people = People(browser, project)
    yield people
    people.close()


def wait_until_live(page: Page) -> None:
    live = page.locator("notification-bell [data-part=state]")
    expect(live).to_have_attribute("data-state", "live", timeout=30_000)


def test_a_page_with_a_topic_hears_what_is_published(people: People, project: HostProject) -> None:
    page = people("alice", "/polls/1/")
    wait_until_live(page)
    for count, name in enumerate(("bob", "charlie"), start=1):
        project.python(VOTE.format(name, 1))
        expect(page.locator("output")).to_have_text(str(count))


def test_a_page_fetches_what_was_published_while_it_loaded(people: People, project: HostProject) -> None:
    def vote_first(route: Route) -> None:
        project.python(VOTE.format("bob", 2))
        route.continue_()

    page = people("alice", "/")
    page.route("**/dist/hub-*.js", vote_first, times=1)
    page.goto(project.url + "/polls/2/")
    expect(page.locator("output")).to_have_text("1")


def test_the_script_of_the_guide_counts_in_the_title_and_claims_a_toast(people: People, project: HostProject) -> None:
    page = people("alice", "/polls/3/")
    page.add_script_tag(url=project.url + "/static/polls/quiet.js")
    wait_until_live(page)
    page.locator("toast-stack").evaluate(RECORD_TOASTS)
    for url in ("/polls/3/", "/polls/4/"):
        project.python(f'notify.send(person("bob"), recipient=person("alice"), verb="voted at {url}", url="{url}")')
    expect(page).to_have_title("(2) Poll")
    expect(page.locator("toast-stack").get_by_text("bob voted at /polls/4/")).to_be_visible()
    wait_until(lambda: project.python(f"print({CLAIMED})").strip() == "live", seconds=30, what="the claim")
    shown = page.evaluate("window.shown")
    assert "/polls/4/" in shown
    assert "/polls/3/" not in shown


def test_a_property_of_the_site_wins_wherever_its_style_sheet_stands(people: People, project: HostProject) -> None:
    page = people("alice", "/polls/3/")
    page.locator("head").evaluate(
        "(head, href) => head.prepend(Object.assign(document.createElement('link'), {rel: 'stylesheet', href}))",
        project.url + "/static/polls/brand.css",
    )
    badge = page.locator("notification-bell [data-part=badge]")
    expect(badge).to_have_css("background-color", "rgb(122, 31, 162)")
