"""People, for the shop's tests under pytest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from .tests import people


@pytest.fixture
def cast(db: None) -> Sequence[Any]:
    """Alice, Bob and Charlie."""
    return people()
