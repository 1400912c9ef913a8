"""A short soak. `make soak` runs a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.soak import soak
from tests.support.full import FULL

MINUTES, SOCKETS, RATE = (2.0, 500, 20) if FULL else (0.2, 40, 20)


@pytest.mark.postgres
@pytest.mark.faults(alone=True)
def test_the_second_half_of_a_soak_grows_no_more_than_the_first(tmp_path: Path) -> None:
    """T45, T46: with Redis and workers killed, and pages that leave and return."""
    verdict, curves = soak(tmp_path, minutes=MINUTES, sockets=SOCKETS, rate=RATE)
    assert verdict.holds
    assert [str(curve) for curve in curves if not curve.is_flat] == []
