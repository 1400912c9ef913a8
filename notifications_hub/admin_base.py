"""The bases of the hub's read-only admin pages and of their filters, and the labels of its forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from notifications_hub.admin_guards import DeclaredLookups
from notifications_hub.admin_lists import BoundedLists
from notifications_hub.web.bundles import bundle_path

if TYPE_CHECKING:
    AdminBase = admin.ModelAdmin[Model]
else:
    AdminBase = admin.ModelAdmin


class ReadOnlyAdmin(DeclaredLookups[Model], BoundedLists[Model], AdminBase):
    """Base for rows that only the hub writes."""

    list_per_page = 50

    @property
    def media(self) -> Media:
        css = [bundle_path("hub.css"), bundle_path("admin.css")]
        return super().media + Media(css={"all": css})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Django also asks this before it deletes a person and their rows, which must stay possible.
        page = request.resolver_match.url_name if request.resolver_match else ""
        is_own_page = str(page).startswith(f"{self.opts.app_label}_{self.opts.model_name}_")
        return not is_own_page and super().has_delete_permission(request, obj)


class ChoiceFilter(admin.SimpleListFilter):
    """A filter over the values a column may hold. Django's own filter reads the whole table to find those in use."""

    column: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        offered = any(value == choice for choice, _words in self.lookup_choices)
        return queryset.filter(**{self.column: value}) if offered else queryset.none()


def label_parts(widget: forms.Widget) -> None:
    """Label the two inputs. The admin's "Date:" and "Time:" beside them are not labels to a screen reader."""
    if isinstance(widget, forms.MultiWidget):
        for part, label in zip(widget.widgets, (_("Date"), _("Time")), strict=True):
            part.attrs["aria-label"] = label
