"""The database that the hub writes its rows to, and reads them from.

A database router may read other models from replicas, which lag behind. A stale cursor, claim or revocation would break
a promise, so the hub reads its own rows where it writes them. `connection` and the functions of `transaction.py`
replace those of `django.db`, and work on that database under any alias.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

Q = TypeVar("Q", bound="models.QuerySet[Any]")
Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


def hub_alias() -> str:
    """Return the alias of the database that the hub writes to; its models share one, as a system check ensures."""
    return router.db_for_write(apps.get_model("notifications_hub", "Event"))


def hub_models() -> list[type[models.Model]]:
    return list(apps.get_app_config("notifications_hub").get_models())


def references_of(referring: Iterable[type[models.Model]]) -> set[type[models.Model]]:
    """Return the models that these have foreign keys to. A database looks for their rows in a table of its own."""
    fields = [field for model in referring for field in model._meta.concrete_fields]
    return {field.related_model for field in fields if isinstance(field.related_model, type)}


def from_primary(queryset: Q) -> Q:
    """Return the queryset, reading from the database that its model is written to. Keep an explicit `using()`."""
    named: str | None = queryset._db  # type: ignore[attr-defined]
    return queryset if named else queryset.using(router.db_for_write(queryset.model))


class _HubConnection:
    """The thread's connection to the hub's database, as `django.db.connection` is to `default`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(connections[hub_alias()], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(connections[hub_alias()], name, value)


if TYPE_CHECKING:
    connection: BaseDatabaseWrapper
else:
    connection = _HubConnection()


class PrimaryManager(models.Manager[Row_co]):
    """A manager that reads from the database it writes to, unless the caller says `using()`."""

    def get_queryset(self) -> models.QuerySet[Row_co]:
        return from_primary(super().get_queryset())


class HubModel(models.Model):
    """A model of the hub. Its base manager is pinned too, as foreign keys and `refresh_from_db` read through it."""

    objects = PrimaryManager()

    class Meta:
        abstract = True
        app_label = "notifications_hub"
        base_manager_name = "objects"
