"""WebSockets opened by hand: frames that no proper client sends, and a client that reads nothing."""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from urllib.parse import urlsplit

from tests.support.live import cookie_of
from tests.support.site import Served

TEXT, BINARY, CONTINUATION, PING = 1, 2, 0, 9

# The opcode, a length under 126, two bytes of code, a text reason, and nothing after it.
_CLOSE_FRAME = re.compile(rb"\x88[\x02-\x7d]([\x03-\x13].)[ -~]*\Z", re.DOTALL)


def open_by_hand(site: Served, query: str = "", *, at: str = "", who: str = "alice") -> socket.socket:
    """Open a WebSocket of a person. `at` is another address of the site, as of one of its processes."""
    url = at or site.url
    address = urlsplit(url)
    line = socket.socket()
    # Small buffers, so that they are soon full if nobody reads.
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(30)
    line.connect((address.hostname, address.port))
    head = [
        f"GET /live/ws/?{query} HTTP/1.1",
        f"Host: {address.netloc}",
        f"Origin: {url}",
        f"Cookie: {cookie_of(site, who)}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    line.sendall("\r\n".join([*head, "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += line.recv(4096)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    return line


def frame_of(payload: bytes, opcode: int = TEXT, *, is_last: bool = True, is_compressed: bool = False) -> bytes:
    """Return the bytes of a client's frame, masked with zeros."""
    return head_of_frame(len(payload), opcode, is_last=is_last, is_compressed=is_compressed) + payload


def head_of_frame(size: int, opcode: int = TEXT, *, is_last: bool = True, is_compressed: bool = False) -> bytes:
    """Return what comes before so many bytes of payload."""
    first = bytes([opcode | 0x80 * is_last | 0x40 * is_compressed])
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 2**16:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return first + length + bytes(4)


def answers_ping(line: socket.socket) -> bool:
    """Return whether the server, which has then read everything so far, answers instead of closing."""
    line.sendall(frame_of(b"", PING))
    data = b""
    while b"\x8a\x00" not in data:
        if not (piece := line.recv(2**16)):
            return False
        data += piece
    return True


def close_code(line: socket.socket, *, seconds: float = 60.0) -> int | None:
    """Return the close code of a server that gets no answer to its close frame, or None if it sent none.

    Raise `AssertionError` if it does not close in time.
    """
    data, last, end = b"", None, time.monotonic() + seconds
    # Linux resets a line whose client has taken nothing for `UNANSWERED_SECONDS`.
    with suppress(ConnectionResetError):
        while not (last := _CLOSE_FRAME.search(data)) and (piece := line.recv(2**16)):
            data = data[-200:] + piece
            assert time.monotonic() < end, "the server keeps the connection open"
    return int.from_bytes(last[1], "big") if last else None
