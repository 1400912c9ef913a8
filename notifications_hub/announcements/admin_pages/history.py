"""The audit trail in the admin: on a page of each announcement, and as a list. Everybody can only read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub.admin_base import ChoiceFilter, ReadOnlyAdmin
from notifications_hub.announcements import audit
from notifications_hub.announcements.admin_pages.parts import PERMISSION
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.models import Announcement

if TYPE_CHECKING:
    AnnouncementModelAdmin = admin.ModelAdmin[Announcement]
else:
    AnnouncementModelAdmin = object

SHOWN = 50
"""Steps on one page of an announcement's history."""


def _may_view(request: HttpRequest) -> bool:
    return any(request.user.has_perm(right) for right in (PERMISSION, "notifications_hub.view_announcementstep"))


class HistoryPage(AnnouncementModelAdmin):
    """The page that the button "History" of an announcement leads to, in place of Django's own."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show the newest steps of an announcement, or those before one of them."""
        if not _may_view(request):
            raise PermissionDenied
        announcement = self.get_object(request, object_id)
        if announcement is None:
            raise Http404
        steps = audit.steps_of(announcement)
        if (before := request.GET.get("before", "")).isdecimal():
            steps = steps.filter(pk__lt=int(before[:18]))
        found = list(steps[: SHOWN + 1])
        context = {**self.admin_site.each_context(request), "title": _("History"), "opts": self.opts}
        context |= {
            "media": self.media,
            "announcement": announcement,
            "older": found[SHOWN - 1].pk if found[SHOWN:] else 0,
        }
        context["steps"] = [(step, list(lines_of(step.details))) for step in found[:SHOWN]]
        return TemplateResponse(request, "admin/notifications_hub/announcement/history.html", context)


def lines_of(details: Mapping[str, Any]) -> Iterator[str]:
    """Yield the details of a step, one line for each changed value."""
    labels = {field.name: str(field.verbose_name) for field in Announcement._meta.concrete_fields}
    for name, value in details.items():
        if name == "reason":
            yield str(value)
        elif isinstance(value, Mapping):
            for column, change in value.items():
                yield f"{labels.get(column, column)}: {_in_words(change)}"
        else:
            yield f"{_names().get(name, name)}: {_in_words(value)}"


def _names() -> dict[str, str]:
    return {"copy_of": _("copy of"), "draft": _("draft"), "proposed_by": _("proposed by"), "changes": _("changes")}


def _in_words(value: Any) -> str:
    if isinstance(value, list) and len(value) == 2:
        return " → ".join("—" if one in (None, "", []) else str(one) for one in value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


class StepFilter(ChoiceFilter):
    title = gettext_lazy("step")
    parameter_name = column = "step"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in audit.Step.choices]


class SourceFilter(ChoiceFilter):
    title = gettext_lazy("source")
    parameter_name = column = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(value, str(label)) for value, label in audit.Source.choices]


class StepAdmin(ReadOnlyAdmin):
    """The list of all steps, which also has those of announcements and people that are gone."""

    list_display = ("title", "step_badge", "person_name", "at", "through")
    list_filter = (StepFilter, SourceFilter)
    ordering = ("-pk",)
    fields = ("at", "title", "step_badge", "person_name", "through", "details_in_words")
    actions = None

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return _may_view(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @admin.display(description=gettext_lazy("step"))
    def step_badge(self, step: AnnouncementStep) -> SafeString:
        return format_html('<span class="hub-state" data-state="{}">{}</span>', step.step, step.step_in_words)

    @admin.display(description=gettext_lazy("source"))
    def through(self, step: AnnouncementStep) -> str:
        return step.source_in_words

    @admin.display(description=gettext_lazy("details"))
    def details_in_words(self, step: AnnouncementStep) -> SafeString | str:
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in lines_of(step.details))) or "—"
