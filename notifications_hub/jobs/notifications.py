"""The kinds of notification that jobs send, and the rule for their topics."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications_hub import audiences
from notifications_hub.jobs.models import Job, Reason
from notifications_hub.kinds import Kind, NotificationLike, Sample
from notifications_hub.live.topics import own_topic


class TaskDone(Kind):
    name = "task.done"
    label = _("Finished jobs")
    description = _("When something that you started in the background is done.")
    icon = "task"
    has_extension = False
    sample = Sample(actor=_("Yearly report"), level="success", url="/")

    def title(self, notification: NotificationLike) -> str:
        return gettext("“%(job)s” is done") % {"job": notification.actor_name}


class TaskFailed(Kind):
    name = "task.failed"
    label = _("Failed jobs")
    description = _("When something that you started in the background went wrong.")
    icon = "warning"
    has_extension = False
    sample = Sample(actor=_("Yearly report"), level="error", url="/", data={"reason": Reason.LOST})

    def title(self, notification: NotificationLike) -> str:
        return gettext("“%(job)s” failed") % {"job": notification.actor_name}

    def body(self, notification: NotificationLike) -> str:
        return notification.description or _words_for(notification.data.get("reason", ""))


def _words_for(reason: str) -> str:
    words = {
        Reason.LOST: gettext("The job stopped because its worker went away. Please start it again."),
        Reason.LATE: gettext("The job took too long."),
        Reason.PARTS: gettext("A part of the job failed."),
    }
    return next((text for known, text in words.items() if known == reason), gettext("Something went wrong."))


def may_see(person: Any, job: Job) -> bool:
    """Return True for the job's owner and for members of its audience."""
    if not person.is_authenticated:
        return False
    return bool(job.owner_id == person.pk or (job.audience and audiences.contains(job.audience, person)))


@own_topic("task.<uuid:pk>")
def _may_listen(user: Any, pk: UUID) -> bool:
    job = Job.objects.filter(pk=pk).first()
    return job is not None and may_see(user, job)
