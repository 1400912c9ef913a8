"""An inbox of the site's own: htmx swaps rows that these views render."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from notifications_hub import Notification

PAGE = 20


@login_required
def inbox(request):
    return render(request, "example/inbox.html", _page(request))


@login_required
def rows(request):
    """Return older rows, or everything shown so far as it is now."""
    return render(request, "example/_rows.html", _page(request))


@login_required
@require_POST
def read(request, pk):
    _mine(request).filter(pk=pk).mark_all_as_read()
    row = get_object_or_404(_mine(request).for_items(), pk=pk)
    return render(request, "example/_row.html", {"row": row})


@login_required
@require_POST
def archive(request, pk):
    _mine(request).filter(pk=pk).archive()
    return HttpResponse()


def _page(request):
    """Return one page: before a row, or through the last one that the page shows already."""
    found = _mine(request).filter(archived_at=None).for_items().order_by("-pk")
    shown = [int(pk) for pk in request.GET.getlist("through") if pk.isdecimal()]
    before = request.GET.get("before", "")
    if shown:
        found = list(found.filter(pk__gte=min(shown))[:200])
        last = min(shown)
        return {"rows": found, "last": last if _mine(request).filter(pk__lt=last, archived_at=None).exists() else None}
    if before.isdecimal():
        found = found.filter(pk__lt=int(before))
    found = list(found[: PAGE + 1])
    return {"rows": found[:PAGE], "last": found[PAGE - 1].pk if len(found) > PAGE else None}


def _mine(request):
    return Notification.objects.visible().filter(recipient=request.user, announcement=None)
