"""Work that one of a run's workers does for all of them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path


def once(mark: Path, make: Callable[[], None]) -> None:
    """Call `make` in the first worker that comes here. The others wait for it."""
    with mark.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_size == 0:
            make()
            file.write("made")
