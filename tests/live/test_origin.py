"""Origin checks. A browser sends a person's cookies with requests of any page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.live.support import HURRIED, poke
from tests.support.databases import Databases
from tests.support.live import WEBSOCKET, RefusedHandshake, cookie_of, listening, listening_by
from tests.support.site import Site

FRIEND = "https://friend.example"
PATHS = ["/live/sse/", "/live/poll/?wait=0", "/live/poll/?wait=1"]
STRANGERS = [
    "null",
    "http://evil.example",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:{other}",
    "http://127.0.0.1",
    "http://localhost:{port}",
    "http://sibling.127.0.0.1:{port}",
    "http://127.0.0.1:{port}.evil.io",
    "http://127.0.0.1:{port}@evil.io",
    "http://evil.io@127.0.0.1:{port}",
    "http://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#",
    "http://127.0.0.1:{port}, http://127.0.0.1:{port}",
    "//127.0.0.1:{port}",
    "*",
    "",
    "https://friend.example.evil.io",
    "http://friend.example",
    "https://friend.example:444",
    "https://evil.friend.example",
]


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with one other allowed origin."""
    hub = {"LIVE_ALLOWED_ORIGINS": [FRIEND]}
    site = Site(tmp_path_factory.mktemp("site"), hub=hub, environment={"DATABASE_URL": databases.copy(), **HURRIED})
    yield site
    site.close()


@pytest.fixture(params=STRANGERS)
def stranger(request: pytest.FixtureRequest, site: Site) -> str:
    return str(request.param).format(port=site.port, other=site.port + 1)


def ask(site: Site, path: str, method: str = "GET", **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Cookie": cookie_of(site, "alice"), **named}
    with requests.request(method, site.url + path, headers=sent, stream=True, timeout=30) as response:
        if "event-stream" not in response.headers.get("Content-Type", ""):
            assert response.content is not None
        return response


def test_a_socket_of_another_origin_is_refused_before_the_handshake(site: Site, stranger: str) -> None:
    with pytest.raises(RefusedHandshake) as refusal, listening(site, "alice", origin=stranger or "\t"):
        pass
    assert refusal.value.status == 403


def test_a_socket_without_an_origin_is_refused(site: Site) -> None:
    with pytest.raises(RefusedHandshake) as refusal, listening(site, "alice", origin=None):
        pass
    assert refusal.value.status == 403


def test_a_forwarded_host_is_ignored_unless_the_site_trusts_it(site: Site) -> None:
    headers = {"Origin": "http://hub.example", "X-Forwarded-Host": "hub.example"}
    with pytest.raises(RefusedHandshake), listening_by(WEBSOCKET, site, "alice", headers=headers):
        pass


def test_origins_are_compared_case_insensitively(site: Site) -> None:
    with listening(site, "alice", origin=site.url.replace("http", "HTTP")) as alice:
        assert alice.frame()


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_another_origin_is_refused_over_http_and_cannot_read_the_reason(
    site: Site, path: str, stranger: str
) -> None:
    response = ask(site, path, Origin=stranger)
    assert response.status_code == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    assert response.json()["detail"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("site_of_page", "status"), [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_the_fetch_site_header_decides_if_there_is_no_origin(
    site: Site, path: str, site_of_page: str, status: int
) -> None:
    assert ask(site, path, Sec_Fetch_Site=site_of_page).status_code == status


@pytest.mark.parametrize("path", PATHS)
def test_own_pages_and_non_browser_clients_need_no_cors_headers(site: Site, path: str) -> None:
    for response in (ask(site, path, Origin=site.url), ask(site, path)):
        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize("path", PATHS)
def test_a_listed_origin_may_read_with_cookies(site: Site, path: str) -> None:
    response = ask(site, path, Origin=FRIEND)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == FRIEND
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize("path", PATHS)
def test_a_listed_origin_may_read_a_refusal_too(site: Site, path: str) -> None:
    with requests.get(site.url + path, headers={"Origin": FRIEND}, timeout=30) as response:
        assert response.status_code == 401
        assert response.headers["Access-Control-Allow-Origin"] == FRIEND


def test_a_listed_origin_may_open_a_socket(site: Site) -> None:
    with listening(site, "alice", origin=FRIEND) as alice:
        alice.frame()
        poke(site, "alice")
        assert alice.until("notification.created")


def test_a_listed_origin_may_acknowledge_after_a_preflight(site: Site) -> None:
    asked = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "content-type"}
    response = ask(site, "/live/ack/", "OPTIONS", Origin=FRIEND, **asked)
    assert response.status_code in (200, 204)
    assert response.headers["Access-Control-Allow-Origin"] == FRIEND
    assert response.headers["Access-Control-Allow-Credentials"] == "true"
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "content-type" in response.headers["Access-Control-Allow-Headers"].lower()


@pytest.mark.parametrize("method", ["OPTIONS", "POST"])
def test_another_origin_may_neither_acknowledge_nor_pass_a_preflight(site: Site, method: str, stranger: str) -> None:
    response = ask(site, "/live/ack/", method, Origin=stranger)
    assert response.status_code == 403
    assert not [name for name in response.headers if name.startswith("Access-Control")]
