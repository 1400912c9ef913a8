"""A page of a visitor who is not signed in: it follows the replies of its post and hears nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from playwright.sync_api import Page, WebSocket, expect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import StartSite
    from tests.support.browser import People

CAP = 5
POST = """
    from accounts.models import User
    from notifications.signals import notify
    from notifications_hub import broadcast
    from showcase.models import Post
    from showcase.replies import reply_to
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    post, other = (Post.objects.create(author=alice, title="Tea or coffee", body="Which?") for _ in range(2))
    print(post.get_absolute_url(), post.pk)
"""
SAY_OTHER_THINGS = """
    reply_to(other, bob, "Elsewhere")
    notify.send(bob, recipient=alice, verb="waved")
    broadcast(title="Tea is ready")
"""
FLOOD = """({topic, count}) => {
  window.codes = Array(count).fill(0);
  window.flood = window.codes.map((_, number) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/live/ws/?topic=${topic}`);
    socket.onclose = ({code}) => { window.codes[number] = code; };
    return socket;
  });
}"""


def test_a_signed_out_page_follows_replies_hears_nothing_else_and_is_held_in_a_flood(
    start_site: StartSite, people_of: Callable[..., People]
) -> None:
    site = start_site(hub={"LIVE_ANONYMOUS_PER_ADDRESS": CAP})
    url, pk = site.python(POST).split()
    people = people_of(site)
    stranger = people(None, "/healthz")
    frames, requested = record(stranger)
    stranger.goto(site.url + url)
    expect(stranger.locator("live-list")).to_have_attribute("data-state", "live")
    assert stranger.locator("notification-bell").count() == 0

    site.python(SAY_OTHER_THINGS)
    site.python("reply = reply_to(post, bob, 'Tea.')")
    expect(stranger.locator("live-list .lines")).to_have_text(["Tea."])
    site.python("reply.body = 'Coffee.'; reply.save()")
    expect(stranger.locator("live-list .lines")).to_have_text(["Coffee."])
    assert {event["topic"] for frame in frames for event in frame["events"]} == {f"post.{pk}"}
    assert [address for address in requested if "person=" in address] == []

    alice = people("alice", url)
    expect(alice.locator("live-list")).to_have_attribute("data-state", "live")
    flooding = people(None, "/healthz")
    flooding.evaluate(FLOOD, {"topic": f"post.{pk}", "count": 4 * CAP})
    flooding.wait_for_function("most => window.codes.filter((code) => code === 0).length <= most", arg=CAP)
    assert set(flooding.evaluate("window.codes")) == {0, 4429}
    site.python("reply_to(post, bob, 'Cake, too.')")
    expect(alice.locator("live-list .lines")).to_have_text(["Coffee.", "Cake, too."])

    # The page rests beside newer connections of its address. When somebody looks at it again, it catches up.
    expect(stranger.locator("live-list")).to_have_attribute("data-state", "crowded")
    stranger.evaluate("dispatchEvent(new Event('focus'))")
    expect(stranger.locator("live-list .lines")).to_have_text(["Coffee.", "Cake, too."])


def record(page: Page) -> tuple[list[dict[str, Any]], list[str]]:
    """Record the frames that a page receives, and the addresses of its sockets and requests."""
    frames: list[dict[str, Any]] = []
    requested: list[str] = []

    def listen(socket: WebSocket) -> None:
        requested.append(socket.url)
        socket.on("framereceived", lambda text: frames.append(json.loads(text)))

    page.on("websocket", listen)
    page.on("request", lambda request: requested.append(request.url))
    return frames, requested
