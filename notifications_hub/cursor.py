"""How far a client has read each of its topics, as one opaque text.

A cursor carries no rights: whoever sends it is asked again what they may hear, and a topic that is not theirs has
another key. Keys are hashes of topic names, so a cursor tells nothing about a topic, and one for a stream that no
event has made yet (epoch "") can still be written.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

MAX_LENGTH = 2048
MAX_SEQ = 2**62
"""Half of what a database counts to, so that adding a page to it stays in range."""

_VERSION = "1"
_ENTRY = re.compile(r"([A-Za-z0-9_-]{8})\.([0-9a-f]{8})?\.(\d{1,19})\.(\d{1,19})", re.ASCII)


class BadCursor(ValueError):
    """The text is not a cursor that this server wrote."""


@dataclass(frozen=True, slots=True)
class Position:
    """The client began at `start` and has applied everything up to and with `seq`."""

    epoch: str
    start: int
    seq: int


@lru_cache(maxsize=8192)
def key_of(topic: str) -> str:
    return urlsafe_b64encode(blake2b(topic.encode(), digest_size=6).digest()).decode()


def encode(positions: Mapping[str, Position]) -> str:
    """Takes topic to position. What no longer fits is left out, the last first: its reader refetches instead."""
    text = _VERSION
    for topic, position in positions.items():
        entry = encode_entry(topic, position)
        if len(text) + 1 + len(entry) > MAX_LENGTH:
            break
        text = f"{text}~{entry}"
    return text


def encode_entry(topic: str, position: Position) -> str:
    return f"{key_of(topic)}.{position.epoch}.{position.start}.{position.seq}"


def decode(text: str) -> dict[str, Position]:
    """Gives `key_of(topic)` to position. Raises `BadCursor`."""
    if len(text) > MAX_LENGTH:
        raise BadCursor(f"A cursor has at most {MAX_LENGTH} characters.")
    version, *entries = text.split("~")
    if version != _VERSION:
        raise BadCursor("This is not a cursor of this server.")
    return dict(_decode_entry(entry) for entry in entries)


def _decode_entry(entry: str) -> tuple[str, Position]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise BadCursor("This is not a cursor of this server.")
    key, epoch, start, seq = match[1], match[2] or "", int(match[3]), int(match[4])
    if start > seq or seq > MAX_SEQ:
        raise BadCursor("This is not a cursor of this server.")
    return key, Position(epoch, start, seq)
