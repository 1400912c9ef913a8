"""The package's own model, as code that was written for the package imports it."""

from __future__ import annotations

import pytest
from notifications.models import Notification as PackageNotification
from notifications.swappable import load_notification_model

from notifications_hub import Notification


def test_the_manager_of_the_swapped_model_names_the_import() -> None:
    with pytest.raises(AttributeError, match=r"from notifications_hub import Notification"):
        PackageNotification.objects.count()


def test_the_package_loads_the_model_of_the_hub() -> None:
    assert load_notification_model() is Notification  # type: ignore[no-untyped-call]
