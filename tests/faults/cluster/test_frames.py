"""T32: frames that no page sends, at nginx and at a web process. Each ends its own connection, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from notifications_hub.live.hub import SWEEP_SECONDS
from tests.faults.figures import record
from tests.faults.run import running
from tests.support.by_hand import BINARY, CONTINUATION, close_code, frame_of, head_of_frame, open_by_hand
from tests.support.cluster import WEBS, Cluster
from tests.support.live import WEBSOCKET
from tests.support.memory import resident

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True), pytest.mark.usefixtures("_no_traceback")]

ALLOWED_GROWTH = 5_000_000
PIECE = 2**16


@dataclass(frozen=True)
class Abuse:
    """Bytes of a client, in pieces, and the close codes that they may cause.

    None stands for a connection that broke, as it may while the server has not read everything.
    """

    name: str
    pieces: Iterable[bytes]
    codes: frozenset[int | None]


def abuses() -> Iterator[Abuse]:
    def abuse(name: str, pieces: Iterable[bytes], *codes: int | None) -> Abuse:
        return Abuse(name, pieces, frozenset(codes))

    yield abuse("a frame of 64 MiB", huge(), 1009, None)
    yield abuse("a million pieces of one byte", crumbs(), 1009, None)
    yield abuse("8193 bytes", [frame_of(b"x" * 8193)], 1009, None)
    yield abuse("10,000 levels", [frame_of(b"[" * 10_000)], 1009, None)
    yield abuse("4,000 levels", [frame_of(b"[" * 4000 + b"]" * 4000)], 4400)
    yield abuse("a binary frame", [frame_of(b"{}", BINARY)], 4400)
    yield abuse("no JSON", [frame_of(b"{")], 4400)
    yield abuse("half a character", [frame_of(b"\xc3")], 1007, 4400)
    yield abuse("a compressed frame", [frame_of(b"\x00" * 100, is_compressed=True)], 1002)
    yield abuse("an unknown opcode", [frame_of(b"x", 7)], 1002)
    yield abuse("21 frames", [frame_of(b'{"visible": true}')] * 21, 4429)


def huge() -> Iterator[bytes]:
    yield head_of_frame(2**26)
    for _ in range(2**26 // PIECE):
        yield b"x" * PIECE


def crumbs() -> Iterator[bytes]:
    yield frame_of(b"x", is_last=False)
    for _ in range(1000):
        yield frame_of(b"x", CONTINUATION, is_last=False) * 1000


def test_frames_that_no_page_sends_end_only_their_own_connection(cluster: Cluster, tmp_path: Path) -> None:
    # Once beforehand, so that code which is loaded late does not count.
    assert wrong_codes(cluster) == []
    before = [resident(cluster.pids(part)) for part in WEBS]
    with running(cluster.url, cluster.environment, tmp_path, kinds=(WEBSOCKET,)) as run:
        wrong: list[str] = []

        def happening() -> None:
            run.until_produced()
            wrong.extend(wrong_codes(cluster))
            run.end_producing()

        verdict = run.prove(seconds=120, rate=20, happening=happening)
    growth = max(resident(cluster.pids(part)) - then for part, then in zip(WEBS, before, strict=True))
    record("T32", verdict, delay_p99_seconds=verdict.delay_p99, growth_megabytes=growth / 1e6)
    assert wrong == []
    assert verdict.holds
    assert verdict.delay_p99 <= SWEEP_SECONDS + 1.0
    assert growth < ALLOWED_GROWTH
    assert sum(client.connections for client in run.clients) == len(run.clients)


def wrong_codes(cluster: Cluster) -> list[str]:
    """Abuse nginx and a web process in every way. Return in words which answers were wrong."""
    wrong = []
    for at in (cluster.url, cluster.web_urls[1]):
        for abuse in abuses():
            with open_by_hand(cluster, at=at) as line:
                send(line, abuse.pieces)
                code = close_code(line)
            if code not in abuse.codes:
                wrong.append(f"{abuse.name} at {at}: {code}")
    return wrong


def send(line: socket.socket, pieces: Iterable[bytes]) -> None:
    """Send until the other side has closed."""
    with suppress(ConnectionError):
        for piece in pieces:
            line.sendall(piece)
