"""The bar of page and panel while they are offline, or while live updates are away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.support.inbox_page import PATH, card, news, prepare, ready

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

LIVE = re.compile("/live/")
OFFLINE = "You're offline. We'll catch up when you're back."


@pytest.fixture
def site(quiet_site: Site) -> Site:
    prepare(quiet_site)
    return quiet_site


def test_page_and_panel_say_so_count_down_and_try_again_at_once(page_for: People, site: Site) -> None:
    site.python("wave(1)")
    page = page_for("alice", PATH)
    open_sockets: list[WebSocketRoute] = []
    is_down = False

    def connect(route: WebSocketRoute) -> None:
        if is_down:
            route.close()
        else:
            route.connect_to_server()
            open_sockets.append(route)

    page.route_web_socket(LIVE, connect)
    page.route(LIVE, lambda route: route.abort() if is_down else route.continue_())
    page.reload()
    ready(page)
    state = page.locator("notification-bell [data-part=state]")
    expect(state).to_have_attribute("data-state", "live")
    on_page, in_panel = (page.locator(f"{where} [data-part=connection]") for where in ("inbox-page", ".nh-panel"))
    expect(on_page).to_be_hidden()

    page.context.set_offline(True)
    expect(on_page).to_have_text(re.compile(re.escape(OFFLINE)))
    expect(on_page.get_by_role("button")).to_be_hidden()
    expect(page.locator("[data-announcer]")).to_contain_text(OFFLINE)
    page.locator("notification-bell [data-part=button]").click()
    expect(in_panel).to_contain_text(OFFLINE)
    page.keyboard.press("Escape")

    is_down = True
    page.context.set_offline(False)
    for socket in open_sockets:
        socket.close()
    expect(on_page).to_contain_text(re.compile(r"Live updates are paused\. Trying again in \d+ s\."))
    site.python("wave(2)")
    is_down = False
    on_page.get_by_role("button", name="Try now").press("Enter")
    expect(on_page).to_be_hidden()
    expect(page.locator("[data-announcer]")).to_contain_text("Live updates are back.")
    expect(state).to_have_attribute("data-state", "live")
    news(page).locator("a").click()
    expect(card(page, 2)).to_be_visible()
