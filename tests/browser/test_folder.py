"""A site under a path prefix, in Chromium: its pages connect by WebSocket."""

from __future__ import annotations

from collections.abc import Callable

from tests.browser.test_main_job import toasts, wait_until_live
from tests.live.support import poke
from tests.support.browser import People
from tests.support.processes import wait_until
from tests.support.site import Site


def test_a_page_under_a_path_prefix_connects_by_websocket_and_shows_toasts(
    start_site: Callable[..., Site], people_of: Callable[[Site], People]
) -> None:
    site = start_site(FORCE_SCRIPT_NAME="/app")
    sockets: list[str] = []
    page = people_of(site)("alice", "/app/healthz")
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{site.url}/app/notifications/")
    wait_until_live(page)
    assert {address.partition("?")[0] for address in sockets} == {site.url.replace("http", "ws") + "/app/live/ws/"}

    poke(site, "alice")
    wait_until(lambda: toasts(page), what="a toast")
