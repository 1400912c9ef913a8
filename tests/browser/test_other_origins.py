"""Pages of other origins in the browser of a signed-in person: they can open and read nothing.

Cookies do not depend on the port and may be shared with subdomains, so requests of some of these pages carry Alice's
session. Only the check of the origin protects her inbox from them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.browser import SWITCHES
from tests.support.full import FULL
from tests.support.processes import free_port, tool
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.conftest import StartSite

HOST = "hub.example"
LOOK_ALIKES = [
    "sub.hub.example",
    "evil.test",
    *(["hub.example.", "hub.example.evil.test", "evil-hub.example", "hub-example"] if FULL else []),
]
"""Other hosts on the site's own port."""
OPAQUE = "/opaque"
"""The path of a sandboxed page, whose origin browsers send as `null`."""
OWN = "/healthz"

ATTEMPTS = """async ({site, cursor}) => {
  const socket = `${site.replace("http", "ws")}/live/ws/?topic=inbox`;
  const tries = {};
  const within = (made) => Promise.race([made, new Promise((done) => setTimeout(done, 2000, null))]);

  tries.socket = new Promise((done) => {
    const line = new WebSocket(socket);
    line.onopen = () => done("opened");
    line.onerror = () => done(null);
  });
  tries.events = new Promise((done) => {
    const line = new EventSource(`${site}/live/sse/?topic=inbox`, {withCredentials: true});
    line.onopen = () => { line.close(); done("opened"); };
    line.onerror = () => { line.close(); done(null); };
  });
  const read = async (path, init = {}) => {
    try {
      const answer = await fetch(site + path, {credentials: "include", ...init});
      if (answer.type === "opaque") return null;
      const {value} = await answer.body.getReader().read();
      return `${answer.status} ${new TextDecoder().decode(value)}`;
    } catch { return null; }
  };
  const json = (body) => ({method: "POST", body: JSON.stringify(body), headers: {"Content-Type": "application/json"}});
  const plain = (body) => ({method: "POST", body: JSON.stringify(body), mode: "no-cors"});
  tries.stream = read("/live/sse/?topic=inbox");
  tries.poll = read("/live/poll/?topic=inbox&wait=0");
  tries.waiting = read("/live/poll/?topic=inbox&wait=1");
  tries.inbox = read("/api/v1/notifications/");
  tries.count = read("/api/v1/notifications/count/");
  tries.page = read("/notifications/");
  tries.acknowledgement = read("/live/ack/", json({cursor}));
  tries.plainAcknowledgement = read("/live/ack/", plain({cursor}));
  tries.mark = read("/api/v1/notifications/read/", json({all: true}));
  tries.plainMark = read("/api/v1/notifications/read/", plain({all: true}));
  try { document.cookie = `csrftoken=${"x".repeat(32)}; domain=hub.example; path=/`; } catch {}
  try { document.cookie = `csrftoken=${"x".repeat(32)}; path=/`; } catch {}
  const form = new URLSearchParams({action: "read", all: "1", csrfmiddlewaretoken: "x".repeat(32)});
  tries.form = read("/notifications/mark/", {method: "POST", body: form, mode: "no-cors"});

  const found = {};
  for (const [name, made] of Object.entries(tries)) found[name] = await within(made);
  return found;
}"""


@pytest.fixture
def site(start_site: StartSite) -> Site:
    return start_site(ALLOWED_HOSTS=f"{HOST},127.0.0.1")


@pytest.fixture
def browser(site: Site) -> Iterator[Browser]:
    """A browser that resolves every host to this machine and treats the site's origin as secure."""
    rules = [f"MAP {HOST} 127.0.0.1", *(f"MAP {name} 127.0.0.2" for name in LOOK_ALIKES)]
    secure = f"--unsafely-treat-insecure-origin-as-secure=http://{HOST}:{site.port}"
    switches = [*SWITCHES, f"--host-resolver-rules={', '.join(rules)}", secure]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=tool("chromium"), args=switches)
        yield browser
        browser.close()


@pytest.fixture
def cookies(site: Site) -> dict[str, str]:
    """Return Alice's cookies. She signed in before the notification was created, so it is not delivered yet."""
    cookies = site.visitor("alice").cookies
    site.python("""
        from accounts.models import User
        from notifications.signals import notify
        alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
        made = notify.send(bob, recipient=alice, verb="waved a secret flag")[0][1][0]
    """)
    return cookies


@pytest.fixture
def strangers(site: Site) -> Iterator[list[str]]:
    """Serve pages of other origins and return their URLs."""
    elsewhere = free_port()
    with ExitStack() as serving:
        serving.enter_context(_pages_at("127.0.0.2", site.port))
        serving.enter_context(_pages_at("127.0.0.1", elsewhere))
        others = [f"http://{host}:{site.port}/" for host in LOOK_ALIKES]
        yield [*others, f"http://{HOST}:{elsewhere}/", f"http://sub.hub.example:{site.port}{OPAQUE}"]


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        if self.path == OPAQUE:
            self.send_header("Content-Security-Policy", "sandbox allow-scripts")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A stranger's page</title>")

    def log_request(self, *args: object) -> None:
        """Keep requests out of the test's output."""


@contextmanager
def _pages_at(address: str, port: int) -> Iterator[None]:
    server = ThreadingHTTPServer((address, port), _Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
def test_a_page_of_another_origin_opens_reads_and_changes_nothing(
    site: Site, strangers: list[str], cookies: dict[str, str], browser: Browser
) -> None:
    """Try from four strangers, or from all with `FULL=1`, and then from the site, where all that must succeed.

    tests/live/test_origin.py knows many more names.
    """
    cursor = _cursor(site)
    for address in strangers:
        found = _attempts_from(browser, site, address, cookies, cursor)
        assert not {name: answer for name, answer in found.items() if answer is not None}, address
        assert _state(site) == "unread, not delivered", address

    found = _attempts_from(browser, site, f"http://{HOST}:{site.port}{OWN}", cookies, cursor)
    assert found["socket"] == found["events"] == "opened"
    assert all(str(found[name]).startswith("200") for name in ("stream", "poll", "waiting", "inbox", "count", "page"))
    assert "a secret flag" in found["inbox"]
    assert _state(site) == "read, delivered by live"


def _attempts_from(browser: Browser, site: Site, address: str, cookies: dict[str, str], cursor: str) -> dict[str, Any]:
    """Return, per attempt, the result that a page at this address gets, or None if it is blocked."""
    context = browser.new_context()
    mine = f"http://{HOST}:{site.port}"
    context.add_cookies([{"name": name, "value": value, "url": mine} for name, value in cookies.items()])
    page: Page = context.new_page()
    page.goto(address)
    found: dict[str, Any] = page.evaluate(ATTEMPTS, {"site": mine, "cursor": cursor})
    context.close()
    return found


def _cursor(site: Site) -> str:
    """Return a cursor that acknowledges all of Alice's inbox."""
    return site.python("""
        from notifications_hub import streams
        from notifications_hub.streams import cursor
        topic = streams.inbox_topic(alice.pk)
        now = streams.Stream.objects.get(topic=topic)
        print(cursor.encode({topic: cursor.Position(now.epoch, 0, now.top)}), end="")
    """)


def _state(site: Site) -> str:
    return site.python("""
        made.refresh_from_db()
        delivered = f"delivered by {made.delivered_by}" if made.delivered_by else "not delivered"
        print("unread" if made.unread else "read", delivered, sep=", ", end="")
    """)
