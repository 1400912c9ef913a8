"""The gauges of a soak tell growth from noise."""

from __future__ import annotations

from tests.faults.gauges import Curve


def curve_of(*values: float) -> Curve:
    return Curve("threads", list(enumerate(values)))


def test_a_curve_that_goes_on_growing_is_found() -> None:
    assert curve_of(10, 11, 10, 11, 10, 11, 10, 11).is_flat
    assert curve_of(5, 9, 10, 11, 11, 11, 11, 11).is_flat, "it grew only at first"
    assert not curve_of(10, 10.1, 10, 10.1, 11, 12, 13, 14).is_flat
    assert not curve_of(10, 10, 10, 10, 10, 20, 40, 80).is_flat
