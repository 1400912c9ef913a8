"""The rows of deliveries, of what people chose, and of what pages showed.

A delivery is one row per notification, transport and address: when it is due, how it went and why. Rows are the queue.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications_hub.database.primary import HubModel
from notifications_hub.kinds import method_name


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("waiting")
    SENT = "sent", _("sent")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


class Delivery(HubModel):
    notification = models.ForeignKey(
        settings.NOTIFICATIONS_NOTIFICATION_MODEL, on_delete=models.CASCADE, related_name="deliveries"
    )
    transport = models.CharField(_("transport"), max_length=20)
    address = models.CharField(_("address"), max_length=255)
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    # A `ReasonCode`, and what its words take.
    reason = models.CharField(_("reason"), max_length=30, blank=True)
    reason_parameters = models.JSONField(default=dict, editable=False)
    due_at = models.DateTimeField(_("due"))
    claim = models.UUIDField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    trail = models.JSONField(_("trail"), default=list, help_text=_("One entry an attempt: when, and how it went."))
    created = models.DateTimeField(_("created"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    class Meta(HubModel.Meta):
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(fields=["notification", "transport", "address"], name="hub_delivery_once")
        ]
        indexes = [models.Index(fields=["due_at"], condition=models.Q(state="waiting"), name="hub_delivery_due")]

    def __str__(self) -> str:
        return f"{method_name(self.transport)}: {self.get_state_display()}"


class Preference(HubModel):
    """By which delivery methods a person wants to hear of a kind. No row: the kind's own defaults."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=100)
    methods = models.JSONField(default=list)

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="hub_preference_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.methods)}"


class DeliveredThrough(HubModel):
    """A person's pages have shown the announcements of an audience after `start`, through `seq`.

    One row, however many there were, and a further one for each time that some came which no page showed. `start` and
    `seq` are those of announcements (or 0), so what else is logged on the topic starts no row.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    topic = models.CharField(max_length=200)
    start = models.BigIntegerField()
    seq = models.BigIntegerField()

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "topic", "start"], name="hub_delivered_through_once")]

    def __str__(self) -> str:
        return f"{self.topic} from {self.start} through {self.seq}"
