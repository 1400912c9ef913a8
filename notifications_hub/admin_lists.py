"""Lists of the hub's admin that cost the same however many rows there are.

A list, its filters and its order cover the newest rows. A search for a person covers that person's newest rows. Counts
stop at a limit, and the page says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.contrib.auth import get_user_model
from django.contrib.contenttypes.fields import GenericForeignKey
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import BigIntegerField, Case, F, Model, QuerySet, Subquery, When
from django.db.models.expressions import OrderBy
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

Row = TypeVar("Row", bound=Model)
Rows = QuerySet[Any]

if TYPE_CHECKING:

    class Base(admin.ModelAdmin[Row]): ...

    RowPaginator = Paginator[Any]

else:

    class Base(Generic[Row]): ...

    RowPaginator = Paginator


LISTED = 10_000
"""The rows that a list and its filters cover."""
FOUND = 500
"""The rows that a search covers. They are anywhere in the table, so each costs more than a listed one."""
COUNTED = 1000
"""The most rows that a list counts and divides into pages."""


class CappedPaginator(RowPaginator):
    """A paginator that counts at most `COUNTED` rows."""

    @cached_property
    def _counted(self) -> int:
        rows = cast("Rows", self.object_list)
        return rows.order_by()[: COUNTED + 1].count()

    @property
    def count(self) -> int:
        return min(self._counted, COUNTED)

    @property
    def is_capped(self) -> bool:
        """Return True if there are more rows, which the list does not show."""
        return self._counted > COUNTED


class CappedCount(Subquery):
    """The number of rows that a limited subquery returns."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = BigIntegerField()


class NewestList(ChangeList):
    """A list of the newest rows, or of the rows that a search found among all."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Rows:
        bounded = cast("BoundedLists[Any]", self.model_admin)
        self._bound: dict[str, Any] = {}
        if not (self.query and bounded.searches_all_rows):
            self._bound = bound_of_newest(self.root_queryset, bounded.age)
            self.root_queryset = self.root_queryset.filter(**self._bound)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering_field(self, field_name: Any) -> Any:
        # Django would take a generic foreign key for the column of the same name, and fail to sort by it.
        generic = {field.name for field in self.lookup_opts.private_fields if isinstance(field, GenericForeignKey)}
        return None if field_name in generic else super().get_ordering_field(field_name)

    def get_ordering(self, request: HttpRequest, queryset: Rows) -> list[Any]:
        ordering = super().get_ordering(request, queryset)
        if not self._bound or ORDER_VAR not in self.params:
            return ordering
        return [_unindexed(part, self._bound) if isinstance(part, str) else part for part in ordering]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if ORDER_VAR in self.params:
            # Sorting the keys alone joins no other table to rows that are not on this page.
            keys = list(self.result_list.values_list("pk", flat=True))
            self.result_list = self.queryset.filter(pk__in=keys)


class BoundedLists(Base[Row]):
    """Show the newest rows of a model. `age` is an indexed column that grows with each row."""

    age = "pk"
    searches_all_rows = False
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = CappedPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return NewestList


class PersonSearch(BoundedLists[Row]):
    """Search by a person's exact sign-in name or id, which an index finds among all rows."""

    searches_all_rows = True
    search_note = _(
        "Search by a person's exact sign-in name or id, to see their newest 500. Lists and filters cover the newest "
        "10,000."
    )

    def get_search_fields(self, request: HttpRequest) -> tuple[str]:
        """Return the name of the search. Django only checks that there is one."""
        return ("person",)

    def rows_of(self, person: Any, rows: Rows) -> Rows:
        """Return the rows that the person owns, newest first, in an order that an index has."""
        return rows.filter(owner=person).order_by("-pk")

    def get_search_results(self, request: HttpRequest, queryset: Rows, search_term: str) -> tuple[Rows, bool]:
        term = search_term.strip()
        if not term:
            return queryset, False
        person = find_person(term)
        if person is None:
            return queryset.none(), False
        rows = self.model._default_manager.all()
        return queryset.filter(pk__in=first_keys(self.rows_of(person, rows))), False


def bound_of_newest(rows: Rows, age: str) -> dict[str, Any]:
    """Return the filter for the newest rows, empty if there are few.

    Its limit is a value in the query, so that the planner knows how few rows are left.
    """
    oldest = next(iter(rows.order_by(f"-{age}").values_list(age, flat=True)[LISTED - 1 : LISTED]), None)
    return {} if oldest is None else {f"{age}__gte": oldest}


def _unindexed(part: str, bound: dict[str, Any]) -> OrderBy:
    """Return the same order of the bound's rows, as an expression that no index has.

    By an index of the column, PostgreSQL would go through all rows until it has met enough of the newest.
    """
    value = Case(When(**bound, then=F(part.removeprefix("-"))))
    return value.desc() if part.startswith("-") else value.asc()


def first_keys(rows: Rows) -> list[Any]:
    return list(rows.values_list("pk", flat=True)[:FOUND])


def find_person(term: str) -> Any:
    """Return the primary key of the person with this sign-in name or id, or None."""
    people = get_user_model()._default_manager.order_by()
    for lookup in (get_user_model().USERNAME_FIELD, "pk"):
        if (found := _first(people, lookup, term)) is not None:
            return found
    return None


def _first(people: QuerySet[Any], lookup: str, term: str) -> Any:
    try:
        keys: Iterable[Any] = people.filter(**{lookup: term}).values_list("pk", flat=True)[:1]
        return next(iter(keys), None)
    except (ValueError, ValidationError):  # for example a name where ids are numbers
        return None
