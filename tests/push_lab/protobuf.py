"""The part of Protocol Buffers that browsers use with their push service."""

from __future__ import annotations

import struct
from collections import defaultdict
from typing import Any


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def fixed64(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + struct.pack("<Q", value)


def parse(raw: bytes) -> dict[int, list[Any]]:
    """Map field numbers to their values in order, as numbers or bytes."""
    fields: dict[int, list[Any]] = defaultdict(list)
    at = 0
    while at < len(raw):
        key, at = _varint_at(raw, at)
        value, at = _value_at(raw, at, kind=key & 7)
        fields[key >> 3].append(value)
    return fields


def _value_at(raw: bytes, at: int, *, kind: int) -> tuple[int | bytes, int]:
    if kind == 0:
        return _varint_at(raw, at)
    size = {1: 8, 5: 4}.get(kind)
    if size is None:
        size, at = _varint_at(raw, at)
    return raw[at : at + size], at + size


def _varint_at(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
