"""One row per job. The row is the truth; a broker message only says that the job may start.

The sweeper handles a job at its `due_at`. A queued job's message is then sent again. A retrying job's pause is over. A
running job's lease, which its worker renews, has ended. So one query finds lost messages, killed workers and killed
web processes, and no job waits forever.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications_hub.database.primary import HubModel
from notifications_hub.message import timestamp

MAX_TEXT = 255


class JobState(models.TextChoices):
    QUEUED = "queued", _("waiting")
    RUNNING = "running", _("running")
    RETRYING = "retrying", _("waiting for another try")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


OPEN = (JobState.QUEUED, JobState.RUNNING, JobState.RETRYING)


class Reason(models.TextChoices):
    """The reason of a failed job whose task gave no words of its own."""

    ERROR = "error", _("an error")
    LOST = "lost", _("its worker was stopped")
    LATE = "late", _("it took too long")
    PARTS = "parts", _("a part of it failed")


class Job(HubModel):
    """A background job with its state and progress. Its id is also the Celery task's id.

    A job of parts has no task of its own, or one (`then`) that is sent once its parts are done.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False, verbose_name=_("owner")
    )
    audience = models.CharField(_("also seen by"), max_length=200, blank=True)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="parts")
    position = models.PositiveIntegerField(default=0, help_text=_("Position among the parts of its parent."))
    title = models.CharField(_("title"), max_length=MAX_TEXT)
    url = models.CharField(_("link"), max_length=2000, blank=True)

    task = models.CharField(_("task"), max_length=255, blank=True)
    arguments = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    options = models.JSONField(default=dict)

    state = models.CharField(_("state"), max_length=10, choices=JobState, default=JobState.QUEUED)
    reason = models.CharField(_("reason"), max_length=10, choices=Reason, blank=True)
    done = models.FloatField(_("done"), default=0)
    total = models.FloatField(_("of"), default=0, help_text=_("0 if unknown."))
    text = models.CharField(_("text"), max_length=MAX_TEXT, blank=True)
    download = models.CharField(_("result"), max_length=2000, blank=True)
    value = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    version = models.PositiveIntegerField(default=0)

    due_at = models.DateTimeField(_("due"), null=True)
    claim = models.UUIDField(null=True, editable=False)
    cancel_asked = models.BooleanField(_("asked to stop"), default=False)
    sends = models.PositiveSmallIntegerField(_("messages"), default=0)
    starts = models.PositiveSmallIntegerField(pgettext_lazy("how often", "starts"), default=0)
    retries = models.PositiveSmallIntegerField(_("retries"), default=0)
    restarts = models.PositiveSmallIntegerField(default=0)

    created = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta(HubModel.Meta):
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(
                fields=["due_at"],
                condition=models.Q(state__in=["queued", "running", "retrying"]),
                name="hub_job_due",
            ),
            models.Index(fields=["owner", "-created"], name="hub_job_of_owner"),
            models.Index(fields=["-created"], name="hub_job_newest"),
            models.Index(fields=["ended_at"], condition=models.Q(ended_at__isnull=False), name="hub_job_ended"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def topic(self) -> str:
        return f"task.{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def standing(self) -> str:
        """Return the state in more detail: `cancelling`, why it failed, or the state itself."""
        if self.is_open and self.cancel_asked:
            return "cancelling"
        return self.reason or self.state

    def as_json(self) -> dict[str, Any]:
        """Return the job as the API and events show it. The higher `version` is newer."""
        return {
            "id": str(self.pk),
            "title": self.title,
            "state": self.state,
            "standing": self.standing,
            "done": self.done,
            "total": self.total,
            "text": self.text,
            "url": self.download,
            "version": self.version,
            "at": timestamp(self.ended_at or self.started_at or self.created),
        }
