"""The size of the proofs that need a machine to themselves: full with `FULL=1`, or short for bin/test.

The short form asserts no time that a busy machine would exceed.
"""

from __future__ import annotations

import os

FULL = bool(os.environ.get("FULL"))


def report(words: str) -> None:
    """Print a figure that a proof has measured. pytest shows it with `-rP`."""
    print(words)  # noqa: T201
