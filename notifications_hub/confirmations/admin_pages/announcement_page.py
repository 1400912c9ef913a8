"""The admin's page of the people who have not confirmed an announcement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from notifications_hub import audiences
from notifications_hub.admin_lists import find_person
from notifications_hub.announcements.approval.approvers import PERMISSION
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.announcements.results import watching
from notifications_hub.announcements.results.figures import figures_of
from notifications_hub.announcements.results.models import What
from notifications_hub.confirmations.admin_pages.reminder_button import (
    IN_A_FILE,
    SECONDS,
    SHOWN,
    ReminderLine,
    remind,
)
from notifications_hub.confirmations.people import PeoplePage, is_waiting, key_of, unconfirmed_people
from notifications_hub.confirmations.subjects import Subject
from notifications_hub.web.csv_file import csv_file

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object


class ConfirmationPage(AnnouncementModelAdmin):
    """The view of the page, for the admin of announcements."""

    def confirmation_urls(self) -> list[URLPattern]:
        view, name = self.admin_site.admin_view, "notifications_hub_announcement"
        return [path("<int:pk>/confirmations/", view(self.confirmations_view), name=f"{name}_confirmations")]

    def confirmations_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """List who has not confirmed, or give a file of them with `?file`. A POST reminds them."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        announcement = Announcement.objects.filter(pk=pk, must_acknowledge=True).first()
        if announcement is None:
            raise Http404
        if request.method == "POST":
            return remind(request, Subject(announcement=pk), self)
        after = _after(request)
        if "file" in request.GET:
            return _file(announcement, after)
        context = {**self.admin_site.each_context(request), **_context(request, announcement, after)}
        context |= {"title": _("Confirmations"), "opts": self.opts, "media": self.media}
        return TemplateResponse(request, "admin/notifications_hub/announcement/confirmations.html", context)


def _after(request: HttpRequest) -> str:
    """Return the key after which the list begins. An invalid one begins it anew."""
    after = request.GET.get("after", "")
    try:
        key_of(after or "0")
    except (ValidationError, ValueError):
        return ""
    return after


def _context(request: HttpRequest, announcement: Announcement, after: str) -> dict[str, Any]:
    term = request.GET.get("q", "").strip()
    is_open = announcement.state is AnnouncementState.RUNNING
    watched = watching.watch(announcement) if announcement.announced_at else None
    return {
        "announcement": announcement,
        "is_open": is_open,
        "page": _search(announcement, term) if term else _page(announcement, after, SHOWN),
        "term": term,
        "after": after,
        "confirmed": _in_digits(figures_of(announcement).people[What.CONFIRMED]),
        "audience": watched,
        "size": None if watched is None or watched.audience_size is None else _in_digits(watched.audience_size),
        "reminder": ReminderLine.of(request, Subject(announcement=announcement.pk), is_open=is_open),
        "most": _in_digits(IN_A_FILE),
    }


def _page(announcement: Announcement, after: str, most: int) -> PeoplePage:
    return unconfirmed_people(announcement, after, most, SECONDS)


def _search(announcement: Announcement, term: str) -> PeoplePage:
    """Return the person with this sign-in name or id, if they have not confirmed."""
    key = find_person(term)
    found = key is not None and is_waiting(announcement, key)
    return PeoplePage(list(audiences.active_people().filter(pk=key)) if found else [], "")


def _file(announcement: Announcement, after: str) -> HttpResponse:
    """Return a file of the people after a key. Its last line says if more follow."""
    page = unconfirmed_people(announcement, after, IN_A_FILE, 10 * SECONDS)
    rows: list[list[str | int]] = [[_("Announcement"), announcement.title], [_("Has not confirmed"), _("Id")]]
    rows += [[str(person), str(person.pk)] for person in page.people]
    if page.following:
        rows.append([_("More follow. Download the file from the next page of the list."), page.following])
    return csv_file(f"unconfirmed-{announcement.pk}", rows)


def _in_digits(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))
