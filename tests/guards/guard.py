from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """`text` in `file` becomes `without`; then at least one of `tests`, pytest ids or a node test file, must fail."""

    name: str
    file: str
    text: str
    without: str
    tests: tuple[str, ...]
    postgres: bool = False
