"""The package's own model, which Django swaps out for this app's."""

from __future__ import annotations

from typing import Any, NoReturn

from django.apps import apps
from django.db import models
from notifications.base.models import NotificationQuerySet


class _NoManager(models.Manager.from_queryset(NotificationQuerySet)):  # type: ignore[misc]  # made at run time
    """A manager in place of those of a swapped model, which would use the old table. Its error names the remedy."""

    def get_queryset(self) -> NoReturn:
        raise AttributeError(
            "The hub's model replaces notifications.Notification. Write `from notifications_hub import Notification`."
        )


def explain() -> None:
    """Make every query of the package's model say what to import instead, if that model is swapped."""
    if not apps.is_installed("notifications"):
        return
    from notifications.models import Notification

    if Notification._meta.swapped == "notifications_hub.Notification":
        manager: Any = _NoManager()
        Notification.objects = manager
        # Django hides only `objects`. Views, forms and `save()` use these.
        Notification._meta.default_manager = Notification._meta.base_manager = manager
