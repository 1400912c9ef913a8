"""A disk of some megabytes that a test fills. It needs root."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.processes import Closing


class SmallDisk(Closing):
    """A mounted file system in memory, at `folder`."""

    def __init__(self, megabytes: int) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root mounts a small disk")
        self.folder = Path(tempfile.mkdtemp(prefix="hub-small-disk-"))
        self._filler = self.folder / "filler"
        _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=777", "tmpfs", str(self.folder))

    def fill(self) -> None:
        """Leave no block free."""
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError as error:
                assert error.errno == errno.ENOSPC  # noqa: PT017 -- that it is full is the aim

    def free(self) -> None:
        self._filler.unlink(missing_ok=True)

    def close(self) -> None:
        # Lazily: a program that has just been killed may hold a file for another moment.
        _run("umount", "--lazy", str(self.folder))
        self.folder.rmdir()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
