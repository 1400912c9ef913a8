"""What staff can get out of the hub's admin: by filters only what is declared, and people's words only by a right."""

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
    """Answers filters that the list declares, and refuses every other.

    Django answers a lookup in any local column. Whoever may only look could thus guess a hidden one letter by letter.
    """

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        declared = self.get_list_filter(request) if request else self.list_filter
        return lookup in {name for one in declared for name in _parameters_of(one)}


def _parameters_of(declared: Any) -> Iterator[str]:
    """Yield what the links of one filter put into the address."""
    if isinstance(declared, type) and issubclass(declared, admin.SimpleListFilter):
        yield str(declared.parameter_name)
    else:
        yield from (f"{declared}{how}" for how in ("", "__exact", "__isnull", "__gte", "__lt"))


class PrivateContent(Base[Row]):
    """Leaves out the `content` of what people were notified of, unless the viewer has the right to see it."""

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
