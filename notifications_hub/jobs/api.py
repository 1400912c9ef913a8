"""Show and cancel jobs over HTTP. A job that the person may not see is answered like a missing one."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import ConfigDict, Field, JsonValue

from notifications_hub.inbox.schemas import Problem
from notifications_hub.inbox.visitor import person_of
from notifications_hub.jobs import progress_tag, transitions
from notifications_hub.jobs.models import Job
from notifications_hub.jobs.notifications import may_see

router = Router(tags=["jobs"])


_A_JOB: dict[str, JsonValue] = {
    "id": "0b0e8a5c-6a3c-4c6f-9d3f-2f6f5f4f9a10",
    "title": "Export of your posts",
    "state": "running",
    "standing": "running",
    "done": 120.0,
    "total": 400.0,
    "text": "Writing the files",
    "url": "",
    "version": 7,
    "at": "2026-11-20T12:00:00.123456Z",
}


class JobStatus(Schema):
    model_config = ConfigDict(json_schema_extra={"example": _A_JOB})

    id: str
    title: str
    state: Literal["queued", "running", "retrying", "done", "failed", "cancelled"]
    standing: str = Field(description="The state in more detail: the state itself, why it failed, or `cancelling`.")
    done: float
    total: float = Field(description="0 if unknown.")
    text: str = Field(description="The job's latest message, in plain text.")
    url: str = Field(description="The path of the result on this site, or an empty text.")
    version: int = Field(description="Grows with each change: the higher version is newer.")
    at: str


class JobAnswer(Schema):
    job: JobStatus
    cursor: str = Field(description="Subscribe to `task.<id>` from here.", examples=["eyJ0YXNrIjo3fQ"])


class Cancelled(Schema):
    cancelled: bool = Field(description="False if the job had already ended.")


@router.get("{uuid:pk}/", response={200: JobAnswer, (401, 404, 429): Problem}, url_name="job", summary="Show a job")
def get_job(request: HttpRequest, pk: UUID) -> dict[str, Any]:
    """Return how far a job is. 404 for one that this person may not see."""
    seen = progress_tag.snapshot(_visible(request, pk))
    return {"job": seen.job.as_json(), "cursor": seen.cursor}


@router.post(
    "{uuid:pk}/cancel/",
    response={200: Cancelled, (401, 403, 404, 429): Problem},
    url_name="job_cancel",
    summary="Cancel a job",
)
def cancel_job(request: HttpRequest, pk: UUID) -> dict[str, bool]:
    """Cancel the job. If it is running, it stops at its next progress report; its bar ends after about ten seconds."""
    job = _visible(request, pk)
    if job.owner_id != person_of(request).pk:
        raise HttpError(403, _("Only the person who started this job can stop it."))
    return {"cancelled": transitions.cancel(job)}


def _visible(request: HttpRequest, pk: UUID) -> Job:
    job = Job.objects.filter(pk=pk).first()
    if job is None or not may_see(person_of(request), job):
        raise Http404
    return job
