"""Connections over HTTP: headers, the extra lines of a stream, waiting polls, and the limits of WSGI."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest
import requests

from tests.live.support import BRIEFLY, HURRIED, poke, publish
from tests.support.databases import Databases
from tests.support.live import LONG_POLL, POLL, SSE, SseClient, cookie_of, listening_by, query_of
from tests.support.processes import Program, free_port, wait_until
from tests.support.site import Site, Visitor, site_environment

both_databases = pytest.mark.both_databases
SSE_PATH, POLL_PATH, ACK_PATH = "/live/sse/", "/live/poll/", "/live/ack/"


def get(site: Site, path: str, **headers: str) -> requests.Response:
    """Return the headers, and the body if the response ends by itself."""
    sent = {"Cookie": cookie_of(site, "alice"), **{name.replace("_", "-"): value for name, value in headers.items()}}
    with requests.get(site.url + path, headers=sent, timeout=30, stream=path.startswith(SSE_PATH)) as response:
        return response


def vary(response: requests.Response) -> set[str]:
    return {name.strip().lower() for name in response.headers["Vary"].split(",")}


# Headers


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        (SSE_PATH, "text/event-stream"),
        (POLL_PATH, "application/json"),
        (POLL_PATH + "?wait=1", "application/json"),
        (POLL_PATH + "?cursor=x", "application/json"),
    ],
)
def test_answers_are_not_cached_compressed_or_buffered(site: Site, path: str, content_type: str) -> None:
    response = get(site, path, Accept_Encoding="gzip, br")
    assert response.headers["Content-Type"].startswith(content_type)
    assert {"no-store", "no-transform"} <= {part.strip() for part in response.headers["Cache-Control"].split(",")}
    assert response.headers["X-Accel-Buffering"] == "no"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert {"cookie", "origin"} <= vary(response)
    assert "Content-Encoding" not in response.headers


@pytest.mark.parametrize("path", [SSE_PATH, POLL_PATH, POLL_PATH + "?wait=1"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a b"])
def test_a_wrong_host_is_refused_even_without_an_origin(site: Site, path: str, host: str) -> None:
    response = get(site, path, Host=host)
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/json")


@pytest.mark.parametrize("path", [SSE_PATH, POLL_PATH])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_only_get_opens_a_connection(site: Site, path: str, method: str) -> None:
    answer = requests.request(method, site.url + path, headers={"Cookie": cookie_of(site, "alice")}, timeout=30)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"


@pytest.mark.parametrize(
    ("by", "query", "who", "status"),
    [(by, *refusal) for by in (SSE, LONG_POLL, POLL) for refusal in (
        ("cursor=x", "alice", 400), ("", None, 401), ("topic=staff", "charlie", 403),
    )],
)  # fmt: skip
def test_a_refusal_gives_its_reason_in_json(site: Site, by: str, query: str, who: str | None, status: int) -> None:
    path = SSE_PATH if by == SSE else POLL_PATH
    wait = "&wait=1" if by == LONG_POLL else ""
    answer = requests.get(f"{site.url}{path}?{query}{wait}", headers={"Cookie": cookie_of(site, who)}, timeout=30)
    assert answer.status_code == status
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "no-store" in answer.headers["Cache-Control"]
    assert set(answer.json()) == {"detail"}
    assert answer.json()["detail"]


# Streams


def test_a_stream_sends_its_retry_time_and_heartbeats(site: Site) -> None:
    with listening_by(SSE, site, "alice") as alice:
        assert isinstance(alice, SseClient)
        alice.frame()
        wait_until(lambda: alice.comments >= 2, seconds=30, what="a second comment")
        assert alice.retry == 1234


def test_a_browser_that_reconnects_by_itself_resumes_after_its_last_id(site: Site, topic: str) -> None:
    # Like EventSource: the URL, with its old cursor, is that of the first request.
    with listening_by(SSE, site, "alice", topics=[topic]) as alice:
        old = alice.frame()["cursor"]
        publish(site, topic, 1)
        while not alice.events:
            alice.frame()
    publish(site, topic, 2)
    with listening_by(SSE, site, "alice", topics=[topic], cursor=old, headers={"Last-Event-ID": alice.cursor}) as again:
        assert [event["data"]["n"] for event in again.frame()["events"]] == [2]


def test_an_invalid_last_id_is_a_bad_request(site: Site) -> None:
    with listening_by(SSE, site, "alice", headers={"Last-Event-ID": "x"}) as alice:
        assert alice.closing()[0] == 4400


def test_a_stream_whose_client_disconnected_is_removed(site: Site, newcomer: str) -> None:
    visitor = site.visitor(newcomer)
    # The cap is ten: if these were kept, the last would have closed the one that stays.
    with listening_by(SSE, site, visitor) as stays:
        stays.frame()
        for _ in range(12):
            with listening_by(SSE, site, visitor) as comes_and_goes:
                comes_and_goes.frame()
            time.sleep(0.05)
        assert stays.receives_nothing(BRIEFLY)


# Polls


@pytest.mark.clocked
@pytest.mark.parametrize("wait", ["0", "-1", "", "x", "nan", "-inf"])
def test_an_invalid_wait_is_answered_immediately(site: Site, wait: str) -> None:
    cursor = get(site, POLL_PATH).json()["cursor"]
    started = time.monotonic()
    assert get(site, f"{POLL_PATH}?{query_of([], cursor)}&wait={wait}").status_code == 200
    assert time.monotonic() - started < 1


@pytest.mark.clocked
def test_a_poll_ends_after_its_wait(site: Site, topic: str) -> None:
    cursor = get(site, f"{POLL_PATH}?topic={topic}").json()["cursor"]
    started = time.monotonic()
    frame = get(site, f"{POLL_PATH}?{query_of([topic], cursor)}&wait=1.2").json()
    assert 1.1 < time.monotonic() - started < 3
    assert frame == {"events": [], "cursor": cursor, "more": False, "reset": []}


def test_a_poll_makes_its_person_present(site: Site, newcomer: str) -> None:
    visitor = site.visitor(newcomer)
    assert not is_present(site, newcomer)
    assert requests.get(site.url + POLL_PATH, headers={"Cookie": cookie_of(site, visitor)}, timeout=30).ok
    assert is_present(site, newcomer)


def is_present(site: Site, username: str) -> bool:
    present = f"""
        from notifications_hub.live.presence import is_connected
        from django.contrib.auth import get_user_model
        print(is_connected(get_user_model().objects.get(username={username!r}).pk))
    """
    return site.python(present) == "True"


def test_the_poll_of_a_hidden_page_keeps_its_person_present_only_while_it_waits(
    site: Site, newcomer: str, topic: str
) -> None:
    headers = {"Cookie": cookie_of(site, site.visitor(newcomer))}
    opening = f"{site.url}{POLL_PATH}?topic={topic}&visible=0"
    cursor = requests.get(opening, headers=headers, timeout=30).json()["cursor"]
    assert not is_present(site, newcomer)
    with ThreadPoolExecutor() as thread:
        address = f"{site.url}{POLL_PATH}?{query_of([topic], cursor)}&wait=25&visible=0"
        waiting = thread.submit(requests.get, address, headers=headers, timeout=30)
        wait_until(lambda: is_present(site, newcomer), seconds=30, what="presence")
        site.python(f"""
            from notifications_hub import publish
            publish("{topic}", "wake", {{}})
        """)
        assert waiting.result().ok
    wait_until(lambda: not is_present(site, newcomer), seconds=30, what="absence")


@pytest.mark.clocked
def test_polls_that_wait_hold_no_thread(site: Site, newcomer: str) -> None:
    asyncio.run(_load_a_page_while_fifty_polls_wait(site))


async def _load_a_page_while_fifty_polls_wait(site: Site) -> None:
    headers = {"Cookie": cookie_of(site, "bob")}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), headers=headers) as session:
        async with session.get(site.url + POLL_PATH) as answer:
            cursor = (await answer.json())["cursor"]
        address = f"{site.url}{POLL_PATH}?{query_of([], cursor)}&wait=5"
        waiting = [asyncio.create_task(_status(session, address)) for _ in range(50)]
        await asyncio.sleep(1)
        started = time.monotonic()
        assert await _status(session, site.url + "/notifications/") == 200
        assert time.monotonic() - started < 1
        await asyncio.to_thread(poke, site, "bob")
        statuses = await asyncio.gather(*waiting)
        # At most ten connections per person: the others were refused.
        assert (statuses.count(200), statuses.count(429)) == (10, 40)


async def _status(session: aiohttp.ClientSession, address: str) -> int:
    async with session.get(address) as answer:
        await answer.read()
        return answer.status


# Acknowledging


NO_CURSORS = [b"", b"{", b"[]", b"{}", b'{"cursor": 1}', b'{"cursor": "x"}', b"[" * 5000, b'{"cursor": "%9000d"}' % 1]


@pytest.mark.parametrize("body", NO_CURSORS)
def test_an_invalid_acknowledgement_is_a_bad_request(site: Site, body: bytes) -> None:
    headers = {"Cookie": cookie_of(site, "alice"), "Content-Type": "application/json"}
    answer = requests.post(site.url + ACK_PATH, data=body, headers=headers, timeout=30)
    assert answer.status_code == 400


def test_an_acknowledgement_needs_a_session(site: Site) -> None:
    cursor = get(site, POLL_PATH).json()["cursor"]
    assert requests.post(site.url + ACK_PATH, json={"cursor": cursor, "visible": True}, timeout=30).status_code == 401


@both_databases
def test_events_on_a_hidden_page_are_not_marked_as_delivered(site: Site, newcomer: str) -> None:
    with listening_by(POLL, site, site.visitor(newcomer)) as client:
        client.frame()
        poke(site, newcomer)
        client.until("notification.created")
        client.send(ack=client.cursor, visible=False)
    assert (
        site.python(f"print(person(username={newcomer!r}).notifications.get(announcement=None).delivered_at)") == "None"
    )


# The end of a server


@pytest.fixture
def own_site(databases: Databases, tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, hub={}, environment={"DATABASE_URL": databases.copy()})
    yield site
    site.close()


@pytest.mark.clocked
def test_a_stopping_server_closes_every_connection_and_exits_within_seconds(own_site: Site) -> None:
    with (
        listening_by("websocket", own_site, "alice") as socket,
        listening_by(SSE, own_site, "alice") as stream,
        listening_by(LONG_POLL, own_site, "alice") as waiting,
    ):
        for client in (socket, stream, waiting):
            client.frame()
        started = time.monotonic()
        own_site.stop()
        assert time.monotonic() - started < 4
        assert socket.closing()[0] == 1012
        assert stream.closing()[0] == 1012
    assert "Traceback" not in own_site.log


def test_clients_miss_nothing_across_a_server_restart(own_site: Site) -> None:
    cursors: dict[str, str] = {}
    for by in ("websocket", SSE, LONG_POLL, POLL):
        with listening_by(by, own_site, "alice") as client:
            client.frame()
            cursors[by] = client.cursor
    own_site.kill()
    poke(own_site, "alice")
    own_site.start()
    for by, cursor in cursors.items():
        with listening_by(by, own_site, "alice", cursor=cursor) as client:
            frame = client.frame()
            assert [event["kind"] for event in frame["events"]] == ["notification.created"]


# WSGI


@pytest.fixture(scope="module")
def wsgi_url(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port, log = free_port(), tmp_path_factory.mktemp("wsgi") / "log"
    environment = {**site_environment(DATABASE_URL=databases.copy()), **HURRIED}
    command = [sys.executable, "manage.py", "runserver", "--noreload", f"127.0.0.1:{port}"]
    program = Program(command, log=log, environment=environment)
    url = f"http://127.0.0.1:{port}"
    program.wait_until_ready(lambda: _answers(url))
    yield url
    program.kill()


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=30).ok
    except requests.RequestException:
        return False


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.clocked
def test_a_poll_under_wsgi_is_answered_immediately_for_any_wait(wsgi_url: str) -> None:

    alice = Visitor(wsgi_url)
    alice.sign_in("alice")
    first = alice.get(POLL_PATH)
    assert first.headers["Cache-Control"] == "no-store, no-transform"
    cursor = first.json()["cursor"]
    started = time.monotonic()
    again = alice.get(f"{POLL_PATH}?{query_of([], cursor)}&wait=25")
    assert time.monotonic() - started < 2
    assert again.json() == {"events": [], "cursor": cursor, "more": False, "reset": []}
    assert alice.post(ACK_PATH, json={"cursor": cursor, "visible": True}).status_code == 204
    assert alice.get(f"{POLL_PATH}?cursor=x").status_code == 400
    assert alice.get(f"{POLL_PATH}?topic=nonsense").status_code == 403


def test_streams_and_sockets_are_refused_under_wsgi(wsgi_url: str) -> None:
    assert requests.get(wsgi_url + SSE_PATH, timeout=30).status_code == 501
    assert requests.get(wsgi_url + "/live/ws/", timeout=30).status_code == 426
