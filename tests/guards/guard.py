from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard. If `text` in `file` becomes `without`, one of `tests` must fail: pytest ids or a node test file."""

    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]
    postgres: bool = False
