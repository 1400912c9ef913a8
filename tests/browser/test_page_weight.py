"""A page with bell and toasts, from a production site behind the nginx of the docs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.databases import Databases
from tests.support.full import report
from tests.support.site import PASSWORD, Shell, Site, site_environment
from tests.support.web import Front

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

FAST_3G = {"offline": False, "latency": 562.5, "downloadThroughput": 180_000, "uploadThroughput": 84_375}
"""The values of Chromium's own preset: milliseconds, and bytes a second."""

NOTE_THE_BELL = """
new MutationObserver((changes, observer) => {
  if (!document.querySelector("notification-bell [data-part=button]")) return;
  window.bellReadyAt = performance.now();
  observer.disconnect();
}).observe(document, {childList: true, subtree: true});
"""


@pytest.fixture(scope="module")
def front(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("production")
    environment = {
        "DEBUG": "0",
        "SECRET_KEY": "k" * 50,
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": databases.copy(),
        "TEST_SETTINGS": json.dumps({"STATIC_ROOT": str(folder / "static")}),
    }
    whole = site_environment(hub={}, **environment)
    shell = Shell(whole)
    # The demo people have a password that everybody knows, so a production site refuses to start with them.
    shell.python(f"""
        from django.core.management import call_command
        from accounts.models import User
        # Nobody opens the admin here, and its files are most of those to compress.
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=["admin", "rest_framework"])
        call_command("hub_demo", remove=True)
        carol = User.objects.create_user("carol", "carol@example.com", "{PASSWORD}")
    """)
    shell.close()
    site = Site(folder, hub={}, environment=environment)
    try:
        with Front((site.port, site.port), folder) as front:
            yield front
    finally:
        site.close()


@pytest.fixture
def carol(browser: Browser, front: Front) -> Iterator[BrowserContext]:
    """A signed-in browser that has visited the sign-in page only."""
    context = browser.new_context(ignore_https_errors=True, service_workers="block")
    page = context.new_page()
    page.goto(f"{front.url}/accounts/login/")
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("notification-bell [data-part=button]").wait_for()
    yield context
    context.close()


class Loads:
    """The static files that a page loads, as the browser's network reports them."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        self.responses: dict[str, dict[str, Any]] = {}
        self._bytes: dict[str, int] = {}
        self.session.on("Network.responseReceived", self._received)
        self.session.on("Network.loadingFinished", self._finished)

    def of_the_hub(self, *, banners: bool) -> dict[str, dict[str, Any]]:
        """Return the responses of the bell and its toasts, or of the banners."""
        own = {key: one for key, one in self.responses.items() if "/static/notifications_hub/" in one["url"]}
        return {key: one for key, one in own.items() if ("/banners-" in one["url"]) is banners}

    def bytes_of_the_hub(self, *, banners: bool) -> int:
        return sum(self._bytes[key] for key in self.of_the_hub(banners=banners))

    def _received(self, event: dict[str, Any]) -> None:
        self.responses[event["requestId"]] = event["response"]

    def _finished(self, event: dict[str, Any]) -> None:
        self._bytes[event["requestId"]] = event["encodedDataLength"]


def test_bell_and_toasts_cost_two_requests_and_37_kb_and_banners_two_more_and_8_kb(
    front: Front, carol: BrowserContext
) -> None:
    page = carol.new_page()
    loads = Loads(page)
    loads.session.send("Network.clearBrowserCache")
    page.goto(front.url)
    page.locator("notification-bell [data-part=button]").wait_for()

    page.wait_for_load_state("networkidle")
    of_bell, of_banners = (list(loads.of_the_hub(banners=banners).values()) for banners in (False, True))
    assert (len(of_bell), len(of_banners)) == (2, 2)
    assert loads.bytes_of_the_hub(banners=False) < 37_000
    assert loads.bytes_of_the_hub(banners=True) < 8_000
    for file in of_bell + of_banners:
        headers = {name.lower(): value for name, value in file["headers"].items()}
        assert headers["content-encoding"] == "gzip"
        assert headers["cache-control"] == "max-age=315360000, public, immutable"
        assert file["protocol"] == "h2"


@pytest.mark.clocked
def test_the_bell_is_usable_within_two_seconds_on_fast_3g(front: Front, carol: BrowserContext) -> None:
    page = carol.new_page()
    page.add_init_script(NOTE_THE_BELL)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.clearBrowserCache")
    session.send("Network.emulateNetworkConditions", FAST_3G)
    page.goto(front.url, wait_until="commit")
    page.locator("notification-bell [data-part=button]").wait_for(timeout=20_000)

    seconds = page.evaluate("window.bellReadyAt") / 1000
    page.locator("notification-bell [data-part=button]").click()
    page.locator("[data-part=panel]").wait_for()
    report(f"bell usable after {seconds:.2f} s on Fast 3G")
    assert seconds <= 2
