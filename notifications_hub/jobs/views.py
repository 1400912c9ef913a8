"""Cancel a job from a page without scripts."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from notifications_hub.inbox.visitor import person_of
from notifications_hub.jobs import transitions
from notifications_hub.jobs.models import Job
from notifications_hub.web.site_paths import same_site_path


@require_POST
@login_required
def cancel(request: HttpRequest, pk: UUID) -> HttpResponseRedirect:
    """Cancel the person's own job, and redirect to the field `next`. Answer 404 for another person's job."""

    job = get_object_or_404(Job, pk=pk, owner=person_of(request))
    transitions.cancel(job)
    return HttpResponseRedirect(_next(request, job))


def _next(request: HttpRequest, job: Job) -> str:
    try:
        return same_site_path(request.POST.get("next", "")) or job.url or "/"
    except ValueError:
        return job.url or "/"
