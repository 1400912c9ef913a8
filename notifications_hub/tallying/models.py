"""The state of a chore that folds tallies."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from notifications_hub.database.primary import HubModel


class Fold(HubModel):
    """The one row of a chore that folds. Its lock lets one process at a time fold.

    Tallies up to `floor` are folded, but for those that committed late. A look back from the beginning finds these.
    """

    LOOK_BACK = timedelta(minutes=1)
    LATEST = timedelta(hours=1)
    """Looks back end this long after the last tally. The next one begins them again."""

    floor = models.BigIntegerField(default=0)
    folded_at = models.DateTimeField(default=timezone.now)
    looked_back_at = models.DateTimeField(default=timezone.now)

    class Meta(HubModel.Meta):
        abstract = True

    def is_late(self, now: datetime) -> bool:
        """Return whether it is time to look back."""
        return self.looked_back_at < now - self.LOOK_BACK and self.folded_at > now - self.LATEST

    def __str__(self) -> str:
        return f"folded to {self.floor}"
