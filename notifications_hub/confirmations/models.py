"""The table of reminders to confirm: one row for each that an admin asked for."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from notifications_hub.database.primary import HubModel


class Reminder(HubModel):
    """A reminder to everybody who has not confirmed its subject. `position` is how far it is sent.

    `subject` is the key of a `Subject`. The numbers of its reminders begin with 1, so of two clicks one makes a row.
    """

    subject = models.CharField(max_length=150)
    number = models.PositiveIntegerField()
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    asked_at = models.DateTimeField(default=timezone.now)
    position = models.CharField(max_length=255, blank=True)
    # Where the last step began: who confirmed during it is not reminded either.
    before = models.CharField(max_length=255, blank=True)
    sent = models.PositiveBigIntegerField(default=0)
    done_at = models.DateTimeField(null=True)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["subject", "number"], name="hub_reminder_once")]
        # The sweeper asks for these each second.
        indexes = [models.Index(fields=["id"], condition=models.Q(done_at=None), name="hub_reminder_open")]

    def __str__(self) -> str:
        return f"{self.subject} #{self.number}"

    @property
    def dedupe_key(self) -> str:
        """Return the key of its notifications: nobody gets two of one reminder."""
        return f"acknowledge.reminder {self}"
