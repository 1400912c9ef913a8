"""Sites that a browser knows by a different address than the server: behind a proxy or in a folder."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests

from tests.support.databases import Databases
from tests.support.live import RefusedHandshake, cookie_of, listening_by
from tests.support.site import Site

FRONT = "https://hub.example"
SEEN_FROM_OUTSIDE = {"X-Forwarded-Host": "hub.example", "X-Forwarded-Proto": "https"}
AS_PROXIED = {
    "ALLOWED_HOSTS": ["127.0.0.1", "hub.example"],
    "USE_X_FORWARDED_HOST": True,
    "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
}


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    environment = {"DATABASE_URL": databases.copy(), "TEST_SETTINGS": json.dumps(AS_PROXIED)}
    site = Site(tmp_path_factory.mktemp("proxied"), hub={}, environment=environment)
    yield site
    site.close()


def test_a_forwarded_host_is_the_sites_own_if_django_trusts_it(site: Site, by: str) -> None:
    with listening_by(by, site, "alice", headers={"Origin": FRONT, **SEEN_FROM_OUTSIDE}) as alice:
        alice.send(ack=alice.frame()["cursor"])


def test_a_page_of_a_forwarded_host_may_acknowledge_over_http(site: Site) -> None:
    sent = {"Origin": FRONT, "Cookie": cookie_of(site, "alice"), **SEEN_FROM_OUTSIDE}
    cursor = requests.get(f"{site.url}/live/poll/", headers=sent, timeout=30).json()["cursor"]
    answer = requests.post(f"{site.url}/live/ack/", json={"cursor": cursor}, headers=sent, timeout=30)
    assert answer.status_code == 204


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", **SEEN_FROM_OUTSIDE},
        {"Origin": "http://hub.example", **SEEN_FROM_OUTSIDE},
        {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"},
        {"Origin": FRONT, "X-Forwarded-Host": "hub.example, evil.example", "X-Forwarded-Proto": "https"},
    ],
)
def test_a_page_of_another_host_is_refused_behind_a_proxy(site: Site, headers: dict[str, str]) -> None:
    with pytest.raises(RefusedHandshake) as refused, listening_by("websocket", site, "alice", headers=headers):
        pass
    assert refused.value.status == 403
    sent = {"Cookie": cookie_of(site, "alice"), **headers}
    for path in ("/live/poll/?wait=0", "/live/sse/"):
        # A request for another host is a bad request with any origin.
        assert requests.get(site.url + path, headers=sent, timeout=30).status_code in (400, 403)
