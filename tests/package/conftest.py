"""The npm package, packed once in a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.npm import pack_client
from tests.support.once import once


@pytest.fixture(scope="session")
def packed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder with the package in `client`. Workers share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "npm"
    folder.mkdir(exist_ok=True)
    once(folder / ".packed", lambda: pack_client(folder))
    return folder
