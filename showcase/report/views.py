"""A report that takes ten seconds: the page that starts it, its bar, and the file that comes of it."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from notifications_hub import Job, start, start_all

LATEST = 5
PARTS = 5

_private = cache_control(no_store=True, private=True)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@_private
def report_page(request: HttpRequest) -> HttpResponse:
    owner = _owner(request)
    if request.method == "POST":
        _start(owner, request.POST.get("how", ""))
        return redirect("report")
    jobs = Job.objects.filter(owner=owner, parent=None, url=reverse("report")).order_by("-created")[:LATEST]
    return render(request, "showcase/report/page.html", {"jobs": jobs})


@require_safe
@login_required
@_private
def one_report_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    return render(request, "showcase/report/page.html", {"jobs": [_own(request, pk)]})


@require_safe
@login_required
@_private
def report_file(request: HttpRequest, pk: UUID) -> HttpResponse:
    job = _own(request, pk)
    if not isinstance(job.value, str):
        raise Http404
    return HttpResponse(
        job.value,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="report.csv"'},
    )


def _start(owner: User, how: str) -> Job:
    # Celery is imported where it is used: a site without it still has its other pages.
    from showcase import tasks

    url = reverse("report")
    if how == "parts":
        parts = [tasks.read_part.s(part, PARTS) for part in range(PARTS)]
        title = _("Report in parts")
        return start_all(parts, then=tasks.join_parts.s(), owner=owner, title=title, url=url, restarts=1)
    title = _("Report on a broken archive") if how == "broken" else _("Report on all posts")
    return start(tasks.write_report.s(breaks=how == "broken"), owner=owner, title=title, url=url, restarts=1)


def _own(request: HttpRequest, pk: UUID) -> Job:
    job = get_object_or_404(Job, pk=pk)
    if job.owner_id != _owner(request).pk:
        raise PermissionDenied
    return job


def _owner(request: HttpRequest) -> User:
    return cast("User", request.user)
