"""The cursor: an opaque text that says how far a client has read each of its topics.

A cursor carries no rights. The server checks its sender's rights again, and another person's topic has another key.
Keys are hashes of topic names, so a cursor reveals nothing about a topic. It can also name a topic that has no stream
yet (epoch "").

A cursor is signed, so it holds only positions that a server once wrote. Nobody can read a log from before they joined,
or acknowledge an event that no page was sent. An invalid signature is not an error: the key may have been rotated away,
or an earlier release may have signed. The cursor then knows no topic, and its reader gets a `reset`.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

MAX_LENGTH = 2048
MAX_SEQ = 2**62
"""Half of what a database counts to, so that adding a page to it stays in range."""

_VERSION = "1"
_ENTRY = re.compile(r"([A-Za-z0-9_-]{8})\.([0-9a-f]{8})?\.(\d{1,19})\.(\d{1,19})", re.ASCII)
_SIGNATURE = re.compile(r"[A-Za-z0-9_-]{16}", re.ASCII)
_SIGNATURE_BYTES = 12
"""96 bits. A guess must be sent to a server, and nobody can send that many."""
_ROOM = MAX_LENGTH - 1 - 16
_LONGEST_ENTRY = 8 + 1 + 8 + 1 + 19 + 1 + 19
_ALWAYS_FIT = (_ROOM - len(_VERSION)) // (1 + _LONGEST_ENTRY)
"""Topics that fit into a cursor, however long their numbers are."""


class BadCursor(ValueError):
    """Raised for a text that is not a cursor of this server."""


@dataclass(frozen=True, slots=True)
class Position:
    """A client's position in a topic: it began at `start` and has applied every event up to and including `seq`."""

    epoch: str
    start: int
    seq: int


@lru_cache(maxsize=8192)
def key_of(topic: str) -> str:
    return urlsafe_b64encode(blake2b(topic.encode(), digest_size=6).digest()).decode()


def encode(positions: Mapping[str, Position]) -> str:
    """Return a cursor for these positions by topic. The last topics are left out if they do not fit; they `reset`."""
    text = _VERSION
    for topic, position in positions.items():
        entry = encode_entry(topic, position)
        if len(text) + 1 + len(entry) > _ROOM:
            break
        text = f"{text}~{entry}"
    return sign(text)


def may_be_cut(known: Mapping[str, Position]) -> bool:
    """Return whether a decoded cursor may lack topics because they did not fit."""
    return len(known) >= _ALWAYS_FIT


def encode_entry(topic: str, position: Position) -> str:
    return f"{key_of(topic)}.{position.epoch}.{position.start}.{position.seq}"


def decode(text: str) -> dict[str, Position]:
    """Return positions by `key_of(topic)`, or nothing if the signature is invalid. Raise `BadCursor` if malformed."""
    if len(text) > MAX_LENGTH:
        raise BadCursor(f"A cursor has at most {MAX_LENGTH} characters.")
    version, *entries = text.split("~")
    if version != _VERSION:
        raise BadCursor("This is not a cursor of this server.")
    signature = entries.pop() if entries and _SIGNATURE.fullmatch(entries[-1]) else ""
    positions = dict(_decode_entry(entry) for entry in entries)
    return positions if _is_signed("~".join([version, *entries]), signature) else {}


def sign(text: str) -> str:
    return f"{text}~{_signature(text, settings.SECRET_KEY)}"


def _is_signed(text: str, signature: str) -> bool:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return any(constant_time_compare(_signature(text, key), signature) for key in keys)


def _signature(text: str, secret: str | bytes) -> str:
    # BLAKE2's own keyed mode (RFC 7693, section 2.9). Every frame is signed, and HMAC takes three times as long.
    mac = blake2b(text.encode(), key=_signing_key(secret), digest_size=_SIGNATURE_BYTES)
    return urlsafe_b64encode(mac.digest()).decode()


@lru_cache(maxsize=8)
def _signing_key(secret: str | bytes) -> bytes:
    return salted_hmac("notifications_hub.streams.cursor", "", secret=secret, algorithm="sha256").digest()


def _decode_entry(entry: str) -> tuple[str, Position]:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise BadCursor("This is not a cursor of this server.")
    key, epoch, start, seq = match[1], match[2] or "", int(match[3]), int(match[4])
    if start > seq or seq > MAX_SEQ:
        raise BadCursor("This is not a cursor of this server.")
    return key, Position(epoch, start, seq)
