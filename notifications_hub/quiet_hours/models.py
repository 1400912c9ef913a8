"""The table of quiet hours: one row per person who has set some."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel
from notifications_hub.quiet_hours.calendar import Schedule

log = logging.getLogger(__name__)


class QuietHours(HubModel):
    """A person's schedule. One value holds it, so a page reads it in the statement that counts the inbox."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    schedule = models.JSONField(default=dict)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta(HubModel.Meta):
        verbose_name = _("quiet hours")
        verbose_name_plural = _("quiet hours")

    def __str__(self) -> str:
        return f"quiet hours of {self.person_id}"


def stored_schedule(stored: object) -> Schedule | None:
    """Return the schedule of a row, or None if it is invalid: nobody may miss notifications for that."""
    try:
        return Schedule.from_json(stored)  # type: ignore[arg-type]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.warning("Stored quiet hours are invalid, so they are ignored: %r", error)
        return None
