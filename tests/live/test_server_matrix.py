"""Every ASGI server keeps the live protocol, or docs/servers.md says where it does not.

Each server is started once. Its behaviour is observed as a whole, and compared with `server_matrix.SERVERS`. bin/test
has the hub's own server and worker class. `make exhaustive` has all.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed

from notifications_hub.ops.running_server import check_websocket
from notifications_hub.ops.servers import UNCOMPRESSED
from tests.live import server_matrix
from tests.live.server_matrix import DROPPED, SERVERS, Behaviour
from tests.live.support import HURRIED
from tests.support.by_hand import close_code, open_by_hand
from tests.support.databases import Databases
from tests.support.full import FULL, report
from tests.support.live import LONG_POLL, SSE, WEBSOCKET, LiveClient, RefusedHandshake, cookie_of, listening_by
from tests.support.memory import resident
from tests.support.processes import family, wait_until
from tests.support.site import Site

PEOPLE = {WEBSOCKET: "alice", SSE: "bob", LONG_POLL: "charlie"}
PATHS = {SSE: "sse", LONG_POLL: "poll"}
PATIENCE = 30.0
SLOW, EVENTS, SIZE = 8, 100, 60_000
"""Clients that stop reading, and the events published meanwhile, each of so many bytes."""
SPARE = 10.0
"""Seconds that a stop may take longer on a busy machine."""


COMMANDS = {
    **{name: server.command for name, server in SERVERS.items()},
    "granian, rust tasks": (*SERVERS["granian"].command, "--task-impl", "rust"),
}


@pytest.fixture
def site(databases: Databases, tmp_path: Path, name: str) -> Iterator[Site]:
    hurry = json.loads(HURRIED["TEST_HURRY"]) | {"hub.STALL_SECONDS": 2.0}
    environment = {"DATABASE_URL": databases.copy(), **HURRIED, "TEST_HURRY": json.dumps(hurry)}
    hub = {"METRICS_ALLOW": ["127.0.0.1"], "LIVE_PER_USER": SLOW}
    site = Site(tmp_path, hub=hub, environment=environment, server=COMMANDS[name])
    yield site
    site.close()


def test_the_page_shows_the_table_of_these_tests() -> None:
    assert server_matrix.table_on_page() == server_matrix.table()


UNENDING = pytest.mark.skipif(sys.version_info >= (3, 12), reason="hypercorn 0.18 may wait for ever; see the page")
ALWAYS = ("hub_serve", "gunicorn, HubWorker")


def _case(name: str) -> Any:
    """Return a server as a parameter. Those that are not `ALWAYS` tested run only at full size."""
    marks = [*([] if name in ALWAYS else [pytest.mark.exhaustive]), *([UNENDING] if name == "hypercorn" else [])]
    return pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", [_case(one) for one in SERVERS if FULL or one in ALWAYS])
def test_a_server_behaves_as_the_page_says(site: Site, name: str) -> None:
    server = SERVERS[name]
    known_as, starts = process_in_list(site)
    advice, _good = check_websocket(site.url)
    works = kinds_that_work(site)
    session_over = codes_of_a_session_that_ends(site)
    wrong_origin = statuses_of_a_wrong_origin(site)
    too_large = code_of_a_message_too_large(site)
    wait_until(lambda: connections(site) == 0, what="the end of the connections whose clients have left")
    too_slow, grown = codes_of_clients_that_stop_reading(site)
    restart, seconds = codes_of_a_stop(site)
    report(f"{name}: stopped within {seconds:.1f} s; {SLOW} slow clients took {grown / 1e6:.0f} MB")

    # A client whose buffers are full may see no close frame on a busy machine.
    assert too_slow <= server.expected.too_slow | {DROPPED}
    assert server.expected == Behaviour(
        name=known_as,
        starts=starts,
        works=works,
        session_over=session_over,
        wrong_origin=wrong_origin,
        too_large=too_large,
        too_slow=server.expected.too_slow,
        # A busy server without a bound may not have taken much yet, so only a bound is asserted.
        is_bounded=server.expected.is_bounded and grown < SLOW * EVENTS * SIZE / 2,
        restart=restart,
        compresses="compresses" in advice,
    )
    assert not server.expected.compresses or UNCOMPRESSED[known_as] in advice
    assert seconds < server.stops_within + SPARE
    assert "Exception inside application" not in site.log
    assert ("websocket_max_message_size = 8192" in site.log) == (name == "hypercorn")


@UNENDING
@pytest.mark.exhaustive
@pytest.mark.faults
@pytest.mark.parametrize("name", ["hypercorn"])
def test_clients_are_asked_to_come_back_if_a_worker_gets_the_signal_too(site: Site) -> None:
    """systemd signals every process of a service, and a worker of hypercorn has no handler of its own."""
    with everybody(site) as clients:
        for client in clients.values():
            client.frame(PATIENCE)
        os.killpg(site.process_id, signal.SIGTERM)
        assert closings_at_end(clients) == server_matrix.RESTART


@pytest.mark.exhaustive
@pytest.mark.faults
@pytest.mark.parametrize("name", ["granian, rust tasks"])
def test_a_session_ends_in_tasks_that_cannot_be_cancelled(site: Site) -> None:
    assert codes_of_a_session_that_ends(site) == server_matrix.USUAL.session_over


# What is observed


def process_in_list(site: Site) -> tuple[str, str]:
    """Return the server's name and when its hub starts, as `hub_doctor` knows them."""
    server, has_lifespan = site.python("""
        from notifications_hub.live import process_list
        from tests.support.processes import wait_until
        wait_until(process_list.running, what="an entry of the process")
        [process] = process_list.running()
        print(process.program, process.has_lifespan)
    """).split()
    return server, "with the server" if has_lifespan == "True" else "with the first request"


def kinds_that_work(site: Site) -> tuple[str, ...]:
    """Return the kinds that bring an event, take its acknowledgement, and catch up by their cursor."""
    with everybody(site) as clients:
        for client in clients.values():
            client.frame(PATIENCE)
        notify_everybody(site)
        for client in clients.values():
            client.until("notification.created")
            client.send(ack=client.cursor)
            client.until("notification.delivered")
    notify_everybody(site)
    cursors = {kind: client.cursor for kind, client in clients.items()}
    with everybody(site, cursors) as clients:
        caught_up = {kind: client.frame(PATIENCE)["events"] for kind, client in clients.items()}
    kinds = {kind: [event["kind"] for event in events] for kind, events in caught_up.items()}
    return tuple(kind for kind, found in kinds.items() if found == ["notification.created"])


def codes_of_a_session_that_ends(site: Site) -> Mapping[str, int]:
    visitor = site.visitor("charlie")
    with ExitStack() as opened:
        clients = {kind: opened.enter_context(listening_by(kind, site, visitor)) for kind in PEOPLE}
        for client in clients.values():
            client.frame(PATIENCE)
        visitor.post("/accounts/logout/")
        return {kind: client.closing(PATIENCE)[0] for kind, client in clients.items()}


def statuses_of_a_wrong_origin(site: Site) -> Mapping[str, int]:
    foreign = {"Origin": "http://evil.example"}
    headers = {**foreign, "Cookie": cookie_of(site, "alice")}
    with (
        pytest.raises(RefusedHandshake) as refused,
        listening_by(WEBSOCKET, site, "alice", headers=foreign),
    ):
        pass
    over_http = {
        kind: requests.get(f"{site.url}/live/{path}/", headers=headers, timeout=PATIENCE).status_code
        for kind, path in PATHS.items()
    }
    return {WEBSOCKET: refused.value.status, **over_http}


def code_of_a_message_too_large(site: Site) -> int:
    with listening_by(WEBSOCKET, site, "alice") as client:
        client.frame(PATIENCE)
        # The server may close before everything has been sent.
        with suppress(ConnectionClosed):
            client.send_raw("x" * 9000)  # type: ignore[attr-defined]
        return client.closing(PATIENCE)[0]


def codes_of_clients_that_stop_reading(site: Site) -> tuple[frozenset[int], int]:
    """Return the codes that they see once they read again, and the bytes by which the server grew meanwhile."""
    before = resident(family(site.process_id))
    lines = [open_by_hand(site, "topic=open.slow") for _ in range(SLOW)]
    site.python(f"""
        from notifications_hub import publish_many
        for _ in range({EVENTS} // 10):
            publish_many(("open.slow", "counted", {{"words": "x" * {SIZE}}}) for _ in range(10))
    """)
    wait_until(lambda: connections(site) == 0, seconds=30, what="the end of the slow connections")
    grown = resident(family(site.process_id)) - before
    with ThreadPoolExecutor(SLOW) as threads:
        codes = frozenset(threads.map(_code_seen, lines))
    return codes, grown


def _code_seen(line: object) -> int:
    with line:  # type: ignore[attr-defined]
        try:
            return close_code(line) or DROPPED  # type: ignore[arg-type]
        except OSError:
            return DROPPED


def codes_of_a_stop(site: Site) -> tuple[Mapping[str, int], float]:
    with everybody(site) as clients:
        for client in clients.values():
            client.frame(PATIENCE)
        began = time.monotonic()
        site.stop()
        seconds = time.monotonic() - began
        return closings_at_end(clients), seconds


def closings_at_end(clients: Mapping[str, LiveClient]) -> Mapping[str, int]:
    """Return the close codes of a server that ends.

    On a busy machine it may end before it has written a poll's answer. The client polls again either way.
    """
    codes = {kind: client.closing(PATIENCE)[0] for kind, client in clients.items()}
    return codes | {LONG_POLL: server_matrix.RESTART[LONG_POLL]} if codes[LONG_POLL] == DROPPED else codes


# Helpers


@contextmanager
def everybody(site: Site, cursors: Mapping[str, str] | None = None) -> Iterator[Mapping[str, LiveClient]]:
    """Open a connection of each kind, each as another person."""
    given = cursors or {}
    with ExitStack() as opened:
        yield {
            kind: opened.enter_context(listening_by(kind, site, who, cursor=given.get(kind, "")))
            for kind, who in PEOPLE.items()
        }


def notify_everybody(site: Site) -> None:
    site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        people = get_user_model().objects
        everybody = people.filter(username__in={[*PEOPLE.values()]!r})
        notify.send(people.get(username="admin"), recipient=everybody, verb="poked")
    """)


def connections(site: Site) -> int:
    text = requests.get(f"{site.url}/metrics", timeout=PATIENCE).text
    found = re.findall(r"^notifications_hub_connections\{.*\} (\d+)", text, re.MULTILINE)
    assert found, text
    return sum(map(int, found))
