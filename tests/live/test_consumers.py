"""A host's own Channels consumers beside the hub."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from tests.live.support import poke
from tests.support.databases import Databases
from tests.support.live import cookie_of, listening_by
from tests.support.site import Site


@pytest.fixture(scope="module", params=["around_a_router", "within_a_router"])
def site(
    request: pytest.FixtureRequest, databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    given = {
        "ASGI_APPLICATION": f"tests.live.consumers.{request.param}",
        "CHANNEL_LAYERS": {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    }
    environment = {"DATABASE_URL": databases.copy(), "TEST_SETTINGS": json.dumps(given)}
    site = Site(tmp_path_factory.mktemp("consumers"), hub={}, environment=environment)
    yield site
    site.close()


def chat(site: Site, username: str, path: str = "/ws/chat/lobby/") -> ClientConnection:
    address = site.url.replace("http", "ws") + path
    return connect(address, origin=Origin(site.url), additional_headers={"Cookie": cookie_of(site, username)})


def test_a_tutorial_consumer_and_the_hub_work_side_by_side(site: Site, by: str) -> None:
    with chat(site, "alice") as alice, chat(site, "bob") as bob, listening_by(by, site, "alice") as hub:
        hub.frame()
        alice.send(json.dumps({"message": "Hello"}))
        assert json.loads(bob.recv(timeout=30)) == {"message": "Hello", "person": "bob"}
        assert json.loads(alice.recv(timeout=30)) == {"message": "Hello", "person": "alice"}
        poke(site, "alice")
        assert hub.until("notification.created")


def test_a_socket_without_a_route_is_refused_without_a_log_entry(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        chat(site, "alice", "/ws/nowhere/")
    assert refused.value.response.status_code == 403
    assert "Traceback" not in site.log


def test_a_socket_that_is_not_the_hubs_is_refused_by_a_site_without_consumers(quiet_site: Site) -> None:
    said_before = len(quiet_site.log)
    with pytest.raises(InvalidStatus) as refused:
        chat(quiet_site, "alice")
    assert refused.value.response.status_code == 403
    assert "Traceback" not in quiet_site.log[said_before:]


def test_hub_and_worker_start_with_the_server_and_end_with_it(site: Site) -> None:
    """Stand last, because the site stays down. `site` fails unless it started."""
    assert "Application startup complete" in site.log
    site.stop()
    assert "Application shutdown complete" in site.log
