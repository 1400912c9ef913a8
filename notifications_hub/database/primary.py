"""The database that the hub's rows are written to, and read from.

A database router may read other models from replicas, which lag behind. A cursor, a claim or a revocation that is read
late breaks a promise, so the hub reads its own rows where it writes them. `connection` and the functions of
`transaction.py` stand for those of `django.db` and work on that database, whatever its alias.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import connections, models, router
from django.db.backends.base.base import BaseDatabaseWrapper

Q = TypeVar("Q", bound="models.QuerySet[Any]")
Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


def hub_alias() -> str:
    """Return the alias of the database that the hub writes to; its models share one, as a system check ensures."""
    return router.db_for_write(apps.get_model("notifications_hub", "Event"))


def from_primary(queryset: Q) -> Q:
    """Return the queryset, reading where its model is written. One that names a database keeps it."""
    named: str | None = queryset._db  # type: ignore[attr-defined]
    return queryset if named else queryset.using(router.db_for_write(queryset.model))


class _HubConnection:
    """The thread's connection to that database, as `django.db.connection` is that to `default`."""

    def __getattr__(self, name: str) -> Any:
        return getattr(connections[hub_alias()], name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(connections[hub_alias()], name, value)


if TYPE_CHECKING:
    connection: BaseDatabaseWrapper
else:
    connection = _HubConnection()


class PrimaryManager(models.Manager[Row_co]):
    """Reads where it writes, unless the caller says `using()`."""

    def get_queryset(self) -> models.QuerySet[Row_co]:
        return from_primary(super().get_queryset())


class HubModel(models.Model):
    """A model of the hub. Its base manager is pinned too, as foreign keys and `refresh_from_db` read by that one."""

    objects = PrimaryManager()

    class Meta:
        abstract = True
        app_label = "notifications_hub"
        base_manager_name = "objects"
