"""The list of announcements in the admin: its columns, filters and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub import audiences
from notifications_hub.admin_lists import COUNTED, CappedCount
from notifications_hub.announcements.admin_pages.banner import banner_mark
from notifications_hub.announcements.admin_pages.parts import (
    PERMISSION,
    CorrectionFilter,
    StateFilter,
    TestFilter,
    audience_name,
)
from notifications_hub.announcements.admin_pages.zone import with_zone_name
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.reach import in_words
from notifications_hub.database.quick_count import RowCount
from notifications_hub.notification import Notification

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object


class ListPage(AnnouncementModelAdmin):
    """The list, for the admin of announcements."""

    list_filter = (StateFilter, "level", CorrectionFilter, TestFilter)
    list_select_related = ("by",)
    list_per_page = 25
    search_fields = ("title", "body")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Announcement]:
        read = Notification.objects.filter(announcement=OuterRef("pk"), unread=False).order_by().values("pk")
        return super().get_queryset(request).annotate(number_read=CappedCount(read[: COUNTED + 1]))

    def get_list_display(self, request: HttpRequest) -> tuple[Any, ...]:
        # Once per page, because a group's name costs a query.
        words = dict(audiences.choices())

        @admin.display(description=gettext_lazy("audience"), ordering="audience")
        def audience_words(announcement: Announcement) -> str:
            return words.get(announcement.audience) or audience_name(announcement.audience)

        @admin.display(description=gettext_lazy("read by"))
        def read_by(announcement: Announcement) -> SafeString:
            results = self.results_link(announcement) if request.user.has_perm(PERMISSION) else ""
            return format_html("{}<br>{}", self.read_by(announcement), results)

        return ("title", "state_and_banner", audience_words, "runs", "by", read_by)

    @admin.display(description=gettext_lazy("state"))
    def state_badge(self, announcement: Announcement) -> SafeString:
        state = announcement.state
        return format_html('<span class="hub-state" data-state="{}">{}</span>', state.value, state.label)

    @admin.display(description=gettext_lazy("state"))
    def state_and_banner(self, announcement: Announcement) -> SafeString:
        return format_html("{} {}", self.state_badge(announcement), banner_mark(announcement))

    @admin.display(description=with_zone_name(gettext_lazy("runs")), ordering="starts_at")
    def runs(self, announcement: Announcement) -> SafeString:
        start, end = (timezone.localtime(at) for at in (announcement.starts_at, announcement.ends_at))
        return format_html("{} –<br>{}", date_format(start, "DATETIME_FORMAT"), date_format(end, "DATETIME_FORMAT"))

    @admin.display(description=gettext_lazy("read by"))
    def read_by(self, announcement: Any) -> str:
        return f"{COUNTED}+" if announcement.number_read > COUNTED else str(announcement.number_read)

    def results_link(self, announcement: Announcement) -> SafeString | str:
        if not announcement.announced_at:
            return ""
        path = reverse("admin:notifications_hub_announcement_results", args=[announcement.pk])
        label = _("Results of “%(title)s”") % {"title": announcement}
        return format_html('<a href="{}" aria-label="{}">{}</a>', path, label, _("Results"))


def readers(announcement: Any) -> str:
    """Return how many people of the list's query have read it, in words."""
    number: int = announcement.number_read
    return _("more than %(number)d people") % {"number": COUNTED} if number > COUNTED else in_words(RowCount(number))
