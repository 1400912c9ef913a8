"""Help for the tests of a host. Import this package in tests only.

`TransportSuite` and its parts need pytest and pytest-django; `NotificationsTestMixin` needs neither. The pytest plugin
is installed with the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from notifications_hub.testing.captured import Captured
    from notifications_hub.testing.captured_rows import (
        CapturedDelivery,
        CapturedEmail,
        CapturedEvent,
        CapturedNotification,
        CapturedPush,
    )
    from notifications_hub.testing.http_side import HttpOtherSide, ReceivedRequest
    from notifications_hub.testing.isolation import forget_earlier_tests
    from notifications_hub.testing.kind_checks import KindProblems, check_kinds
    from notifications_hub.testing.mixin import NotificationsTestMixin
    from notifications_hub.testing.other_side import BUSY_SECONDS, Fault, OtherSide, Received
    from notifications_hub.testing.transport_suite import TransportSuite

__all__ = [
    "BUSY_SECONDS",
    "Captured",
    "CapturedDelivery",
    "CapturedEmail",
    "CapturedEvent",
    "CapturedNotification",
    "CapturedPush",
    "Fault",
    "HttpOtherSide",
    "KindProblems",
    "NotificationsTestMixin",
    "OtherSide",
    "Received",
    "ReceivedRequest",
    "TransportSuite",
    "check_kinds",
    "forget_earlier_tests",
]

_HOMES = {
    "BUSY_SECONDS": "other_side",
    "Captured": "captured",
    "CapturedDelivery": "captured_rows",
    "CapturedEmail": "captured_rows",
    "CapturedEvent": "captured_rows",
    "CapturedNotification": "captured_rows",
    "CapturedPush": "captured_rows",
    "Fault": "other_side",
    "HttpOtherSide": "http_side",
    "KindProblems": "kind_checks",
    "NotificationsTestMixin": "mixin",
    "OtherSide": "other_side",
    "Received": "other_side",
    "ReceivedRequest": "http_side",
    "TransportSuite": "transport_suite",
    "check_kinds": "kind_checks",
    "forget_earlier_tests": "isolation",
}
_SUITE = ("transport_failures", "transport_suite")


def __getattr__(name: str) -> Any:
    # pytest imports this package for its plugin, in projects without Django too.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    if _HOMES[name] in _SUITE:
        import pytest

        # Otherwise a failing assert of the suite would not show its values.
        pytest.register_assert_rewrite(*(f"{__name__}.{module}" for module in _SUITE))
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
