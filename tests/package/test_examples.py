"""The examples in React, Vue and htmx: installed from their locks, built, and used in Chromium by Alice."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import People
from tests.support.npm import build_and_serve, copy_example
from tests.support.processes import ROOT, Program, free_port, wait_until
from tests.support.site import Shell, Site, Visitor, inherited_environment, is_healthy

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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


class Served(NamedTuple):
    """An example in front of a site."""

    url: str
    site: Site

    def visitor(self, username: str | None = None) -> Visitor:
        return self.site.visitor(username)


@pytest.mark.parametrize("name", ["react", "vue"])
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

    for _ in range(3):
        page.mouse.wheel(0, 20_000)
        page.wait_for_timeout(100)
    expect(rows).to_have_count(45)

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
