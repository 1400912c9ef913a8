"""The admin's list of quiet hours and pauses, so that support staff can tell somebody why nothing came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from notifications_hub.admin_base import ReadOnlyAdmin
from notifications_hub.admin_lists import PersonSearch
from notifications_hub.quiet_hours.calendar import Schedule, Window
from notifications_hub.quiet_hours.models import QuietHours, stored_schedule

_NOTHING = "—"


class QuietHoursAdmin(PersonSearch[Model], ReadOnlyAdmin):
    """The quiet hours of people, as their schedules have them. Only the person changes them."""

    list_display = ("person", "quiet_until", "paused_until", "hours", "zone", "shows_toasts", "changed_at")
    list_select_related = ("person",)
    ordering = ("-pk",)
    fields = list_display

    def rows_of(self, person: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(pk=person)

    @admin.display(description=_("quiet until"))
    def quiet_until(self, row: QuietHours) -> str:
        return _moment(_schedule(row).quiet_until(datetime.now(UTC)))

    @admin.display(description=_("paused until"))
    def paused_until(self, row: QuietHours) -> str:
        until = _schedule(row).paused_until
        return _moment(until if until and until > datetime.now(UTC) else None)

    @admin.display(description=_("hours"))
    def hours(self, row: QuietHours) -> SafeString | str:
        return format_html_join(", ", "{}", ((_words(window),) for window in _schedule(row).windows)) or _NOTHING

    @admin.display(description=_("time zone"))
    def zone(self, row: QuietHours) -> str:
        return _schedule(row).zone

    @admin.display(description=_("toasts meanwhile"), boolean=True)
    def shows_toasts(self, row: QuietHours) -> bool:
        return not _schedule(row).silent


def _schedule(row: QuietHours) -> Schedule:
    """Return the schedule that holds. An invalid one is ignored, here as elsewhere."""
    return stored_schedule(row.schedule) or Schedule()


def _words(window: Window) -> str:
    days = " ".join(str(WEEKDAYS_ABBR[day]) for day in sorted(window.days))
    start, end = ("{:02}:{:02}".format(*divmod(minutes, 60)) for minutes in (window.start, window.end))
    return f"{days} {start}–{end}"


def _moment(at: datetime | None) -> str:
    """Return a time in the viewer's zone, which may not be the person's."""
    return date_format(timezone.localtime(at), "DATETIME_FORMAT") if at else _NOTHING
