"""The guide "Make it look like your site": a project follows it, and Chromium shows its markup, icons and pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.browser import People
from tests.support.host import Host
from tests.support.host_project import HostProject
from tests.support.processes import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GUIDE = ROOT / "docs" / "guides" / "theming.md"
PICTURE = "/static/harbour/bob.svg"
SEND = """from notifications_hub import SystemActor
notify.send({by}, recipient=person("alice"), verb="{verb}", kind="ship.arrival")"""


@pytest.fixture(scope="module")
def project(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProject]:
    host = Host(tmp_path_factory.mktemp("theming"))
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


def test_markup_icons_and_pictures_of_the_site_are_shown_and_hold_live(people: People, project: HostProject) -> None:
    project.python(SEND.format(by='person("bob")', verb="docked"))
    page = people("alice", "/notifications/")
    expect(page.locator("h1")).to_have_text("Post for you")
    first = page.locator(".nh-card").first
    expect(first.locator(".sender")).to_have_text("bob")
    assert first.locator(".nh-time").count() == 1, "block.super keeps what was there"
    expect(first.locator(f"img[src='{PICTURE}']")).not_to_have_js_property("naturalWidth", 0)

    page.locator("notification-bell button").first.click()
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live", timeout=30_000)
    row = page.locator(".nh-panel .nh-row")
    expect(row.first.locator(".note")).to_have_text("Post")
    expect(row.first.locator(f"img[src='{PICTURE}']")).to_be_visible()

    # Charlie's picture does not exist, and the site itself has none.
    for by in ('person("charlie")', 'SystemActor("The harbour")'):
        project.python(SEND.format(by=by, verb="sailed"))
    expect(row).to_have_count(3, timeout=30_000)
    expect(row.locator(".note")).to_have_count(3)
    expect(row.locator("[data-icon=ship]:not([hidden])")).to_have_count(2)
    expect(row.locator("img:not([hidden])")).to_have_count(1)
    page.keyboard.press("Escape")
    page.locator("[data-part=news] a").click()
    expect(page.locator(".nh-card .sender")).to_have_text(["The harbour", "charlie", "bob"], timeout=30_000)


def test_a_toast_shows_the_picture(people: People, project: HostProject) -> None:
    page = people("alice", "/")
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live", timeout=30_000)
    project.python(SEND.format(by='person("bob")', verb="waved"))
    picture = page.locator(f"toast-stack img[src='{PICTURE}']")
    expect(picture).not_to_have_js_property("naturalWidth", 0, timeout=30_000)
