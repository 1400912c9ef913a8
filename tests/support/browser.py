"""Debian's Chromium, driven by Playwright, with the checks that every page must pass in every test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.support.processes import tool
from tests.support.site import PASSWORD, Site, Visitor

# The last three make drawing cheaper. --disable-threaded-compositing would keep headless pages from drawing at all.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    # These keep it from contacting its maker's hosts at every start.
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--num-raster-threads=1",
    "--disable-smooth-scrolling",
    "--disable-lcd-text",
)


SHELL = "chromium-headless-shell"
"""Chromium without a window. It takes half the time, and it has neither push nor the permission to notify."""
WHOLE = "chromium"


@contextmanager
def chromium(program: str = SHELL) -> Iterator[Browser]:
    """Open a headless browser. Until it is closed, this thread runs an event loop: use no ORM and no async test."""
    path = tool(program)
    # Playwright's 5 s are too short for a busy machine.
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(SWITCHES))
        try:
            yield browser
        finally:
            browser.close()


class SharedChromium:
    """One browser for consecutive test files, because starting it takes a second."""

    def __init__(self) -> None:
        self._running = ExitStack()
        self._browser: Browser | None = None
        self._program = ""

    def open(self, program: str = SHELL) -> Browser:
        if self._browser is None or self._program != program or not self._browser.is_connected():
            self.close()
            self._browser, self._program = self._running.enter_context(chromium(program)), program
        return self._browser

    def close(self) -> None:
        self._browser = None
        self._running.close()


class Visited(Protocol):
    """A running site: this repository's, or a host's."""

    url: str

    def visitor(self, username: str | None = None) -> Visitor: ...


class People:
    """A browser profile for each person. A person's second page is a second tab."""

    def __init__(self, browser: Browser, site: Visited) -> None:
        self._browser = browser
        self._site = site
        self._contexts: dict[str | None, BrowserContext] = {}
        self._complaints: list[str] = []

    def __call__(self, username: str | None, path: str = "/", **options: object) -> Page:
        """Open a page at `path` as `username`, or signed out if None. Options are those of a new Playwright context."""
        if username not in self._contexts:
            self._contexts[username] = self._new_context(username, options)
        page = self._contexts[username].new_page()
        page.goto(self._site.url + path)
        return page

    def context(self, username: str | None) -> BrowserContext:
        return self._contexts[username]

    def close(self) -> None:
        """Close every page. Fail the test if a script failed, or violated the policy, on any of them."""
        for context in self._contexts.values():
            context.close()
        assert not self._complaints, "\n".join(self._complaints)

    def _new_context(self, username: str | None, options: dict[str, object]) -> BrowserContext:
        context = self._browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(30_000)
        context.on("weberror", lambda failure: self._complaints.append(f"{failure.page}: {failure.error}"))
        context.on("console", self._listen)
        if username is not None:
            cookies = self._site.visitor(username).cookies
            context.add_cookies([{"name": name, "value": cookies[name], "url": self._site.url} for name in cookies])
        return context

    def _listen(self, message: ConsoleMessage) -> None:
        # Failed requests are logged to the console too, and are expected in tests that stop the server.
        if message.type == "error" and "Failed to load resource" not in message.text and "net::" not in message.text:
            self._complaints.append(message.text)


def click_through(link: Locator) -> None:
    """Click a link or a button that opens another page, and wait until the scripts of that page have run.

    Otherwise the next action may find a custom element that is not defined yet, and its form is sent without a script.
    """
    with link.page.expect_navigation():
        link.click()


def sign_in(page: Page, site: Site, username: str) -> None:
    """Sign in with the form, as a person does."""
    page.goto(site.url + "/accounts/login/")
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    click_through(page.get_by_role("button", name="Sign in"))
