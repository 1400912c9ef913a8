"""The admin's page of use, in place of a list of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from notifications_hub.admin_base import ReadOnlyAdmin
from notifications_hub.charts.sections import in_digits
from notifications_hub.use.admin_pages.choice import Choice, offered, periods
from notifications_hub.use.admin_pages.remarks import remarks_on
from notifications_hub.use.admin_pages.sections import sections_of
from notifications_hub.use.figures import use_of
from notifications_hub.web.csv_file import csv_file


class UseAdmin(ReadOnlyAdmin):
    """The page for people who may view use: numbers of all kinds."""

    def get_urls(self) -> list[URLPattern]:
        """Return the page alone, under the name of a list, which the admin's index links to."""
        return [path("", self.admin_site.admin_view(self.use_view), name="notifications_hub_kinduse_changelist")]

    def use_view(self, request: HttpRequest) -> HttpResponse:
        """Show the use of the chosen kinds and period, or give a file of the tables with `?file`."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        choice = Choice.of_request(request.GET.dict())
        if "file" in request.GET:
            return _file(choice)
        context = {**self.admin_site.each_context(request), **_context(choice), "opts": self.opts}
        context |= {"title": _("Use"), "media": self.media}
        return TemplateResponse(request, "admin/notifications_hub/use.html", context)


def _context(choice: Choice) -> dict[str, Any]:
    use = use_of(choice.period, choice.kinds)
    return {
        "choice": choice,
        "offered": list(offered()),
        "periods": periods(),
        "sent": in_digits(use.total.sent),
        "remarks": list(remarks_on(use)),
        "sections": list(sections_of(use)),
        "is_empty": use.is_empty,
    }


def _file(choice: Choice) -> HttpResponse:
    """Return the tables as one CSV file."""
    period = choice.period
    rows: list[Sequence[str | int]] = [
        [_("Use"), choice.words],
        [_("Days"), f"{period.begin.isoformat()} – {period.end.isoformat()}"],
    ]
    for section in sections_of(use_of(period, choice.kinds)):
        rows += [[], [section.title], section.table.head, *section.table.rows]
    return csv_file(f"use-{period.end.isoformat()}", rows)
