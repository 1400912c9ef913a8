"""A site in a folder of a larger one, `https://example.com/app/`, with each way of passing paths on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from notifications_hub.transports.web_push.vapid import generate
from tests.live.support import poke
from tests.push_lab.service import LocalPushService, wait_for
from tests.support.databases import Databases
from tests.support.live import LONG_POLL, POLL, SSE, WEBSOCKET, cookie_of, opened
from tests.support.site import Site

KEPT, STRIPPED, BY_SERVER = "the path is kept", "the proxy strips it", "the server knows it"


@pytest.fixture(scope="module")
def push_service() -> Iterator[LocalPushService]:
    with LocalPushService.in_thread() as push:
        yield push


@pytest.fixture(scope="module")
def site(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, push_service: LocalPushService
) -> Iterator[Site]:
    environment = {
        "DATABASE_URL": databases.copy(),
        "FORCE_SCRIPT_NAME": "/app",
        "VAPID_PRIVATE_KEY": generate(),
        "VAPID_SUBJECT": "mailto:folder@hub.example",
        "PUSH_EXTRA_HOSTS": push_service.host,
    }
    site = Site(tmp_path_factory.mktemp("folder"), hub={"ACK_WINDOW": 0}, environment=environment)
    yield site
    site.close()


@pytest.fixture(scope="module")
def site_by_server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    environment = {"DATABASE_URL": databases.copy(), "UVICORN_ROOT_PATH": "/app"}
    site = Site(tmp_path_factory.mktemp("server"), hub={}, environment=environment)
    yield site
    site.close()


@pytest.mark.parametrize("deployed", [KEPT, STRIPPED, BY_SERVER])
@pytest.mark.parametrize("by", [WEBSOCKET, SSE, LONG_POLL, POLL])
def test_every_kind_of_connection_works_in_a_folder(request: pytest.FixtureRequest, deployed: str, by: str) -> None:
    site: Site = request.getfixturevalue("site_by_server" if deployed == BY_SERVER else "site")
    address = site.url + ("/app" if deployed == KEPT else "")
    # An origin has no path.
    headers = {"Origin": site.url}
    with opened(by, address, cookie_of(site, "bob"), headers=headers) as bob:
        first = bob.frame()
        poke(site, "bob")
        assert bob.until("notification.created")
        bob.send(ack=first["cursor"])


def test_a_path_that_only_starts_like_the_folder_is_outside_it(site: Site) -> None:
    assert requests.get(f"{site.url}/apple/live/poll/", timeout=30).status_code == 404
    assert requests.get(f"{site.url}/other/live/poll/", timeout=30).status_code == 404


@pytest.mark.parametrize("deployed", [KEPT, STRIPPED])
def test_links_of_pages_stay_in_the_folder(site: Site, deployed: str) -> None:
    prefix = "/app" if deployed == KEPT else ""
    poke(site, "charlie")
    page = site.visitor("charlie").get(f"{prefix}/notifications/").text
    assert 'href="/app/"' in page
    led = re.findall(r' (?!nonce)[a-z-]+="(/[^"]*)"', page)
    assert len(led) > 20
    assert [path for path in led if not path.startswith("/app/")] == []


def test_the_service_worker_and_the_manifest_stay_in_the_folder(site: Site) -> None:
    visitor = site.visitor()
    assert visitor.get("/app/sw.js").headers["Service-Worker-Allowed"] == "/app/"
    manifest = visitor.get("/app/manifest.webmanifest").json()
    assert {manifest["id"], manifest["start_url"], manifest["scope"]} == {"/app/"}


def test_a_push_from_the_embedded_worker_links_into_the_folder(site: Site, push_service: LocalPushService) -> None:
    alice = site.visitor("alice")
    browser = push_service.subscribe(alice.get("/app/api/v1/push/key/").json()["key"])
    assert alice.post("/app/api/v1/push/subscriptions/", json=browser.to_json()).status_code == 201
    poke(site, "alice")
    [sent] = wait_for(lambda: push_service.sent_to(browser.endpoint))
    payload: dict[str, Any] = browser.read_json(sent.body)

    assert payload["url"] == "/app/notifications/"
    assert payload["act"] == "/app/api/v1/push/act/"
    shown = site.visitor().post(payload["act"], json={"token": payload["token"], "action": "shown"})
    assert shown.status_code == 200
