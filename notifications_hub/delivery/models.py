"""Tables of deliveries, of people's preferences, and of announcements that pages showed.

A delivery is one row per notification, transport and address: when it is due, how it went and why. Rows are the queue.
A second row takes back what the first has sent.
"""

from __future__ import annotations

from datetime import datetime

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
    # The constraint's index begins with the notification.
    notification = models.ForeignKey(
        settings.NOTIFICATIONS_NOTIFICATION_MODEL, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    transport = models.CharField(_("transport"), max_length=20)
    address = models.CharField(_("address"), max_length=255)
    # The rollout of an announcement that planned it. No constraint: deleting one would read the whole table.
    rollout = models.ForeignKey(
        "notifications_hub.Rollout",
        on_delete=models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # The person whose quiet hours have held it back. It is then sent together with others of theirs.
    held_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # The delivery whose message summed it up. No constraint, as above.
    summary = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        null=True,
        editable=False,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    # It takes back what another delivery to the same address has sent.
    is_retraction = models.BooleanField(_("retraction"), default=False, db_default=False, editable=False)
    # The step of an escalation that planned it, counted from 1. It is sent although another method delivered.
    escalation = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    # How often the notification had come back from a snooze when it was planned. Each time it is sent anew.
    wake = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    # The request and the trace that planned it: see `telemetry/origin.py`. NULL for most, which costs a row nothing.
    origin = models.JSONField(null=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    # A `ReasonCode`, and the parameters of its words.
    reason = models.CharField(_("reason"), max_length=30, blank=True)
    reason_parameters = models.JSONField(default=dict, editable=False)
    due_at = models.DateTimeField(_("due"))
    claim = models.UUIDField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    trail = models.JSONField(
        _("trail"), default=list, help_text=_("One entry per attempt: when it was made, and how it went.")
    )
    created = models.DateTimeField(_("created"), auto_now_add=True)
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)

    loaded_at: datetime
    """When a worker loaded it, by the database's clock. Only claimed deliveries have it."""

    class Meta(HubModel.Meta):
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        constraints = [
            models.UniqueConstraint(
                fields=["notification", "transport", "address", "is_retraction", "escalation", "wake"],
                name="hub_delivery_once",
            )
        ]
        # One for each queue of workers: what has not waited, what was held, and a range for each rollout. PostgreSQL
        # would sort rows of a common index: it does not take `rollout IS NULL` for a constant.
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state="waiting", rollout__isnull=True, held_for__isnull=True),
                name="hub_delivery_due",
            ),
            models.Index(
                fields=["due_at"],
                condition=models.Q(state="waiting", rollout__isnull=True, held_for__isnull=False),
                name="hub_delivery_held_due",
            ),
            models.Index(
                fields=["rollout", "due_at"],
                condition=models.Q(state="waiting", rollout__isnull=False),
                name="hub_delivery_rollout",
            ),
            models.Index(
                fields=["held_for", "transport", "address", "id"],
                condition=models.Q(state="waiting", held_for__isnull=False),
                name="hub_delivery_held",
            ),
            models.Index(fields=["summary"], condition=models.Q(summary__isnull=False), name="hub_delivery_summary"),
            # A withdrawn announcement is taken back from the addresses to which it was sent. In the order of their keys
            # alone, PostgreSQL may walk through all deliveries.
            models.Index(
                fields=["rollout", "settled_at", "id"],
                condition=models.Q(state="sent", rollout__isnull=False),
                name="hub_delivery_rollout_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{method_name(self.transport)}: {self.get_state_display()}"

    @property
    def repeat(self) -> int:
        """A number that differs each time the notification is sent to an address on purpose; 0 the first time."""
        return self.wake * 1000 + self.escalation


def first_due_delivery() -> datetime | None:
    """Return when the first waiting delivery falls due, or fell due. Those of rollouts do not count."""
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING, rollout=None).order_by("due_at")
    # Each part has an index of its own.
    parts = [waiting.filter(held_for__isnull=is_null) for is_null in (True, False)]
    return min((at for part in parts for at in part.values_list("due_at", flat=True)[:1]), default=None)


class WorkerHeartbeat(HubModel):
    """The one row that any worker, in any engine, renews after a turn: see `heartbeat.py`."""

    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S}"


class SendingProcess(HubModel):
    """A process that sends announcements. It counts up while it holds deliveries of them: see `worker_life.py`."""

    name = models.UUIDField(primary_key=True)
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.name}: {self.count}"


class Preference(HubModel):
    """A person's choices for a kind: delivery methods, and how often emails come. Without a row, its defaults hold.

    They hold too where `methods` is NULL, or `digest` is empty.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=100)
    methods = models.JSONField(null=True, default=None)
    digest = models.CharField(max_length=10, blank=True, default="", db_default="")

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "kind"], name="hub_preference_once")]

    def __str__(self) -> str:
        return f"{self.kind}: {', '.join(self.methods or [])} {self.digest}".rstrip(": ")


class DeliveredThrough(HubModel):
    """A range of announcements that a person's pages have shown: those of an audience after `start`, through `seq`.

    One row covers any number of announcements. Each gap, of announcements that no page showed, adds a row. `start` and
    `seq` belong to announcements (or are 0), so other events on the topic start no row.
    """

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    topic = models.CharField(max_length=200)
    start = models.BigIntegerField()
    seq = models.BigIntegerField()

    class Meta(HubModel.Meta):
        constraints = [models.UniqueConstraint(fields=["person", "topic", "start"], name="hub_delivered_through_once")]

    def __str__(self) -> str:
        return f"{self.topic} from {self.start} through {self.seq}"


class FlashRest(HubModel):
    """The undelivered notifications of a person that a page only summed up: those older than `before`.

    Nothing flashes them any more. One row covers any number of them.
    """

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    before = models.BigIntegerField()

    def __str__(self) -> str:
        return f"before {self.before}"
