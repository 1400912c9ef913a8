"""The ASGI servers that can run the hub: commands, expectations, and the table of docs/servers.md."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.support.live import LONG_POLL, SSE, WEBSOCKET
from tests.support.processes import ROOT
from tests.support.site import HUB_SERVE

PAGE = ROOT / "docs" / "servers.md"
APPLICATION = "config.asgi:application"
GUNICORN = ("-m", "gunicorn", APPLICATION, "--bind", "127.0.0.1:{port}", "--worker-class")
DROPPED = 1006
"""The code that a client sees if its connection ends without a close frame."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """The behaviour of a server to its clients, in close codes, or statuses before a handshake is accepted."""

    name: str = "uvicorn"
    """The name that `hub_doctor` knows the server by."""
    starts: str = "with the server"
    """When the hub and the embedded worker start."""
    works: tuple[str, ...] = (WEBSOCKET, SSE, LONG_POLL)
    """The kinds of connection on which catch-up, an event and an acknowledgement work."""
    session_over: Mapping[str, int]
    wrong_origin: Mapping[str, int]
    too_large: int = 1009
    too_slow: frozenset[int] = frozenset({4408})
    """The codes that a client may see that stops reading and comes back to it."""
    is_bounded: bool = True
    """Clients that stop reading take bounded memory."""
    restart: Mapping[str, int]
    compresses: bool = False
    """WebSockets are compressed if the client offers it, which costs memory for each."""


ALIKE = {
    "session_over": {WEBSOCKET: 4401, SSE: 4401, LONG_POLL: 4401},
    "wrong_origin": {WEBSOCKET: 403, SSE: 403, LONG_POLL: 403},
}
RESTART = {WEBSOCKET: 1012, SSE: 1012, LONG_POLL: 1012}
USUAL = Behaviour(**ALIKE, restart=RESTART)  # type: ignore[arg-type]
DAPHNE = Behaviour(
    **ALIKE,  # type: ignore[arg-type]
    name="daphne",
    starts="with the first request",
    too_large=1000,
    too_slow=frozenset({DROPPED}),
    is_bounded=False,
    restart={**RESTART, WEBSOCKET: 1000},
)


@dataclass(frozen=True)
class Server:
    """A server's command, with `{port}`, and its row of the table."""

    command: Sequence[str]
    expected: Behaviour
    stops_within: float
    """Seconds from SIGTERM to the end of the process, with open connections and on a quiet machine."""


SERVERS: Mapping[str, Server] = {
    "hub_serve": Server(HUB_SERVE, USUAL, 2),
    "uvicorn": Server(
        (
            *("-m", "uvicorn", APPLICATION, "--timeout-graceful-shutdown", "5"),
            *("--ws-max-size", "8192", "--ws-per-message-deflate", "false"),
        ),
        USUAL,
        2,
    ),
    "gunicorn, HubWorker": Server((*GUNICORN, "notifications_hub.ops.gunicorn_worker.HubWorker"), USUAL, 3),
    "gunicorn, asgi": Server((*GUNICORN, "asgi"), replace(USUAL, name="gunicorn"), 3),
    "hypercorn": Server(
        ("-m", "hypercorn", APPLICATION, "--bind", "127.0.0.1:{port}", "--graceful-timeout", "1"),
        replace(USUAL, name="hypercorn", compresses=True),
        4,
    ),
    "granian": Server(
        ("-m", "granian", APPLICATION, "--interface", "asgi", "--backpressure", "12000"),
        replace(USUAL, name="granian"),
        3,
    ),
    # By default it pings every 20 s, and waits 30 s for an answer.
    "daphne": Server(
        ("-m", "daphne", APPLICATION, "-p", "{port}", "--ping-interval", "1", "--ping-timeout", "2"), DAPHNE, 5
    ),
}

HEAD = (
    "server",
    "hub starts",
    "catch-up, event, acknowledgement",
    "session over",
    "wrong origin",
    "message too large",
    "stops reading",
    "server stops",
    "within",
    "compresses",
)
KINDS = {WEBSOCKET: "WebSocket", SSE: "SSE", LONG_POLL: "poll"}


def table() -> str:
    """Return the table of the page, made of the expectations that the tests hold each server to."""
    lines = [HEAD, ("---",) * len(HEAD), *(tuple(_cells(name, server)) for name, server in SERVERS.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines).replace("| --- ", "|---").replace("---|", "---|")


def table_on_page() -> str:
    found = re.search(r"^\| server \| hub starts .+?(?=^$)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found, "the page has no table"
    return found[0].rstrip("\n")


def _cells(name: str, server: Server) -> Iterator[str]:
    seen = server.expected
    yield name
    yield seen.starts
    yield ", ".join(KINDS[kind] for kind in seen.works)
    yield _codes(seen.session_over)
    yield _codes(seen.wrong_origin)
    yield str(seen.too_large)
    yield f"{' or '.join(map(str, sorted(seen.too_slow)))}, memory {'' if seen.is_bounded else 'not '}bounded"
    yield _codes(seen.restart)
    yield f"{server.stops_within:g} s"
    yield "yes" if seen.compresses else "no"


def _codes(codes: Mapping[str, int]) -> str:
    """Return one code, or each with its kinds of connection."""
    kinds = {code: [KINDS[kind] for kind, its in codes.items() if its == code] for code in codes.values()}
    if len(kinds) == 1:
        return str(*kinds)
    return ", ".join(f"{code} ({', '.join(names)})" for code, names in kinds.items())
