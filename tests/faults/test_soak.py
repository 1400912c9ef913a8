"""What a process holds does not grow with what it has done: by running twice, and by a soak. See also `make soak`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.gauges import Curve
from tests.faults.soak import soak
from tests.support.full import FULL

MINUTES, SOCKETS, RATE = (4.0, 500, 20) if FULL else (0.2, 40, 20)


def curve_of(*values: float) -> Curve:
    return Curve("threads", list(enumerate(values)))


def test_a_curve_that_goes_on_growing_is_found() -> None:
    assert curve_of(10, 11, 10, 11, 10, 11, 10, 11).is_flat
    assert curve_of(5, 9, 10, 11, 11, 11, 11, 11).is_flat, "it grew only at first"
    assert not curve_of(10, 10.1, 10, 10.1, 11, 12, 13, 14).is_flat
    assert not curve_of(10, 10, 10, 10, 10, 20, 40, 80).is_flat


@pytest.mark.postgres
@pytest.mark.faults
def test_the_second_half_of_a_soak_grows_no_more_than_the_first(tmp_path: Path) -> None:
    """T45, T46: with Redis and workers killed, and pages that leave and return."""
    verdict, curves = soak(tmp_path, minutes=MINUTES, sockets=SOCKETS, rate=RATE)
    assert verdict.holds
    assert [str(curve) for curve in curves if not curve.is_flat] == []
