"""Render `{% task_progress job %}`: the job as it is now, and the cursor from which the page follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from notifications_hub.inbox import links
from notifications_hub.jobs.models import Job
from notifications_hub.jobs.notifications import may_see
from notifications_hub.live.start_cursor import cursor_at
from notifications_hub.users import Person, pseudonym_of
from notifications_hub.web.nonce import nonce_of


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job, read after its cursor. An event between the two reads arrives twice, but is never missed."""

    job: Job
    cursor: str


def snapshot(job: Job) -> JobSnapshot:
    cursor = cursor_at([job.topic])
    return JobSnapshot(Job.objects.get(pk=job.pk), cursor)


def bar(request: HttpRequest, job: Job) -> str:
    """Return the bar's HTML, or an empty text if the person may not see the job."""
    if not may_see(request.user, job):
        return ""
    seen = snapshot(job)
    person = cast("Person", request.user)
    values: dict[str, Any] = {
        **shown_of(seen.job),
        "cursor": seen.cursor,
        "live": links.live(),
        "person": pseudonym_of(person.pk),
        "job_url": reverse("notifications_hub_api:job", args=[job.pk]),
        "cancel_url": reverse("notifications_hub:cancel-job", args=[job.pk]) if job.owner_id == person.pk else "",
        "here": request.get_full_path(),
        "csrf": get_token(request),
        "nonce": nonce_of(request),
    }
    return render_to_string("notifications_hub/task_progress.html", values)


def shown_of(job: Job) -> dict[str, Any]:
    """Return what the bar shows of a job, as its template needs it."""
    return {"job": job, "state": job.as_json(), "words": _words(), "percent": _percent(job)}


def _percent(job: Job) -> int | None:
    """Return the progress from 0 to 100, or None if it is unknown."""
    if job.state == "done":
        return 100
    return round(100 * max(0.0, min(1.0, job.done / job.total))) if job.total > 0 else None


def _words() -> list[tuple[str, str]]:
    """Return the words for each value of `Job.standing`."""
    return [
        ("queued", _("Waiting to start")),
        ("running", _("Working on it")),
        ("retrying", _("It didn't work at once. Trying again soon.")),
        ("cancelling", _("Stopping")),
        ("done", _("Done")),
        ("failed", _("Failed")),
        ("error", _("Something went wrong on our side. Please try again later.")),
        ("lost", _("The job stopped because its worker went away. Please start it again.")),
        ("late", _("The job took too long and was stopped.")),
        ("parts", _("A part of the job failed.")),
        ("cancelled", _("Stopped")),
    ]
