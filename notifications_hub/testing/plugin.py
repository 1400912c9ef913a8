"""The pytest plugin. It imports nothing of the app before a test of a project with the app needs it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from notifications_hub.testing.captured import Captured


@pytest.fixture(autouse=True)
def _notifications_hub_forgets() -> Iterator[None]:
    """Begin without what an earlier test left in this process, such as who had a page open."""
    if not _is_installed():
        yield
        return
    from notifications_hub.testing.isolation import end_background_work, forget_earlier_tests

    forget_earlier_tests()
    yield
    end_background_work()


@pytest.fixture
def notified(db: None) -> Iterator[Captured]:
    """Capture what would be delivered: `notified.assert_notified(alice, kind="comment.reply")`."""
    from notifications_hub.testing.captured import Captured
    from notifications_hub.testing.isolation import end_background_work

    captured = Captured()
    captured.start()
    yield captured
    captured.stop()
    # The fixture `db` empties the tables next.
    end_background_work()


def _is_installed() -> bool:
    """Return whether Django is set up with the app. A project without Django, or before it is set up, has no app."""
    registry = sys.modules.get("django.apps")
    return registry is not None and registry.apps.ready and registry.apps.is_installed("notifications_hub")
