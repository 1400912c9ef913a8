"""A real screen reader on a real screen: the words that Orca speaks when notifications arrive in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.support import orca
from tests.support.browser import SWITCHES, sign_in
from tests.support.orca import Orca
from tests.support.processes import tool, wait_until
from tests.support.site import Site

if TYPE_CHECKING:
    from pathlib import Path

SEND = """
    from accounts.models import User
    from notifications.signals import notify
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    def send(verb, **given):
        notify.send(bob, recipient=alice, verb=verb, **given)
"""
NEWS = "Bob "
"""The beginning of every title in this test, by which its announcements are known from all else that Orca says."""


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Orca]:
    if missing := orca.missing():
        pytest.skip(f"not installed: {', '.join(missing)}; apt install orca speech-dispatcher at-spi2-core xvfb")
    with Orca(tmp_path) as reader:
        yield reader


@pytest.fixture
def page(reader: Orca, quiet_site: Site) -> Iterator[Page]:
    """A page of Alice's in a window that Orca reads."""
    switches = [*SWITCHES, "--force-renderer-accessibility"]
    options = {"executable_path": tool("chromium"), "headless": False, "args": switches, "env": reader.environment}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options)  # type: ignore[arg-type]
        page = browser.new_page(no_viewport=True)
        sign_in(page, quiet_site, "alice")
        page.locator("notification-bell [data-state=live]").wait_for(state="attached")
        yield page
        browser.close()


@pytest.mark.exhaustive
@pytest.mark.faults
def test_orca_speaks_each_notification_once_and_sums_up_a_burst(page: Page, reader: Orca, quiet_site: Site) -> None:
    quiet_site.python(SEND)
    wait_until(lambda: "Notifications Hub" in " ".join(reader.spoken), seconds=30, what="the page's reading")
    quiet_site.python("send('broke the import', description='Line 9 has no date', level='error')")
    page.locator(".nh-toast").wait_for()
    page.locator(".nh-toast").wait_for(state="detached", timeout=20_000)
    quiet_site.python("for number in range(8): send(f'sent {number}')")
    wait_until(lambda: any(text.startswith("and ") for text in reader.spoken), seconds=30, what="the summary")

    assert _news(reader)[0] == "Error: Bob broke the import. Line 9 has no date"
    assert len(set(_news(reader)[1:4])) == 3
    assert _news(reader)[4:] == ["and 5 more"]


def _news(reader: Orca) -> list[str]:
    return [text for text in reader.spoken if NEWS in text or text.startswith("and ")]
