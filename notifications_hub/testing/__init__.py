"""Tests that a host runs over its own code. Import this package in tests only: it needs pytest and pytest-django."""

from __future__ import annotations

import pytest

# Otherwise a failing assert of the suite would not show its values.
pytest.register_assert_rewrite(
    "notifications_hub.testing.transport_failures", "notifications_hub.testing.transport_suite"
)

from notifications_hub.testing.http_side import HttpOtherSide, ReceivedRequest  # noqa: E402
from notifications_hub.testing.kind_checks import KindProblems, check_kinds  # noqa: E402
from notifications_hub.testing.other_side import BUSY_SECONDS, Fault, OtherSide, Received  # noqa: E402
from notifications_hub.testing.transport_suite import TransportSuite  # noqa: E402

__all__ = [
    "BUSY_SECONDS",
    "Fault",
    "HttpOtherSide",
    "KindProblems",
    "OtherSide",
    "Received",
    "ReceivedRequest",
    "TransportSuite",
    "check_kinds",
]
