"""Parts of the announcements' admin: the permission, the inline translations and the list filter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub import audience_lists, audiences
from notifications_hub.announcements.admin_pages.forms import TranslationForm, TranslationFormSet, other_languages
from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.kinds import method_name

if TYPE_CHECKING:
    TranslationInlineBase = admin.StackedInline[AnnouncementTranslation, Announcement]
else:
    TranslationInlineBase = admin.StackedInline

PERMISSION = "notifications_hub.broadcast"
_EDITABLE = (
    AnnouncementState.DRAFT,
    AnnouncementState.AWAITING,
    AnnouncementState.PLANNED,
    AnnouncementState.RUNNING,
)


def may_write(request: HttpRequest, announcement: Announcement | None = None) -> bool:
    """Return True if the user may write this announcement. Ended and withdrawn ones are read-only."""
    return request.user.has_perm(PERMISSION) and (announcement is None or announcement.state in _EDITABLE)


def audience_words(announcement: Announcement) -> str:
    if (chosen := audience_lists.list_of(announcement.audience)) is not None:
        return f"{audience_name(announcement.audience)} ({chosen.people})"
    return dict(audiences.choices()).get(announcement.audience, announcement.audience)


def audience_name(audience: str) -> str:
    """Return words for an audience that is no choice of the form, or its name."""
    return _("People chosen by hand") if audience_lists.is_list(audience) else audience


def methods_words(announcement: Announcement) -> str:
    names = all_methods() if announcement.methods is None else announcement.methods
    return ", ".join(map(method_name, names)) or _("only the inbox")


class TranslationInline(TranslationInlineBase):
    model = AnnouncementTranslation
    form = TranslationForm
    formset = TranslationFormSet
    fields = ("language", "title", "body")
    verbose_name_plural = gettext_lazy("In other languages")

    def get_extra(self, request: HttpRequest, obj: Announcement | None = None, **kwargs: Any) -> int:
        return 0

    def get_max_num(self, request: HttpRequest, obj: Announcement | None = None, **kwargs: Any) -> int:
        return len(other_languages())

    def has_add_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return may_write(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return may_write(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return may_write(request, obj)

    def has_view_permission(self, request: HttpRequest, obj: Announcement | None = None) -> bool:
        return True


class StateFilter(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state.value, str(state.label)) for state in AnnouncementState]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in AnnouncementState.values:
            return queryset
        wanted = Announcement.objects.in_state(AnnouncementState(value)).values("pk")
        return queryset.filter(pk__in=wanted)


class CorrectionFilter(admin.SimpleListFilter):
    """The announcements with a correction that a second person has yet to approve."""

    title = gettext_lazy("correction")
    parameter_name = "correction"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("awaiting", str(AnnouncementState.AWAITING.label))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(correction__isnull=False)


class TestFilter(admin.SimpleListFilter):
    """Tests that admins sent to themselves are in a list of their own."""

    title = gettext_lazy("tests")
    parameter_name = "tests"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("only", gettext_lazy("Only tests"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": gettext_lazy("Without tests")}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(is_test=self.value() == "only")
