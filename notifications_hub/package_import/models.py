"""The position of the import. A site that never imports has no row here."""

from __future__ import annotations

from django.db import models

from notifications_hub.database.primary import HubModel


class ImportPosition(HubModel):
    """The last id of django-notifications' table that was imported. There is at most one row."""

    through = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"through {self.through}"
