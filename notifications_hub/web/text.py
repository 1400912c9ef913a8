"""Plain text from people and hosts: made storable, visible, and safe in its direction of reading."""

from __future__ import annotations

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import get_language_bidi
from django.utils.translation import gettext_lazy as _

# Invisible characters: Unicode's ignorable ones outside category Cf, and a Braille cell without dots.
_UNSEEN = re.compile(
    r"[\u034F\u115F\u1160\u17B4\u17B5\u180B-\u180F\u2065\u2800\u3164\uFE00-\uFE0F\uFFA0\U000E0000-\U000E0FFF]"
)
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CLOSES = {**dict.fromkeys("\u202a\u202b\u202d\u202e", "\u202c"), **dict.fromkeys("\u2066\u2067\u2068", "\u2069")}
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"
_RIGHT_TO_LEFT = {"R", "AL", "AN"}


def storable(text: str, longest: int) -> str:
    """Return the text as every database stores it: no NUL, no half surrogate pair, at most `longest` characters."""
    return text.encode(errors="replace").decode().replace("\0", "")[:longest]


def is_storable(text: str) -> bool:
    """Return False if PostgreSQL would refuse the text, because of a NUL or half a surrogate pair."""
    return storable(text, len(text)) == text


def is_blank(text: str) -> bool:
    """Return True if nothing in the text is visible: only spaces, controls and other characters without a shape."""
    return all(unicodedata.category(one)[0] == "Z" or _has_no_shape(one) for one in text)


def _has_no_shape(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf"} or _UNSEEN.match(character) is not None


def validate_visible(text: str) -> None:
    """Raise `ValidationError` for text without a visible character. Use it for fields of forms and models."""
    if is_blank(text):
        raise ValidationError(_("Write something that people can see."), code="invisible")


def isolated(name: str) -> str:
    """Return a name that does not reverse the words around it in a sentence.

    It is wrapped in Unicode's isolates if its direction may differ from the sentence's. Direction controls inside the
    name are dropped: a name does not need them, and an unclosed one would continue after the name.
    """
    plain = _DIRECTIONS.sub("", name)
    if not plain or not (get_language_bidi() or _may_turn(plain)):
        return plain
    return f"{_ISOLATE}{plain}{_END_ISOLATE}"


def _may_turn(text: str) -> bool:
    return not text.isascii() and any(unicodedata.bidirectional(one) in _RIGHT_TO_LEFT for one in text)


def balanced(text: str) -> str:
    """Return the text with balanced direction controls: each is closed inside, and none closes one outside."""
    if not _DIRECTIONS.search(text):
        return text
    kept: list[str] = []
    waiting: list[str] = []
    for character in text:
        if character in _CLOSES:
            waiting.append(_CLOSES[character])
        elif character in _CLOSES.values():
            if character not in waiting:
                continue
            # The end of an isolate also ends the embeddings inside it.
            while waiting.pop() != character:
                pass
        kept.append(character)
    return "".join([*kept, *reversed(waiting)])
