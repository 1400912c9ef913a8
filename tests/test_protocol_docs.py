"""`docs/protocol.md` says what the code does: its tables hold the code's own numbers and names."""

from __future__ import annotations

import ast
import re

from notifications_hub.jobs.models import OPEN, JobState
from notifications_hub.live import access_enforcement, close_codes, connection, hub, poll, sse, topics, views, websocket
from notifications_hub.live.close_codes import Closing
from notifications_hub.streams import cursor, models, store
from tests.support.processes import ROOT

WAIT = re.compile(r"in \d+ s$")
PAGE = (ROOT / "docs" / "protocol.md").read_text()
HUB = ROOT / "notifications_hub"
PROTOCOL = HUB / "static" / "notifications_hub" / "protocol"


def section(heading: str) -> str:
    found = re.search(rf"^## {heading}\n(.+?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, heading
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Return the cells of every table row, without headings and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    heads = {i for i, line in enumerate(lines) if f"{line}\n|---" in text}
    return [row for i, row in enumerate(cells) if i not in heads]


def script(name: str) -> str:
    return (PROTOCOL / name).read_text()


def client_codes() -> dict[str, int]:
    return {
        name: int(code) for name, code in re.findall(r"^  ([A-Z_]+): (\d+),$", script("close-code.js"), re.MULTILINE)
    }


def server_closings() -> list[Closing]:
    constants = [value for value in vars(close_codes).values() if isinstance(value, Closing)]
    return [*constants, close_codes.refused("<topic>")]


def test_every_close_code_of_the_server_is_on_the_page_with_its_reason_and_status() -> None:
    table = [row for row in rows(section("Close codes")) if len(row) == 4]
    listed = {(int(code), reason.strip("`"), int(status)) for code, reason, status, _ in table}
    assert listed == {(one.code, WAIT.sub("in <seconds> s", one.words), one.status) for one in server_closings()}


def test_the_codes_of_the_client_alone_are_on_the_page() -> None:
    listed = {int(row[0]) for row in rows(section("Close codes")) if len(row) == 3}
    assert listed == set(client_codes().values()) - {one.code for one in server_closings()}


def test_the_page_and_the_client_agree_on_the_codes_of_the_hub() -> None:
    answers = re.search(r"ANSWERS = new Set\(\[(.+?)\]\)", script("close-code.js"), re.DOTALL)
    listed = re.search(r"answers of the hub itself: ([\d, ]+)\.", PAGE)
    assert answers
    assert listed
    codes = client_codes()
    expected = {codes[name] for name in re.findall(r"CloseCode\.([A-Z_]+)", answers[1])}
    assert {int(code) for code in listed[1].split(", ")} == expected


def test_every_status_of_a_refusal_is_on_the_page() -> None:
    listed = {int(row[0]) for row in rows(section("HTTP refusals"))}
    known = {int(code) for code in re.findall(r"^  (\d{3}): ", script("http-refusal.js"), re.MULTILINE)}
    sent = {
        int(status)
        for file in ("views.py", "asgi_exchange.py")
        for status in re.findall(r"status=(4\d\d|5\d\d)|answer\((4\d\d|5\d\d)", (HUB / "live" / file).read_text())
        for status in status
        if status
    }
    over_http = {one.status for one in server_closings()} - {close_codes.TOO_LARGE.status}
    assert listed == known | sent | over_http


def test_every_kind_of_event_is_on_the_page() -> None:
    """The code has every kind as a string, except those of a job that has ended."""
    name = re.compile(r"(?:notification|announcement|following|preferences|quiet_hours|task)\.[a-z]+")
    constants = {
        node.value
        for path in HUB.rglob("*.py")
        if "migrations" not in path.parts
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and name.fullmatch(node.value)
    }
    kinds = constants | {f"task.{state.value}" for state in JobState if state not in OPEN} | {models.TOMBSTONE}
    assert {row[0].strip("`") for row in rows(section("Event kinds")) if "<row>" not in row[0]} == kinds


def test_the_row_of_a_frame_names_its_keys() -> None:
    frames = [row[0].strip("`") for row in rows(section("Frames"))]
    assert frames == ["events", "cursor", "more", "reset", "topic", "seq", "kind", "data", "at"]


def test_every_limit_matches_the_code() -> None:
    limits = {name: int(value) for name, value in rows(section("Limits"))}
    assert limits == {
        "topics of a connection": topics.MAX_TOPICS,
        "characters of a topic": models.Stream._meta.get_field("topic").max_length,
        "characters of a cursor": cursor.MAX_LENGTH,
        "bytes of an event's data": models.MAX_DATA,
        "bytes of a frame's events, about": store.FRAME_BYTES,
        "events of one topic in a frame": store.PAGE,
        "ids in one event": models.IDS_IN_AN_EVENT,
        "bytes of a WebSocket message from a client": close_codes.MAX_CLIENT_FRAME,
        "WebSocket messages from a client in 10 seconds": websocket.FRAMES,
        "bytes of an acknowledgement": views.MAX_BODY,
        "bytes that may wait for a slow client": connection.MAX_WAITING,
        "seconds that one frame may take to leave": hub.STALL_SECONDS,
        "seconds that a poll may wait": poll.LONGEST_WAIT,
        "seconds between signs of life on a WebSocket": hub.KEEPALIVE_SECONDS,
        "seconds between signs of life on a stream": sse.HEARTBEAT_SECONDS,
        "seconds that a stream lasts, about": sse.LONGEST_SECONDS,
        "seconds that a WebSocket lasts, at most": access_enforcement.LONGEST_SECONDS,
    }


def test_the_numbers_in_the_text_match_the_code() -> None:
    for text in (
        f"at most {topics.MAX_TOPICS} different names",
        f"at most {cursor.MAX_LENGTH} characters",
        f"from 0 to {poll.LONGEST_WAIT:.0f}",
        f"`retry: {sse.RETRY_MS}`",
        f"a comment every {sse.HEARTBEAT_SECONDS:.0f} seconds",
        f"at most {models.MAX_DATA} bytes",
        f"at most {views.MAX_BODY} bytes",
        f"at most {models.IDS_IN_AN_EVENT} ids",
    ):
        assert text in PAGE


def test_the_waits_of_the_client_match_the_code() -> None:
    line = (PROTOCOL.parent / "client" / "hub-line.js").read_text()
    assert "const RESTART_SPREAD = 3_000" in line
    assert "const STEADY_AFTER = 10_000" in line
    assert "const FIRST_FRAME_WITHIN = 30_000" in line
    assert "const LONGEST = 60_000" in script("backoff.js")
    connections = PROTOCOL.parent / "connections"
    assert "const SILENCE = 60_000" in (connections / "web-socket-connection.js").read_text()
    assert "const SILENCE = 45_000" in (connections / "sse-connection.js").read_text()
    assert "const PATIENCE = 10_000" in (connections / "poll-connection.js").read_text()
