"""The server as `hub_serve` starts it, and the limits that it sets for strangers."""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from notifications_hub.ops.running_server import check_websocket
from notifications_hub.ops.web_server import (
    BODY_SECONDS,
    HEAD_SECONDS,
    MAX_BODY,
    MAX_FORWARDED,
    MAX_HEAD,
    REFUSALS_LOGGED,
)
from tests.live.support import HURRIED, poke
from tests.support.databases import Databases
from tests.support.dialling import HALF, dialled, still_open, wait_until_closed
from tests.support.full import FULL, report
from tests.support.live import cookie_of, listening_by
from tests.support.processes import Program
from tests.support.site import BARE_UVICORN, HUB_SERVE, Site, site_environment
from tests.support.warm import start_warm
from tests.support.web import CONFIGURATION, Nginx

STRANGERS = 600 if FULL else 60
HEAD, BODY = (HEAD_SECONDS, BODY_SECONDS) if FULL else (1.5, 1.5)
GRACE = 5.0
UPGRADE = (
    b"GET /live/ws/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a server with its own deadlines, or with shorter ones unless `FULL` is set."""
    hurry = json.dumps({".ops.web_server.HEAD_SECONDS": HEAD, ".ops.web_server.BODY_SECONDS": BODY})
    environment = {"DATABASE_URL": databases.copy(), **HURRIED, "TEST_HURRY": hurry}
    site = Site(tmp_path_factory.mktemp("server"), hub={}, environment=environment)
    yield site
    site.close()


@pytest.mark.faults(short=True)
def test_half_sent_requests_are_closed_and_block_nobody(site: Site) -> None:
    with dialled(site.port, STRANGERS, HALF) as lines:
        began = time.monotonic()
        assert requests.get(f"{site.url}/healthz", timeout=30).ok
        answered = time.monotonic() - began
        assert answered < (1 if FULL else 5)
        # Sending a byte now and then does not extend the deadline.
        for line in lines[::2]:
            line.sendall(b"x")
        took = wait_until_closed(lines, HEAD + GRACE)
        report(f"{STRANGERS} half-sent requests were closed after {took:.1f} s; a page took {answered:.2f} s")


@pytest.mark.faults(short=True)
def test_a_silent_connection_is_closed_after_any_beginning(site: Site) -> None:
    asked = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    beginnings = [b"", b"\r\n", asked, asked + b"\r\n", asked + HALF, asked * 3 + HALF]
    with ExitStack() as opened:
        lines = [opened.enter_context(dialled(site.port, 1, beginning))[0] for beginning in beginnings]
        wait_until_closed(lines, HEAD + GRACE)


@pytest.mark.faults(short=True)
def test_a_slow_body_is_accepted_while_it_moves(site: Site) -> None:
    head = b"POST /live/ack/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
    with dialled(site.port, 1, head) as lines:
        for _ in range(6):
            time.sleep(BODY / 3)
            lines[0].sendall(b"x")
        assert still_open(lines)
        wait_until_closed(lines, BODY + GRACE)


@pytest.mark.faults(short=True)
def test_a_poll_may_wait_longer_than_a_head_may_take(site: Site) -> None:
    headers = {"Cookie": cookie_of(site, "bob")}
    first = requests.get(f"{site.url}/live/poll/", headers=headers, timeout=30).json()
    wait = HEAD + 2
    asked = {"cursor": first["cursor"], "wait": f"{wait:g}"}
    answer = requests.get(f"{site.url}/live/poll/", params=asked, headers=headers, timeout=wait + 10)
    assert answer.json()["cursor"]


def test_an_endless_head_is_refused(quiet_site: Site) -> None:
    with dialled(quiet_site.port, 1, HALF) as [line]:
        answer = b""
        try:
            for _ in range(100):
                line.sendall(b"x" * MAX_HEAD)
        except ConnectionError:
            pass
        try:
            answer = line.recv(100)
        except ConnectionError:
            return  # closed before its answer was read
        assert answer.startswith(b"HTTP/1.1 431 ")


def test_an_endless_body_is_refused(quiet_site: Site) -> None:
    head = b"POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n"
    taken = 0
    with dialled(quiet_site.port, 1, head) as [line]:
        with suppress(ConnectionError):
            while taken < 4 * MAX_BODY:
                taken += line.send(b"x" * 2**16)
        assert taken < 4 * MAX_BODY
    body = b"x" * MAX_BODY
    assert requests.post(f"{quiet_site.url}/healthz", data=body, timeout=30).status_code != 413


def test_a_forwarded_address_that_is_too_long_is_refused(quiet_site: Site) -> None:
    # uvicorn caches the last 4,096 forwarded addresses, and a proxy may forward an address that a stranger wrote.
    for length, status in ((MAX_FORWARDED, 200), (MAX_FORWARDED + 1, 400)):
        headers = {"X-Forwarded-For": "1" * length}
        assert requests.get(f"{quiet_site.url}/healthz", headers=headers, timeout=30).status_code == status


def test_a_socket_is_one_line_of_the_log_with_its_address(quiet_site: Site) -> None:
    before = len(quiet_site.log)
    with listening_by("websocket", quiet_site, "alice") as client:
        client.frame()
    lines = [line for line in quiet_site.log[before:].splitlines() if "WebSocket" in line or "connection" in line]
    assert [line for line in lines if "[accepted]" in line] == lines
    assert len(lines) == 1
    assert "127.0.0.1" in lines[0]


def test_a_flood_of_refused_handshakes_does_not_fill_the_log(quiet_site: Site) -> None:
    before, began = quiet_site.log.count('"WebSocket /live/ws/" 403'), time.monotonic()
    with dialled(quiet_site.port, 200, UPGRADE) as lines:
        answers = [line.makefile("rb").readline() for line in lines]
    took = time.monotonic() - began
    assert {answer.split()[1] for answer in answers} == {b"403"}
    logged = quiet_site.log.count('"WebSocket /live/ws/" 403') - before
    assert 0 < logged <= REFUSALS_LOGGED * (took + 2)


def test_a_server_at_its_connection_limit_answers_503_at_once(databases: Databases, tmp_path: Path) -> None:
    server = (*HUB_SERVE, "--limit-concurrency", "20")
    site = Site(tmp_path, hub={}, environment={"DATABASE_URL": databases.copy()}, server=server)
    try:
        with dialled(site.port, 20, HALF):
            refused = requests.get(f"{site.url}/healthz", timeout=30)
            with dialled(site.port, 1, UPGRADE) as [socket_over]:
                answer = socket_over.recv(4096)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nretry-after: 5\r\n" in answer
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        accepted = requests.get(f"{site.url}/healthz", timeout=30)
        assert (accepted.status_code, "Retry-After" in accepted.headers) == (200, False)
    finally:
        site.close()


@pytest.fixture(scope="module")
def bare(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server with its own defaults."""
    folder = tmp_path_factory.mktemp("bare")
    site = Site(folder, hub={}, environment={"DATABASE_URL": databases.copy()}, server=BARE_UVICORN)
    yield site
    site.close()


def test_a_server_with_its_own_defaults_logs_a_warning_at_start(bare: Site, quiet_site: Site) -> None:
    assert "manage.py hub_serve" in bare.log
    assert "--ws-max-size 8192" in bare.log
    assert "hub_serve" not in quiet_site.log


@pytest.mark.exhaustive
@pytest.mark.faults
def test_several_workers_serve_one_site(databases: Databases, tmp_path: Path) -> None:
    server = (*HUB_SERVE, "--workers", "2")
    site = Site(tmp_path, hub={}, environment={"DATABASE_URL": databases.copy()}, server=server)
    try:
        with listening_by("websocket", site, "alice") as alice:
            alice.frame()
            poke(site, "alice")
            assert alice.until("notification.created")
        site.stop()
        assert site.log.count("Application shutdown complete") == 2
        assert "Traceback" not in site.log
    finally:
        site.close()


@dataclass(frozen=True)
class Behind:
    """A server on a unix socket."""

    path: Path
    program: Program

    def status(self, address: str, **headers: str) -> int:
        return status_over(self.path, address, **headers)


@pytest.fixture(scope="module")
def behind(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    folder = tmp_path_factory.mktemp("socket")
    path = folder / "hub.sock"
    environment = site_environment(DATABASE_URL=databases.copy())
    program = start_warm([sys.executable, *HUB_SERVE, "--uds", str(path)], log=folder / "log", environment=environment)
    try:
        program.wait_until_ready(path.exists)
        yield Behind(path, program)
    finally:
        program.kill()


def test_a_proxy_on_a_unix_socket_is_trusted(behind: Behind) -> None:
    assert behind.status("/healthz", **{"X-Forwarded-For": "203.0.113.9"}) == 200
    assert "203.0.113.9:0 - " in behind.program.log.read_text()


def test_a_client_behind_a_unix_socket_cannot_choose_its_address(behind: Behind) -> None:
    forwarded = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7", "X-Forwarded-Proto": "https"}
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        "Origin": "https://127.0.0.1",
    }
    # A proxy that appends keeps the client's text in front.
    assert behind.status("/healthz", **forwarded) == 200
    assert behind.status("/live/ws/", **forwarded, **handshake) == 101
    log = behind.program.log.read_text()
    assert "198.51.100.1" not in log
    assert log.count("203.0.113.7:0 - ") == 2


def status_over(path: Path, address: str, **headers: str) -> int:
    """Return the status of a request over a unix socket."""
    line = http.client.HTTPConnection("127.0.0.1", timeout=5)
    with closing(line), socket.socket(socket.AF_UNIX) as line.sock:
        line.sock.connect(str(path))
        line.request("GET", address, headers=headers)
        return line.getresponse().status


def test_the_doctor_checks_a_running_server(quiet_site: Site) -> None:
    assert check_websocket(quiet_site.url) == (
        f"{quiet_site.url} accepts WebSockets, and does not compress them.",
        True,
    )
    words, good = check_websocket(quiet_site.url.replace("127.0.0.1", "[::1]"))
    assert "does not answer" in words
    assert not good


def test_the_doctor_notices_a_server_that_compresses(bare: Site) -> None:
    words, good = check_websocket(bare.url)
    assert "compresses" in words
    assert "hub_serve" in words
    assert not good


def test_the_doctor_notices_a_proxy_that_forwards_no_headers(quiet_site: Site, tmp_path: Path) -> None:
    forgetful = CONFIGURATION.replace("proxy_set_header", "# proxy_set_header")
    with Nginx([quiet_site.port], forgetful) as front:
        words, good = check_websocket(front.url)
    assert "Upgrade and Connection" in words
    assert not good
