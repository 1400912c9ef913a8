"""A real, headless Chromium with a profile of its own, whose notifications go to a `Desktop`."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import BrowserContext, CDPSession, Page, sync_playwright

from tests.push_lab.desktop import Desktop
from tests.push_lab.service import wait_for
from tests.support.browser import SWITCHES
from tests.support.processes import tool

_ONLY_HERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
_ALLOWED = {"profile": {"default_content_setting_values": {"notifications": 1}}}


@contextlib.contextmanager
def chromium_with_desktop(profile: Path, desktop: Desktop, switches: Sequence[str] = ()) -> Iterator[BrowserContext]:
    """Open a context whose sites may show notifications and subscribe. In a passing context they may not."""
    preferences = profile / "Default" / "Preferences"
    preferences.parent.mkdir(parents=True)
    preferences.write_text(json.dumps(_ALLOWED))
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile,
            executable_path=tool("chromium"),
            # Playwright's own switch starts another kind of headless, which has no notifications.
            headless=False,
            args=["--headless=new", *SWITCHES, _ONLY_HERE, *switches],
            env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": desktop.address},
        )
        context.set_default_timeout(30_000)
        try:
            yield context
        finally:
            context.close()


class Pushes:
    """A helper that delivers decrypted pushes to a site's worker, as the browser does (`deliverPushMessage`)."""

    def __init__(self, page: Page) -> None:
        """Use `page`, which belongs to the site and stays open."""
        self._origin = page.evaluate("location.origin")
        self._registrations: dict[str, str] = {}
        self._page = page
        self._session: CDPSession = page.context.new_cdp_session(page)
        self._session.on("ServiceWorker.workerRegistrationUpdated", self._updated)
        self._session.send("ServiceWorker.enable")

    def deliver(self, data: str) -> None:
        registration = self._wait()
        what = {"origin": self._origin, "registrationId": registration, "data": data}
        self._session.send("ServiceWorker.deliverPushMessage", what)

    def _wait(self) -> str:
        def found() -> str | None:
            self._page.wait_for_timeout(20)
            return self._registrations.get(f"{self._origin}/")

        return wait_for(found) or ""

    def _updated(self, event: dict[str, list[dict[str, str]]]) -> None:
        for registration in event["registrations"]:
            self._registrations[registration["scopeURL"]] = registration["registrationId"]
