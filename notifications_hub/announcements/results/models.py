"""The tables of results. Writers append tallies, and a chore folds them into figures.

A writer touches no row that another one writes, so nobody waits for a counter.
"""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from notifications_hub.database.primary import HubModel
from notifications_hub.tallying.models import Fold

ANNOUNCEMENT = "notifications_hub.Announcement"


class What(models.TextChoices):
    """Something that happens to an announcement. Each person counts once, and each failed delivery."""

    DELIVERED = "delivered"
    SEEN = "seen"
    READ = "read"
    CLICKED = "clicked"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"
    FAILED = "failed"


class _Counted(HubModel):
    what = models.CharField(max_length=10, choices=What)
    # The delivery method of what was delivered or failed.
    method = models.CharField(max_length=20, blank=True)
    # Why a delivery failed, as `failures.py` encodes it.
    reason = models.CharField(max_length=60, blank=True)
    # The language of the page or push in which it was seen, read or clicked.
    language = models.CharField(max_length=20, blank=True)

    class Meta(HubModel.Meta):
        abstract = True


class ResultTally(_Counted):
    """So many people or deliveries, at a time. A negative number takes back what was undone.

    It has no constraint in the database: that would lock the announcement's row for everybody who reads it.
    """

    announcement = models.ForeignKey(
        ANNOUNCEMENT, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.number} {self.what}"


class ResultFigure(_Counted):
    """The sum of an announcement's tallies of one kind in one span of time.

    `bucket` is the start of the span, in hours after the hour of announcing: an hour in the first two days, then a day.
    Figures outlive the rows they count.
    """

    announcement = models.ForeignKey(ANNOUNCEMENT, on_delete=models.CASCADE, related_name="+", db_index=False)
    bucket = models.PositiveIntegerField()
    number = models.BigIntegerField()

    class Meta(_Counted.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["announcement", "what", "method", "reason", "language", "bucket"], name="hub_result_figure_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.what} from hour {self.bucket}"


class ResultFold(Fold):
    """The one row of the chore that folds tallies of announcements."""


class ResultWatch(HubModel):
    """An announcement whose page of results somebody has opened: when, and the size of its audience then.

    `moved` says that figures have changed that the open page does not show yet.
    """

    announcement = models.OneToOneField(ANNOUNCEMENT, on_delete=models.CASCADE, primary_key=True, related_name="+")
    looked_at = models.DateTimeField(default=timezone.now)
    moved = models.BooleanField(default=False)
    reported_at = models.DateTimeField(null=True)
    audience_size = models.PositiveBigIntegerField(null=True)
    audience_at = models.DateTimeField(null=True)

    class Meta(HubModel.Meta):
        # The chores ask for these each second. Watches stay for ever.
        indexes = [
            models.Index(fields=["announcement"], condition=models.Q(moved=True), name="hub_result_moved"),
            models.Index(fields=["announcement"], condition=models.Q(audience_at=None), name="hub_result_uncounted"),
        ]

    def __str__(self) -> str:
        return f"results of {self.announcement_id}"
