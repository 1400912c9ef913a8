"""The admin's page of what happened to an announcement: pictures, each with its table, and a file of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from notifications_hub.announcements.admin_pages.parts import PERMISSION
from notifications_hub.announcements.admin_pages.result_sections import moment, sections_of
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.announcements.results import folding, watching
from notifications_hub.announcements.results.figures import Figures, figures_of
from notifications_hub.announcements.rollouts.report import topic_of
from notifications_hub.charts.sections import in_digits
from notifications_hub.inbox import links
from notifications_hub.live.start_cursor import cursor_at
from notifications_hub.users import Person, pseudonym_of
from notifications_hub.web.csv_file import csv_file

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object


class ResultsPage(AnnouncementModelAdmin):
    """The view of the page, for the admin of announcements."""

    def results_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [path("<int:pk>/results/", view(self.results_view), name=f"{name}_results")]

    def results_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show the results: as a file with `?file`, a fragment for the script with `?piece`, else a whole page."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        announcement = Announcement.objects.filter(pk=pk).first()
        if announcement is None:
            raise Http404
        if "file" in request.GET:
            return _file(announcement)
        page = "_results" if "piece" in request.GET else "results"
        context = {**self.admin_site.each_context(request), **_context(request, announcement), "opts": self.opts}
        context |= {"title": _("Results"), "media": self.media}
        return TemplateResponse(request, f"admin/notifications_hub/announcement/{page}.html", context)


def _context(request: HttpRequest, announcement: Announcement) -> dict[str, Any]:
    # The cursor first: a change after it arrives as an event.
    cursor = cursor_at([topic_of(announcement.pk)])
    as_of, figures = folding.as_of(), figures_of(announcement)
    watched = watching.watch(announcement) if announcement.announced_at else None
    return {
        "announcement": announcement,
        "words": _state_in_words(announcement, figures),
        "as_of": as_of,
        "audience": watched,
        "size": "" if watched is None or watched.audience_size is None else in_digits(watched.audience_size),
        "reached": in_digits(figures.reached),
        "sections": [] if figures.is_empty else list(sections_of(announcement, figures)),
        "topic": topic_of(announcement.pk),
        "cursor": cursor,
        "live": links.live(),
        "person": pseudonym_of(cast("Person", request.user).pk),
    }


def _state_in_words(announcement: Announcement, figures: Figures) -> str:
    """Return what an admin should know before the numbers. Empty for a running one with some."""
    state = announcement.state
    if not announcement.announced_at:
        if state in (AnnouncementState.WITHDRAWN, AnnouncementState.ENDED):
            return _("This announcement was never sent, so there is nothing to count.")
        return _("This announcement hasn't been sent yet. Come back once it is out: the numbers appear by themselves.")
    if figures.is_empty:
        return _("Nobody has been reached yet. The numbers appear here by themselves.")
    if state == AnnouncementState.WITHDRAWN:
        return _("This announcement was withdrawn. These are the numbers until then.")
    return _("This announcement has ended.") if state == AnnouncementState.ENDED else ""


def _file(announcement: Announcement) -> HttpResponse:
    """Return the tables as one CSV file. Its rows are bounded, as the figures are."""
    rows: list[Sequence[str | int]] = [[_("Announcement"), announcement.title], [_("As of"), moment(folding.as_of())]]
    for section in sections_of(announcement, figures_of(announcement)):
        rows += [[], [section.title], section.table.head, *section.table.rows]
    return csv_file(f"announcement-{announcement.pk}", rows)
