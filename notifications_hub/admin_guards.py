"""Limits on what staff can read in the hub's admin: only declared filters, and people's content only by permission."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

Row = TypeVar("Row", bound=Model)

if TYPE_CHECKING:

    class Base(admin.ModelAdmin[Row]): ...

else:

    class Base(Generic[Row]): ...


SEE_CONTENT = "notifications_hub.view_recipient_content"


class DeclaredLookups(Base[Row]):
    """Allow the filters that a list declares, and reject every other lookup.

    Django allows a lookup in any local column. A viewer could use that to guess a hidden column letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        declared = self.get_list_filter(request) if request else self.list_filter
        return lookup in {name for one in declared for name in _parameters_of(one)}


def _parameters_of(declared: Any) -> Iterator[str]:
    """Yield the query parameters that the links of one filter use."""
    if isinstance(declared, type) and issubclass(declared, admin.SimpleListFilter):
        yield str(declared.parameter_name)
    else:
        yield from (f"{declared}{how}" for how in ("", "__exact", "__isnull", "__gte", "__lt"))


class PrivateContent(Base[Row]):
    """Hide the columns of `content` unless the viewer has the permission to see what people receive."""

    content: frozenset[str] = frozenset()

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        return self._visible(request, super().get_list_display(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        fieldsets = super().get_fieldsets(request, obj)
        visible = ((name, self._visible(request, options["fields"]), options) for name, options in fieldsets)
        return [(name, {**options, "fields": fields}) for name, fields, options in visible if fields]

    def _visible(self, request: HttpRequest, names: Sequence[Any]) -> list[Any]:
        hidden = frozenset() if request.user.has_perm(SEE_CONTENT) else self.content
        return [name for name in names if name not in hidden]
