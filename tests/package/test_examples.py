"""The examples in React, Vue and htmx: installed from their locks, built, and used in Chromium by Alice.

bin/test uses the one in React, and `make exhaustive` all of them.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import People
from tests.support.host import blocks_of
from tests.support.npm import build_and_serve, copy_example
from tests.support.processes import ROOT, Program, free_port, wait_until
from tests.support.site import Shell, Site, Visitor, inherited_environment, is_healthy

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ONLY_FULL = (pytest.mark.faults, pytest.mark.exhaustive)
SEND = """
from accounts.models import User
from notifications.signals import notify
alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
for n in range({count}):
    notify.send(bob, recipient=alice, verb=f"wrote {{n}}", url=f"/showcase/#{{n}}")
"""
NEWEST = """
row = alice.notifications.order_by("-pk")[0]
print(row.unread, row.archived_at is not None, row.delivered_by)
"""


class Served:
    """An example in front of a site."""

    def __init__(self, url: str, site: Site) -> None:
        self.url, self._site = url, site

    def visitor(self, username: str | None = None) -> Visitor:
        return self._site.visitor(username)


@pytest.mark.parametrize("name", ["react", pytest.param("vue", marks=ONLY_FULL)])
def test_an_example_lists_marks_loads_older_ones_and_shows_what_is_new(
    name: str, packed: Path, quiet_site: Site, browser: Browser
) -> None:
    quiet_site.python(SEND.format(count=45))
    program, url = build_and_serve(copy_example(name, packed), quiet_site.url)
    people = People(browser, Served(url, quiet_site))
    try:
        _use(people("alice", "/"), quiet_site)
    finally:
        people.close()
        program.kill()


def _use(page: Page, site: Site) -> None:
    bell, rows = page.locator(".bell"), page.locator("#inbox li")
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(bell).to_have_accessible_name("Notifications, 45 unread")
    expect(rows.first).to_contain_text("Bob wrote 44")

    page.get_by_role("button", name="Mark as read: Bob wrote 44").click()
    expect(bell).to_have_accessible_name("Notifications, 44 unread")
    wait_until(lambda: site.python(NEWEST).startswith("False False"), what="the mark")

    for last in (25, 5, 0):
        page.mouse.wheel(0, 20_000)
        expect(rows.get_by_text(f"Bob wrote {last}", exact=True)).to_be_visible()

    site.python('notify.send(bob, recipient=alice, verb="waved")')
    toast = page.get_by_role("region", name="New notifications").get_by_text("Bob waved")
    expect(toast).to_be_visible()
    expect(rows.first).to_contain_text("Bob waved")
    expect(bell).to_have_accessible_name("Notifications, 45 unread")
    wait_until(lambda: site.python(NEWEST).split() == ["True", "False", "live"], what="the acknowledgement")

    page.get_by_role("button", name="Archive: Bob waved").first.click()
    expect(toast).to_be_hidden()
    expect(rows.first).to_contain_text("Bob wrote 44")
    wait_until(lambda: site.python(NEWEST).startswith("True True"), what="the archiving")
    site.python("alice.notifications.mark_all_as_read()")
    expect(bell).to_have_accessible_name("Notifications, 0 unread")


def test_the_guide_shows_code_of_the_examples() -> None:
    shown = [block for block in blocks_of(ROOT / "docs" / "guides" / "your-front-end.md") if block.path]
    assert len(shown) == 4
    for block in shown:
        assert block.code in (ROOT / block.path).read_text(), block.path


# htmx


class HtmxSite:
    """The example with htmx: a Django project, on its own database."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **inherited_environment(),
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "PYTHONPATH": f"{folder}:{ROOT}",
        }
        self.shell = Shell(self.environment)
        self.port = free_port()
        command = [sys.executable, str(folder / "manage.py"), "hub_serve", "--port", str(self.port)]
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = Program(command, log=folder / "log", environment=self.environment)
        self.program.wait_until_ready(lambda: is_healthy(self.url))

    def visitor(self, username: str | None = None) -> Visitor:
        visitor = Visitor(self.url)
        visitor.get("/admin/login/")
        visitor.post("/admin/login/?next=/", data={"username": username, "password": "demo"})
        return visitor

    def close(self) -> None:
        self.shell.close()
        self.program.kill()


@pytest.fixture
def htmx_site(packed: Path, host_tables: Path) -> Iterator[HtmxSite]:
    folder = copy_example("htmx", packed)
    shutil.copy(host_tables, folder / "db.sqlite3")
    site = HtmxSite(folder)
    site.shell.python("""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        make = get_user_model().objects.create_superuser
        alice, bob = make("alice", password="demo"), make("bob", password="demo")
        for n in range(45):
            notify.send(bob, recipient=alice, verb=f"wrote {n}", url=f"/#{n}")
    """)
    yield site
    site.close()


@pytest.mark.exhaustive
@pytest.mark.faults
def test_the_example_with_htmx_does_the_same_with_templates(htmx_site: HtmxSite, browser: Browser) -> None:
    people = People(browser, htmx_site)
    try:
        page = people("alice", "/")
        rows, bell = page.locator("#inbox > li[id]"), page.locator("notification-bell")
        expect(bell.locator("[data-part=state]")).to_have_attribute("data-state", "live")
        expect(bell).to_have_attribute("unread", "45")

        page.get_by_role("button", name="Mark as read: bob wrote 44").click()
        expect(bell).to_have_attribute("unread", "44")
        expect(page.get_by_role("button", name="Mark as read: bob wrote 44")).to_have_count(0)

        for last in (25, 5, 0):
            page.mouse.wheel(0, 20_000)
            expect(rows.get_by_text(f"bob wrote {last}", exact=True)).to_be_visible()

        htmx_site.shell.python('notify.send(bob, recipient=alice, verb="waved")')
        expect(page.locator("toast-stack").get_by_text("bob waved")).to_be_visible()
        expect(rows.first).to_contain_text("bob waved")
        expect(rows).to_have_count(46)

        page.get_by_role("button", name="Archive: bob waved").click()
        expect(rows.first).to_contain_text("bob wrote 44")
        expect(bell).to_have_attribute("unread", "44")
    finally:
        people.close()
