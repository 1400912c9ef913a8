"""How large the proofs are that need a machine to themselves: as promised with `FULL=1`, or in short for bin/test.

In short they hold nobody to a time that a busy machine would not keep.
"""

from __future__ import annotations

import os

FULL = bool(os.environ.get("FULL"))


def report(words: str) -> None:
    """A figure that a proof has measured: pytest shows it with `-rP`."""
    print(words)  # noqa: T201
