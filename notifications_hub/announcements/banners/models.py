"""One row for each banner that a person dismissed."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from notifications_hub.announcements.models import Announcement
from notifications_hub.database.primary import HubModel


class BannerDismissal(HubModel):
    """A banner that a person dismissed. It stays dismissed if the announcement is edited."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "announcement"], name="hub_banner_dismissed_once")]

    def __str__(self) -> str:
        return f"{self.announcement_id} by {self.person_id}"
