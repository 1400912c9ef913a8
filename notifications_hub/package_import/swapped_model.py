"""The package's own model, which Django swaps out for this app's."""

from __future__ import annotations

from typing import NoReturn

from django.apps import apps


class _NoManager:
    """A descriptor in place of the manager that Django takes from a swapped model. Its error names the remedy."""

    def __get__(self, instance: object, owner: type) -> NoReturn:
        raise AttributeError(
            "The hub's model replaces notifications.Notification. Write `from notifications_hub import Notification`."
        )


def explain() -> None:
    """Make `objects` of the package's model say what to import instead, if that model is swapped."""
    if not apps.is_installed("notifications"):
        return
    from notifications.models import Notification

    if Notification._meta.swapped == "notifications_hub.Notification":
        Notification.objects = _NoManager()  # type: ignore[assignment]
