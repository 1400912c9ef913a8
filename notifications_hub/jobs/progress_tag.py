"""What `{% task_progress job %}` shows: how a job stands now, and from where a page goes on listening."""

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


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as it stood after the cursor was read: an event between the two is heard twice, and never missed."""

    job: Job
    cursor: str


def look(job: Job) -> Seen:
    here = cursor_at([job.topic])
    return Seen(Job.objects.get(pk=job.pk), here)


def bar(request: HttpRequest, job: Job) -> str:
    """Nothing for those who may not see it."""
    if not may_see(request.user, job):
        return ""
    seen = look(job)
    person = cast("Person", request.user)
    values: dict[str, Any] = {
        "job": seen.job,
        "state": seen.job.as_json(),
        "cursor": seen.cursor,
        "live": links.live(),
        "person": pseudonym_of(person.pk),
        "words": _words(),
        "percent": _percent(seen.job),
        "job_url": reverse("notifications_hub_api:job", args=[job.pk]),
        "cancel_url": reverse("notifications_hub:cancel-job", args=[job.pk]) if job.owner_id == person.pk else "",
        "here": request.get_full_path(),
        "csrf": get_token(request),
    }
    return render_to_string("notifications_hub/task_progress.html", values)


def _percent(job: Job) -> int | None:
    """None where nobody knows how far it is."""
    if job.state == "done":
        return 100
    return round(100 * max(0.0, min(1.0, job.done / job.total))) if job.total > 0 else None


def _words() -> list[tuple[str, str]]:
    """What is said of each standing."""
    return [
        ("queued", _("Waiting to be started")),
        ("running", _("Working on it")),
        ("retrying", _("That did not work at once; it is tried again")),
        ("cancelling", _("Stopping")),
        ("done", _("Done")),
        ("failed", _("Failed")),
        ("error", _("Something went wrong. It is not your fault; please try again later.")),
        ("lost", _("The machine that worked on it was stopped. Please start it again.")),
        ("late", _("It took longer than it may, and was stopped.")),
        ("parts", _("A part of it failed.")),
        ("cancelled", _("Stopped")),
    ]
