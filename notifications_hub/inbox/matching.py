"""The words of a search: whether a text has them, and where. Case and accents make no difference."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

WORDS = 10
"""The most words of a search. Further ones are ignored."""

_PLAIN = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
"""Letters that people type plainly, although Unicode does not take them apart."""
_TAG = re.compile(r"""(<(?:[^>"']|"[^"]*"|'[^']*')*>)""")


@dataclass(frozen=True, slots=True)
class Words:
    """The words that a person looks for, folded. A text matches if it has all of them, anywhere, in any order."""

    folded: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Words:
        # A word of nothing but accents would be everywhere.
        return cls(tuple(dict.fromkeys(filter(None, map(fold, text.split()[:WORDS])))))

    def __bool__(self) -> bool:
        return bool(self.folded)

    def match(self, texts: Iterable[str]) -> bool:
        """Return whether these texts have all words, each in any of them."""
        whole = "\n".join(map(fold, texts))
        return all(word in whole for word in self.folded)

    def marked(self, text: str) -> SafeString:
        """Return a plain text as HTML, with `<mark>` around the words."""
        if not self:
            return escape(text)
        return mark_safe("".join(self._parts(text)))  # noqa: S308 -- each part is escaped

    def marked_in(self, safe: str) -> SafeString:
        """Return safe HTML with `<mark>` around the words of its texts. Its tags stay as they are."""
        if not self:
            return mark_safe(safe)  # noqa: S308 -- as the caller says
        parts = _TAG.split(safe)
        return mark_safe("".join(one if n % 2 else self.marked(html.unescape(one)) for n, one in enumerate(parts)))  # noqa: S308 -- texts are escaped again

    def _parts(self, text: str) -> Iterator[str]:
        end = 0
        for start, stop in _ranges(text, self.folded):
            yield escape(text[end:start])
            yield f"<mark>{escape(text[start:stop])}</mark>"
            end = stop
        yield escape(text[end:])


NO_WORDS = Words()


def fold(text: str) -> str:
    """Return the text without case, accents and differences of width."""
    return text.lower() if text.isascii() else "".join(map(_fold_one, text))


@lru_cache(maxsize=4096)
def _fold_one(character: str) -> str:
    apart = unicodedata.normalize("NFKD", character.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one)).translate(_PLAIN)


def _ranges(text: str, words: Sequence[str]) -> list[tuple[int, int]]:
    """Return where the text has the words: ranges in ascending order that do not touch."""
    folded = [_fold_one(character) for character in text]
    # The character that each folded one comes from.
    origin = [at for at, piece in enumerate(folded) for _ in piece]
    whole = "".join(folded)
    hits: set[int] = set()
    for word in words:
        for found in re.finditer(f"(?={re.escape(word)})", whole):
            hits.update(range(origin[found.start()], origin[found.start() + len(word) - 1] + 1))
    # An accent that stands beside its letter is marked with it.
    hits.update(at for at, piece in enumerate(folded) if not piece and at - 1 in hits)
    ranges: list[tuple[int, int]] = []
    for at in sorted(hits):
        start = ranges.pop()[0] if ranges and ranges[-1][1] == at else at
        ranges.append((start, at + 1))
    return ranges
