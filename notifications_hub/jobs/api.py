"""A job over HTTP. One that a person may not see is like one that does not exist."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.jobs import progress_tag, transitions
from notifications_hub.jobs.models import Job
from notifications_hub.jobs.notifications import may_see

router = Router(tags=["jobs"])


class JobOut(Schema):
    id: str
    title: str
    state: Literal["queued", "running", "retrying", "done", "failed", "cancelled"]
    standing: str = Field(description="Which words say it best: the state, why it failed, or `cancelling`.")
    done: float
    total: float = Field(description="0: nobody knows.")
    text: str = Field(description="What it says of itself, in plain text.")
    url: str = Field(description="A path of this site, where its result is; may be empty.")
    version: int = Field(description="Of two, the one with the higher version is newer.")
    at: str


class JobAnswer(Schema):
    job: JobOut
    cursor: str = Field(description="From where to listen to its topic, `task.<id>`.")


class Cancelled(Schema):
    cancelled: bool = Field(description="False where it had ended already.")


@router.get(
    "{uuid:pk}/", response={200: JobAnswer, (401, 404, 429): Problem}, url_name="job", summary="How a job stands"
)
def show(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    seen = progress_tag.look(_visible(request, pk))
    return {"job": seen.job.as_json(), "cursor": seen.cursor}


@router.post(
    "{uuid:pk}/cancel/",
    response={200: Cancelled, (401, 403, 404, 429): Problem},
    url_name="job_cancel",
    summary="Stop a job",
)
def cancel(request: HttpRequest, pk: UUID) -> dict[str, bool]:
    """At once where it has not begun; else when its task looks, and its bar ends within ten seconds or so anyway."""
    job = _visible(request, pk)
    if job.owner_id != person_of(request).pk:
        raise HttpError(403, _("Only the one who started it can stop it."))
    return {"cancelled": transitions.cancel(job)}


def _visible(request: HttpRequest, pk: UUID) -> Job:
    job = Job.objects.filter(pk=pk).first()
    if job is None or not may_see(person_of(request), job):
        raise Http404
    return job
