"""WebSocket only: frames from the client, and the close codes they cause."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from notifications_hub.live.close_codes import TOO_LARGE
from tests.live.support import BRIEFLY, poke
from tests.support.by_hand import CONTINUATION, answers_ping, close_code, frame_of, open_by_hand
from tests.support.databases import Databases
from tests.support.live import listening
from tests.support.site import BARE_UVICORN, Site


@pytest.fixture
def loose_site(databases: Databases, tmp_path: Path) -> Iterator[Site]:
    """A site whose server accepts frames of sixteen megabytes, as uvicorn does by default."""
    site = Site(tmp_path, hub={}, environment={"DATABASE_URL": databases.copy()}, server=BARE_UVICORN)
    yield site
    site.close()


@pytest.mark.parametrize("frame", ["[]", "{", '"x"', '{"ack": 1}', '{"ack": "x"}', "[" * 5000, "\ud7ff", "", "null"])
def test_an_invalid_frame_closes_only_its_own_connection(site: Site, frame: str) -> None:
    with listening(site, "alice") as alice, listening(site, "bob") as bob:
        alice.frame()
        bob.frame()
        alice.send_raw(frame)
        assert alice.closing()[0] == 4400
        poke(site, "bob")
        assert bob.until("notification.created")


def test_an_idle_socket_gets_keepalive_frames(site: Site, topic: str) -> None:
    with listening(site, "alice", topics=[topic]) as alice:
        first = alice.frame()
        assert alice.frame() == first


@pytest.mark.both_databases
def test_events_on_a_hidden_page_are_not_marked_as_delivered(site: Site, newcomer: str) -> None:
    delivered_by = f"print(person(username={newcomer!r}).notifications.get(announcement=None).delivered_by)"
    with listening(site, newcomer) as client:
        client.frame()
        client.send(visible=False)
        poke(site, newcomer)
        client.until("notification.created")
        client.send(ack=client.cursor)
        assert client.receives_nothing(BRIEFLY)
        assert site.python(delivered_by) == ""
        client.send(visible=True, ack=client.cursor)
        assert client.until("notification.delivered")
    assert site.python(delivered_by) == "live"


def test_unknown_keys_of_a_frame_are_ignored(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        alice.send(wave="hello", visible=True)
        assert alice.receives_nothing(BRIEFLY)


def test_a_binary_frame_is_refused(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        alice.send_raw(b"{}")
        assert alice.closing()[0] == 4400


@pytest.mark.parametrize("size", [8193, 64 * 1024, 8 * 1024 * 1024])
def test_a_frame_of_more_than_eight_kibibytes_is_too_large(site: Site, size: int) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        # The server may close before everything has been sent.
        with suppress(ConnectionClosed):
            alice.send_raw("x" * size)
        assert alice.closing()[0] in (1009, 1006)


def test_a_frame_in_many_pieces_is_too_large_before_it_has_ended(site: Site) -> None:
    with open_by_hand(site) as line:
        line.sendall(frame_of(b"x", is_last=False) + frame_of(b"x", CONTINUATION, is_last=False) * 8191)
        assert answers_ping(line)
        # It closes without waiting for the last piece, so it never holds more than this.
        line.sendall(frame_of(b"x", CONTINUATION, is_last=False))
        assert close_code(line) == 1009


def test_a_frame_over_the_limit_is_too_large_even_if_the_server_lets_it_through(loose_site: Site) -> None:
    with listening(loose_site, "alice") as alice:
        alice.frame()
        alice.send(wave="x" * 8192)
        assert alice.closing() == (TOO_LARGE.code, TOO_LARGE.reason)


def test_more_than_twenty_frames_in_ten_seconds_are_too_many(site: Site) -> None:
    with listening(site, "alice") as alice:
        alice.frame()
        for _ in range(20):
            alice.send(visible=True)
        assert alice.receives_nothing(BRIEFLY)
        alice.send(visible=True)
        assert alice.closing()[0] == 4429


def test_an_incomplete_utf8_character_is_rejected(site: Site) -> None:
    with open_by_hand(site) as line:
        # A text frame of one byte that begins an incomplete character, masked with zeros.
        line.sendall(bytes([0x81, 0x81, 0, 0, 0, 0, 0xC3]))
        assert close_code(line) in (1007, 4400)


@pytest.mark.clocked
def test_an_unfinished_handshake_does_no_harm(site: Site) -> None:
    lines = [socket.create_connection(("127.0.0.1", site.port)) for _ in range(200)]
    for line in lines:
        line.sendall(b"GET /live/ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    started = time.monotonic()
    with listening(site, "alice") as alice:
        assert alice.frame()
    assert time.monotonic() - started < 1
    for line in lines:
        line.close()


def test_only_one_url_accepts_websockets(site: Site) -> None:
    answer = site.visitor().get("/live/ws/")
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
