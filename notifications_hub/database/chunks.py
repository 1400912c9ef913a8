"""Split work into statements of a bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of at most `size` items, in order. Python 3.12 has this as `itertools.batched`."""
    remaining = iter(items)
    while some := list(islice(remaining, size)):
        yield some
