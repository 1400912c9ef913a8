"""The table of escalations: one row per notification and step, planned with the notification."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel


class StepState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class EscalationStep(HubModel):
    """A step of one notification. A `method` is kept here, so a change of the kind does not concern it."""

    # The constraint's index begins with the notification.
    notification = models.ForeignKey(
        settings.NOTIFICATIONS_NOTIFICATION_MODEL,
        on_delete=models.CASCADE,
        related_name="escalation_steps",
        db_index=False,
    )
    # Counted from 1, in the order of `Kind.escalate`.
    number = models.PositiveSmallIntegerField()
    # Empty: other people are notified.
    method = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=10, choices=StepState, default=StepState.WAITING)
    # A `ReasonCode`, and the parameters of its words.
    reason = models.CharField(max_length=30, blank=True)
    reason_parameters = models.JSONField(default=dict)
    planned_for = models.DateTimeField()
    # When a worker acts next: at first `planned_for`, then the end of a lease or of a pause.
    due_at = models.DateTimeField()
    claim = models.UUIDField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # One entry per attempt that failed: when, and why.
    trail = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True)

    class Meta(HubModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["notification", "number"], name="hub_escalation_once"),
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="hub_escalation_due"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.get_state_display()}"


def first_due_step() -> datetime | None:
    """Return when the first waiting step is due, or was."""
    waiting = EscalationStep.objects.filter(state=StepState.WAITING)
    return waiting.order_by("due_at").values_list("due_at", flat=True).first()
