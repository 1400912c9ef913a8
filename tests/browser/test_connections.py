"""A browser's single connection: the best kind available, and its recovery when tabs, proxies or networks fail."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Route, expect

from tests.support.browser import People, sign_in
from tests.support.databases import Databases
from tests.support.full import FULL
from tests.support.processes import ROOT, Program, stopped, wait_until
from tests.support.proxy import Proxy, proxy_before
from tests.support.site import Site, is_healthy, reset_site

if TYPE_CHECKING:
    from pathlib import Path

TAKEOVER_MS = 3000
SLEEP = 60 if FULL else 3


class WsgiSite(Site):
    """A site under WSGI, as `manage.py runserver` serves it: pages can only poll."""

    def start(self) -> None:
        server = [sys.executable, str(ROOT / "manage.py"), "runserver", "--noreload", str(self.port)]
        self._program = Program(server, log=self._log, environment=self.environment)
        self._program.wait_until_ready(lambda: is_healthy(self.url))


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


@pytest.fixture
def proxy(site: Site) -> Iterator[Proxy]:
    with proxy_before(site) as proxy:
        yield proxy


@pytest.fixture
def page_for(browser: Browser, proxy: Proxy) -> Iterator[People]:
    people = PeopleWithBlockedSockets(browser, cast("Site", proxy))
    yield people
    people.close()


class PeopleWithBlockedSockets(People):
    """People whose browsers may log failed WebSockets, since these tests block them on purpose."""

    def _listen(self, message: ConsoleMessage) -> None:
        if "WebSocket connection to" not in message.text:
            super()._listen(message)


def wave(site: Site, times: int = 1, *, to: str = "alice") -> None:
    site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        person = get_user_model().objects.get
        for number in range({times}):
            notify.send(person(username="bob"), recipient=person(username="{to}"), verb=f"waved {{number}}")
    """)


def wait_until_live(*pages: Page) -> None:
    for page in pages:
        state = page.locator("notification-bell [data-part=state]")
        expect(state).to_have_attribute("data-state", "live", timeout=30_000)


def expect_badges(count: int, *pages: Page, within: int = 30_000) -> None:
    deadline = time.monotonic() + within / 1000
    for page in pages:
        left = max(1.0, (deadline - time.monotonic()) * 1000)
        expect(page.locator("notification-bell button [data-part=badge]")).to_have_text(str(count), timeout=left)


def kind_of(page: Page) -> str:
    """Return the kind of connection that this tab remembers as the best available."""
    return str(page.evaluate("() => JSON.parse(sessionStorage.getItem('notifications-hub:connection')).kind"))


def upgrade_now(page: Page) -> None:
    """End the wait before a better kind is tried again. Takes effect on the next page load."""
    page.evaluate("""() => {
        const key = 'notifications-hub:connection';
        sessionStorage.setItem(key, JSON.stringify({...JSON.parse(sessionStorage.getItem(key)), upgradeAt: 0}));
    }""")


def renderers(browser: Browser) -> set[int]:
    session = browser.new_browser_cdp_session()
    try:
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    finally:
        session.detach()
    return {process["id"] for process in processes if process["type"] == "renderer"}


def test_eight_tabs_share_one_connection_and_show_one_toast(page_for: People, proxy: Proxy, site: Site) -> None:
    tabs = [page_for("alice") for _ in range(8)]
    wait_until_live(*tabs)
    wave(site)
    expect_badges(1, *tabs)
    assert (proxy.open["ws"], proxy.opened["ws"], proxy.open["sse"]) == (1, 1, 0)
    # Longer than the followers wait for the leader's toast.
    tabs[0].wait_for_timeout(3500)
    assert sum(tab.locator("toast-stack .nh-toast").count() for tab in tabs) == 1


def test_a_follower_takes_over_from_a_crashed_leader_and_nothing_is_lost(
    page_for: People, proxy: Proxy, site: Site
) -> None:
    leader, *followers = [page_for("alice") for _ in range(4)]
    wait_until_live(leader, *followers)
    wave(site)
    crash(leader)
    wave(site, 5)
    expect_badges(6, *followers)
    wave(site)
    expect_badges(7, *followers)
    assert (proxy.open["ws"], proxy.opened["ws"]) == (1, 2)


def crash(page: Page) -> None:
    """Kill the tab's process, as the system does when it runs out of memory."""
    with page.expect_event("crash"), suppress(Error):
        page.goto("chrome://crash")


def hang(page: Page) -> Callable[[], None]:
    """Let a script of the page wait for an answer and block all others, until the returned function is called."""
    asked: list[Route] = []

    def keep(route: Route) -> None:
        asked.append(route)

    page.route("**/never-answered", keep)
    page.evaluate("""() => { setTimeout(() => {
        const request = new XMLHttpRequest();
        request.open("GET", "/never-answered", false);
        request.send();
    }); }""")
    page.wait_for_timeout(500)
    assert asked
    return lambda: asked[0].fulfill(body="")


@pytest.mark.clocked
def test_a_follower_takes_over_from_a_closed_leader(page_for: People, proxy: Proxy, site: Site) -> None:
    leader, follower = page_for("alice"), page_for("alice")
    wait_until_live(leader, follower)
    leader.close()
    wave(site)
    expect_badges(1, follower, within=TAKEOVER_MS)
    assert proxy.open["ws"] == 1


def test_a_leader_that_hangs_is_replaced(page_for: People, proxy: Proxy, site: Site) -> None:
    leader, follower = page_for("alice"), page_for("alice")
    wait_until_live(leader, follower)
    release = hang(leader)
    wave(site)
    # Followers ask the leader every 3 s and give it 3 s to answer.
    wait_until(lambda: proxy.opened["ws"] == 2, seconds=20)
    release()
    wave(site)
    expect_badges(2, follower, leader)
    wait_until(lambda: proxy.open["ws"] == 1)
    wave(site)
    expect_badges(3, leader, follower)


@pytest.mark.clocked
def test_a_hidden_leader_leaves_the_toast_to_a_visible_tab_which_acknowledges_it(page_for: People, site: Site) -> None:
    leader, follower = page_for("alice"), page_for("alice")
    wait_until_live(leader, follower)
    leader.evaluate("""() => {
        Object.defineProperty(document, "visibilityState", {get: () => "hidden"});
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    wave(site)
    expect(follower.locator("toast-stack .nh-toast")).to_have_count(1, timeout=1500)
    wait_until(lambda: site.python("print(Notification.objects.latest('pk').delivered_by)").strip() == "live")
    expect(leader.locator("toast-stack .nh-toast")).to_have_count(0)


def test_people_who_sign_in_one_after_another_share_nothing(page_for: People, proxy: Proxy, site: Site) -> None:
    of_alice, of_charlie = page_for("alice"), page_for("alice")
    wait_until_live(of_alice, of_charlie)
    of_charlie.context.clear_cookies()
    sign_in(of_charlie, cast("Site", proxy), "charlie")
    wait_until_live(of_charlie)
    assert proxy.open["ws"] == 2
    proxy.cut()
    # Alice's old page reconnects, now with Charlie's session.
    expect(of_alice.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "signed-out")
    wait_until_live(of_charlie)
    wave(site, to="charlie")
    expect_badges(1, of_charlie)
    expect(of_alice.locator("notification-bell button [data-part=badge]")).to_be_hidden()
    assert proxy.open["ws"] == 1


def test_blocked_websockets_fall_back_to_sse_until_they_work_again(page_for: People, proxy: Proxy, site: Site) -> None:
    proxy.blocked = {"ws"}
    page = page_for("alice")
    wait_until_live(page)
    wave(site)
    expect_badges(1, page)
    assert (kind_of(page), proxy.open["sse"], proxy.opened["ws"]) == ("sse", 1, 1)
    page.reload()
    wait_until_live(page)
    assert (proxy.open["sse"], proxy.opened["ws"]) == (1, 1)
    proxy.blocked = set()
    upgrade_now(page)
    page.reload()
    wait_until(lambda: proxy.open["ws"] == 1 and not proxy.open["sse"])
    wave(site)
    expect_badges(2, page)
    assert kind_of(page) == "ws"


def test_buffered_streams_fall_back_to_polling(page_for: People, proxy: Proxy, site: Site) -> None:
    proxy.blocked, proxy.held_back = {"ws"}, {"sse"}
    page, other = page_for("alice"), page_for("alice")
    wait_until_live(page, other)
    wave(site)
    expect_badges(1, page, other)
    assert (kind_of(page), proxy.open["ws"], proxy.open["sse"]) == ("poll", 0, 0)


def test_pages_catch_up_when_the_network_returns(page_for: People, proxy: Proxy, site: Site) -> None:
    page, other = page_for("alice"), page_for("alice")
    wait_until_live(page, other)
    page_for.context("alice").set_offline(True)
    proxy.offline = True
    proxy.cut()
    wave(site, 3)
    for tab in (page, other):
        state = tab.locator("notification-bell [data-part=state]")
        expect(state).to_have_attribute("data-state", "waiting")
    page.wait_for_timeout(4000)
    proxy.offline = False
    page_for.context("alice").set_offline(False)
    expect_badges(3, page, other)


@pytest.mark.faults(short=True)
def test_pages_catch_up_after_the_machine_slept(page_for: People, proxy: Proxy, site: Site, browser: Browser) -> None:
    page, other = page_for("alice"), page_for("alice")
    wait_until_live(page, other)
    with stopped(*renderers(browser)):
        proxy.cut()
        wave(site, 3)
        time.sleep(SLEEP)
    expect_badges(3, page, other)


def test_pages_poll_under_wsgi(browser: Browser, databases: Databases, tmp_path: Path) -> None:
    site = WsgiSite(tmp_path, hub={}, environment={"DATABASE_URL": databases.copy()})
    people = PeopleWithBlockedSockets(browser, site)
    try:
        reset_site(site)
        page = people("alice")
        wait_until_live(page)
        assert kind_of(page) == "poll"
        wave(site)
        # A visible page polls at least every 4 s.
        expect_badges(1, page)
    finally:
        people.close()
        site.close()
