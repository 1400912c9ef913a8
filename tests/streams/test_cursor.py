"""The cursor: its encoding, its signature and its limits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications_hub.streams.cursor import MAX_LENGTH, MAX_SEQ, BadCursor, Position, decode, encode, key_of
from tests.support.full import FULL

EXAMPLES = 100 if FULL else 40
EPOCHS = st.one_of(st.just(""), st.from_regex(r"[0-9a-f]{8}", fullmatch=True))
SEQS = st.integers(0, MAX_SEQ)


@st.composite
def positions(draw: st.DrawFn) -> Position:
    start, seq = sorted([draw(SEQS), draw(SEQS)])
    return Position(draw(EPOCHS), start, seq)


@pytest.mark.exhaustive
@settings(max_examples=EXAMPLES)
@given(st.dictionaries(st.text(min_size=1, max_size=200), positions(), max_size=32))
def test_a_written_cursor_is_read_back(written: dict[str, Position]) -> None:
    assert decode(encode(written)) == {key_of(topic): position for topic, position in written.items()}


def test_thirty_two_topics_fit_with_any_numbers() -> None:
    widest = {f"{'topic' * 30}.{number}": Position("ffffffff", MAX_SEQ, MAX_SEQ) for number in range(32)}
    text = encode(widest)
    assert len(text) <= MAX_LENGTH
    assert len(decode(text)) == 32


def test_topics_that_do_not_fit_are_left_out_from_the_end() -> None:
    many = {f"group.{number}": Position("ffffffff", MAX_SEQ, MAX_SEQ) for number in range(100)}
    known = decode(encode({"inbox.1": Position("", 0, 0), **many}))
    assert key_of("inbox.1") in known
    assert key_of("group.0") in known
    assert key_of("group.99") not in known


def test_a_cursor_does_not_name_its_topics() -> None:
    assert "secret" not in encode({"room.secret": Position("", 0, 0)})


FORGED = [
    pytest.param(lambda text: text.rpartition("~")[0], id="without a signature"),
    pytest.param(lambda text: text.replace(".7.9", ".0.9"), id="with another start"),
    pytest.param(lambda text: text.replace(".7.9", ".7.99"), id="with another number"),
    pytest.param(lambda text: text.replace("0123abcd", ""), id="with another epoch"),
    pytest.param(lambda text: text.replace(key_of("room.a"), key_of("room.b")), id="for another topic"),
    pytest.param(lambda text: f"{text.rpartition('~')[0]}~{'A' * 16}", id="with a guessed signature"),
]


@pytest.mark.parametrize("forge", FORGED)
def test_a_forged_cursor_holds_no_positions(forge: Callable[[str], str]) -> None:
    written = encode({"room.a": Position("0123abcd", 7, 9)})
    forged = forge(written)
    assert forged != written
    assert decode(forged) == {}


def test_a_cursor_signed_with_a_fallback_key_is_valid() -> None:
    position = Position("0123abcd", 7, 9)
    with override_settings(SECRET_KEY="the earlier key"):
        written = encode({"room.a": position})
    assert decode(written) == {}
    with override_settings(SECRET_KEY_FALLBACKS=["the earlier key"]):
        assert decode(written) == {key_of("room.a"): position}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "2",
        "hello",
        "1~",
        "1~~",
        "1~abcdefgh",
        "1~abcdefgh.ffffffff.0",
        "1~abcdefgh.ffffffff.0.1.2",
        "1~abcdefg.ffffffff.0.1",
        "1~abcdefgh.FFFFFFFF.0.1",
        "1~abcdefgh.ffff.0.1",
        "1~abcdefgh..-1.1",
        "1~abcdefgh..0.-1",
        "1~abcdefgh..2.1",
        "1~abcdefgh..0.١",  # digits, but not ASCII ones
        f"1~abcdefgh..0.{MAX_SEQ + 1}",
        "1~abcdefgh..0.99999999999999999999",
        "1~abcdefgh..0.1\n",
        "1~abcdefgh..0.1~",
        "1~abc'--gh..0.1",
    ],
)
def test_a_malformed_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        decode(text)


def test_a_cursor_that_is_too_long_is_refused() -> None:
    entry = "~abcdefgh..0.1"
    fitting = "1" + entry * ((MAX_LENGTH - 1) // len(entry))
    assert decode(fitting) == {}
    with pytest.raises(BadCursor):
        decode(fitting + entry)


@pytest.mark.exhaustive
@settings(max_examples=EXAMPLES)
@given(st.one_of(st.text(), st.text(alphabet="1~.-_abcdef0123456789"), st.from_regex(r"1(~[\w-]{8}\.\w*\.\d+\.\d+)*")))
def test_any_text_is_a_valid_cursor_or_refused(text: str) -> None:
    with suppress(BadCursor):
        for position in decode(text).values():
            assert 0 <= position.start <= position.seq <= MAX_SEQ
