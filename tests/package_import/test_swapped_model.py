"""The package's own model, as code that was written for the package imports it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.shortcuts import get_object_or_404
from django.views.generic import ListView
from notifications.models import Notification as PackageNotification
from notifications.swappable import load_notification_model

from notifications_hub import Notification


@pytest.mark.parametrize(
    "use",
    [
        PackageNotification.objects.count,
        PackageNotification.objects.unread,
        lambda: get_object_or_404(PackageNotification, pk=1),
        lambda: ListView(model=PackageNotification).get_queryset(),
        lambda: PackageNotification(verb="waved").save(),
    ],
)
def test_each_use_of_the_swapped_model_names_the_import(use: Callable[[], object]) -> None:
    with pytest.raises(AttributeError, match=r"from notifications_hub import Notification"):
        use()


def test_the_package_loads_the_model_of_the_hub() -> None:
    assert load_notification_model() is Notification  # type: ignore[no-untyped-call]
