"""`deploy/nginx.conf`, unchanged except for its certificate, ports, sockets, one timeout and one rate."""

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import requests
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.live.support import poke
from tests.support.backend import Backend, Fault
from tests.support.databases import Databases
from tests.support.dialling import HALF, still_open, wait_until_closed
from tests.support.full import FULL, report
from tests.support.live import cookie_of
from tests.support.processes import ROOT, wait_until
from tests.support.site import Site
from tests.support.web import Front

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")

STRANGERS = 600 if FULL else 100
HEAD_SECONDS = 10.0 if FULL else 2.0
GRACE = 5.0


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"), hub={}, environment={"DATABASE_URL": databases.copy()})
    yield site
    site.close()


@pytest.fixture(scope="module")
def front(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder = tmp_path_factory.mktemp("nginx")
    with Front((site.port, site.port), folder, head_seconds=HEAD_SECONDS) as front:
        yield front


@pytest.fixture(scope="module")
def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


@pytest.fixture
def sockets() -> Iterator[Path]:
    """Return a folder that nginx's own user may enter, as /run/hub."""
    with TemporaryDirectory(prefix="hub-sockets-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.faults(short=True)
def test_incomplete_requests_are_closed_at_the_deadline_while_others_are_answered(
    front: Front, unverified: ssl.SSLContext
) -> None:
    began = time.monotonic()
    with ExitStack() as opened:
        lines = [opened.enter_context(dialled_securely(front.port, unverified)) for _ in range(STRANGERS)]
        for line in lines:
            line.sendall(HALF)
        requested = time.monotonic()
        assert requests.get(f"{front.url}/healthz", verify=False, timeout=30).ok
        answered = time.monotonic() - requested
        assert len(still_open(lines)) > STRANGERS / 2
        wait_until_closed(lines, HEAD_SECONDS + GRACE)
    report(
        f"{STRANGERS} incomplete requests: closed {time.monotonic() - began:.1f} s after the first one, "
        f"while a page took {answered:.2f} s"
    )


def test_websockets_streams_and_polls_are_not_buffered(front: Front, site: Site, unverified: ssl.SSLContext) -> None:
    headers = {"Cookie": cookie_of(site, "alice"), "Origin": front.url}
    stream = requests.get(f"{front.url}/live/sse/", headers=headers, verify=False, stream=True, timeout=30)
    address = front.url.replace("https", "wss") + "/live/ws/"
    socket_of_alice = connect(
        address, origin=Origin(front.url), additional_headers={"Cookie": headers["Cookie"]}, ssl=unverified
    )
    with stream, socket_of_alice as alice:
        received = stream.iter_lines()
        while not next(received).startswith(b"data:"):
            pass
        cursor = json.loads(alice.recv(timeout=30))["cursor"]
        poke(site, "alice")
        assert [event["kind"] for event in json.loads(alice.recv(timeout=30))["events"]] == ["notification.created"]
        while b"notification.created" not in next(received):
            pass
    query = {"cursor": cursor, "wait": "5"}
    frame = requests.get(f"{front.url}/live/poll/", params=query, headers=headers, verify=False, timeout=30).json()
    assert frame["events"]


def test_the_access_log_has_no_cursors(front: Front) -> None:
    requests.get(f"{front.url}/live/poll/?wait=0&cursor=1~canary", verify=False, timeout=30)
    log = front.folder / "access.log"
    wait_until(lambda: "GET /live/poll/" in log.read_text(), what="a line in the log")
    assert "canary" not in log.read_text()


def test_http_requests_are_redirected_to_https(front: Front) -> None:
    answer = requests.get(f"http://127.0.0.1:{front.plain}/notifications/?page=2", allow_redirects=False, timeout=30)
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://127.0.0.1/notifications/?page=2")


def test_a_client_cannot_forge_its_address_or_host(front: Front, site: Site) -> None:
    claimed = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert requests.get(f"{front.url}/healthz?claimed", headers=claimed, verify=False, timeout=30).ok
    assert "203.0.113.7" not in site.log
    assert "/healthz?claimed" in site.log


def test_pages_of_other_sites_end_at_nginx(tmp_path: Path) -> None:
    friend = "https://notifications.staging.a-company-with-a-long-name.example"
    with Backend() as site, Front((site.port, site.port), tmp_path, listed=friend) as front:
        own = front.url.removeprefix("https://")
        refused = [
            connecting(front, origin)
            for origin in [
                "https://evil.example",
                f"https://{own}.evil.example",
                f"https://evil.{own}",
                f"https://{own}0",
                f"{friend}.evil.example",
                "null",
            ]
        ]
        assert site.requests == []
        forwarded = [
            connecting(front, f"https://{own}"),
            connecting(front, f"http://{own}"),
            connecting(front, f"https://{own}".upper()),
            connecting(front, friend),
            connecting(front, ""),
            # Some clients name the default port, which the site takes as the same host.
            connecting(front, "https://hub.example", host="hub.example:443"),
            connecting(front, "https://hub.example:443", host="hub.example"),
            connecting(front, "http://[::1]:8000", host="[::1]:8000"),
        ]
    assert refused == [403] * 6
    assert forwarded == [200] * 8


def connecting(front: Front, origin: str, *, host: str = "") -> int:
    headers = {name: value for name, value in {"Origin": origin, "Host": host}.items() if value}
    return requests.get(f"{front.url}/live/ws/", headers=headers, verify=False, timeout=30).status_code


def test_the_cluster_passes_requests_on_as_this_file_does() -> None:
    source = (ROOT / "bin" / "clustering" / "configuration.py").read_text()
    of_cluster = source.split('NGINX = """\\\n')[1].split('"""')[0].replace("{{", "{").replace("}}", "}")
    of_cluster = of_cluster.replace("\\\\", "\\")
    wanted = directives((ROOT / "deploy" / "nginx.conf").read_text())
    assert {"proxy_next_upstream error timeout;", "least_conn;"} < directives(of_cluster) <= wanted


def directives(text: str) -> set[str]:
    """Return how a configuration passes requests on: whole blocks of `map` and `if`, and single directives."""
    words = " ".join(line for line in text.splitlines() if not line.strip().startswith("#")).split()
    pattern = r"\b(?:map|if) [^{]+\{[^}]+\}|\b(?:limit_req|proxy_(?!temp)|keepalive|least_conn)[^;]*;"
    return set(re.findall(pattern, " ".join(words)))


def test_a_flood_from_one_address_is_told_to_come_back_and_others_still_connect(
    tmp_path: Path, unverified: ssl.SSLContext
) -> None:
    with Backend() as site, Front((site.port, site.port), tmp_path, connecting=("1r/m", 10)) as front:
        answers = [
            requests.get(f"{front.url}/live/{kind}/", verify=False, timeout=30)
            for kind in ("ws", "sse")
            for _ in range(8)
        ]
        poll = requests.get(f"{front.url}/live/poll/", verify=False, timeout=30)
        other = HTTPSConnection("127.0.0.1", front.port, source_address=("127.0.0.9", 0), context=unverified)
        other.request("GET", "/live/ws/")
        answered = other.getresponse().status
        other.close()
    assert [answer.status_code for answer in answers] == [200] * 11 + [429] * 5
    assert answers[-1].headers["Retry-After"] == "5"
    assert (poll.status_code, answered) == (200, 200)


@pytest.mark.parametrize("fault", [Fault.CLOSES, Fault.RESTARTS])
def test_a_post_reaches_one_process_and_a_get_another_one_too(fault: Fault, tmp_path: Path) -> None:
    with Backend(fault) as broken, Backend() as sound, Front((broken.port, sound.port), tmp_path) as front:
        for number in range(6):
            requests.post(f"{front.url}/accounts/login/?{number}", verify=False, timeout=30)
            # Two, or each POST would have one process and each GET the other.
            for _ in range(2):
                assert requests.get(f"{front.url}/notifications/?{number}", verify=False, timeout=30).ok
        taken = broken.requests + sound.requests
    posts = [line for line in taken if line.startswith("POST")]
    assert len(posts) == len(set(posts)) == 6
    # Without this the POSTs above would have proved nothing.
    assert any(line.startswith("GET") for line in broken.requests) is (fault is Fault.CLOSES)


def test_a_file_that_one_release_lacks_comes_from_the_other(tmp_path: Path) -> None:
    with Backend(status=404) as before, Backend() as after, Front((before.port, after.port), tmp_path) as front:
        files = [
            requests.get(f"{front.url}/static/bell.{n}.js", verify=False, timeout=30).status_code for n in range(8)
        ]
        pages = [requests.get(f"{front.url}/page/{n}/", verify=False, timeout=30).status_code for n in range(8)]
    assert files == [200] * 8
    assert set(pages) == {200, 404}


def test_metrics_are_only_inside_and_each_process_has_its_own(tmp_path: Path, sockets: Path) -> None:
    one, other = sockets / "web-1.sock", sockets / "web-2.sock"
    with Backend(at=one) as first, Backend(at=other) as second, Front((one, other), tmp_path, sockets=sockets) as front:
        assert requests.get(f"{front.url}/metrics", verify=False, timeout=30).status_code == 404
        assert (first.requests, second.requests) == ([], [])
        inside = f"http://127.0.0.1:{front.inside}"
        for path, status in {
            "/web-2/metrics": 200,
            "/web-1/readyz": 200,
            "/web-1/admin/": 404,
            "/metrics": 404,
        }.items():
            assert requests.get(inside + path, timeout=30).status_code == status
    assert (first.requests, second.requests) == (["GET /readyz HTTP/1.1"], ["GET /metrics HTTP/1.1"])


def dialled_securely(port: int, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10))
