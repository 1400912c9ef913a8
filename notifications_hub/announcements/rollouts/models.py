"""The table of rollouts: how far an announcement's deliveries by one transport are planned, and how they went.

A rollout either sends the announcement, or takes a withdrawn one back from the addresses to which it was sent.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications_hub.announcements.models import Announcement
from notifications_hub.database.primary import HubModel, PrimaryManager
from notifications_hub.kinds import method_name


class RolloutState(models.TextChoices):
    RUNNING = "running", _("sending")
    PAUSED = "paused", _("paused")
    STOPPED = "stopped", _("ended early")
    DONE = "done", _("done")


class RolloutQuerySet(models.QuerySet["Rollout"]):
    def move(self, **values: Any) -> int:
        """Update the rows, and return how many. Open pages of admins follow soon."""
        return self.update(**values, moved=True)

    def open(self) -> Self:
        """Return those of which deliveries may still be planned or sent."""
        return self.filter(finished_at=None)

    def sending(self) -> Self:
        return self.filter(is_retraction=False)

    def retracting(self) -> Self:
        return self.filter(is_retraction=True)

    def active(self) -> Self:
        """Return the open ones that workers look at. Paused ones rest until there is nothing left to send."""
        over = models.Q(announcement__withdrawn_at__isnull=False) | models.Q(announcement__ends_at__lte=timezone.now())
        return self.open().filter(~models.Q(state=RolloutState.PAUSED) | (over & models.Q(is_retraction=False)))

    def plannable(self) -> Self:
        """Return those whose next people can be planned now.

        Pages acknowledge by the number of the announcement's event, so a rollout waits until that is known.
        """
        ready = self.open().filter(state=RolloutState.RUNNING, planned_at=None, starts_at__lte=Now())
        return ready.filter(models.Q(announcement__seq__isnull=False) | models.Q(is_retraction=True))


RolloutManager = PrimaryManager.from_queryset(RolloutQuerySet)


class Rollout(HubModel):
    """The deliveries of one announcement by one transport, or the retractions of those that were sent.

    `position` is the primary key, as text, of the last person whose deliveries are planned; for a retraction, time
    and key of the last delivery that was looked at. It commits together with them, so a killed worker neither repeats
    nor skips anybody.
    """

    announcement = models.ForeignKey(Announcement, on_delete=models.CASCADE, related_name="rollouts", db_index=False)
    transport = models.CharField(_("transport"), max_length=20)
    is_retraction = models.BooleanField(default=False, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=RolloutState, default=RolloutState.RUNNING)
    starts_at = models.DateTimeField(_("starts"))
    position = models.CharField(max_length=255, blank=True, editable=False)
    # People with an address of the transport, whether in the audience or not: those to look at, and looked at so far.
    # For a retraction, deliveries that were sent.
    people = models.PositiveBigIntegerField(null=True, editable=False)
    looked_at = models.PositiveBigIntegerField(default=0, editable=False)
    # People of the audience who get no delivery, because a page showed it to them or because they do not want any. For
    # a retraction, `shown` counts deliveries to people who have read it.
    shown = models.PositiveBigIntegerField(default=0, editable=False)
    unwanted = models.PositiveBigIntegerField(default=0, editable=False)
    # Deliveries.
    planned = models.PositiveBigIntegerField(default=0, editable=False)
    sent = models.PositiveBigIntegerField(default=0, editable=False)
    failed = models.PositiveBigIntegerField(default=0, editable=False)
    problem = models.CharField(_("problem"), max_length=255, blank=True, editable=False)
    # Something has changed, which open pages of admins do not show yet.
    moved = models.BooleanField(default=False, editable=False)
    reported_at = models.DateTimeField(null=True, editable=False)
    planned_at = models.DateTimeField(null=True, editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    clock: datetime
    """The time of the database when a planner locked it. Only a planner's instance has it."""

    objects = RolloutManager()  # type: ignore[misc]

    class Meta(HubModel.Meta):
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        constraints = [
            models.UniqueConstraint(fields=["announcement", "transport", "is_retraction"], name="hub_rollout_once")
        ]
        # Workers look for open ones all the time. Finished ones stay for ever.
        indexes = [
            models.Index(fields=["id"], condition=models.Q(finished_at=None), name="hub_rollout_open"),
            models.Index(fields=["id"], condition=models.Q(moved=True), name="hub_rollout_moved"),
        ]

    @property
    def percent(self) -> int:
        """Return how much of the way is behind, from 0 to 100. One that was stopped stays where it was."""
        if self.state == RolloutState.DONE:
            return 100
        return min(99, 100 * self.looked_at // self.people) if self.people else 0

    @property
    def is_begun(self) -> bool:
        """Return whether its people are counted, as the first step does."""
        return self.people is not None

    @property
    def is_held_up(self) -> bool:
        """Return whether its problem keeps workers from planning more."""
        return bool(self.problem) and self.state == RolloutState.RUNNING and self.planned_at is None

    def __str__(self) -> str:
        return f"{self.announcement}: {method_name(self.transport)}"
