"""The queryset of a live model: Django's own, with bulk changes that are published too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from django.db import NotSupportedError, models

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import from_primary
from notifications_hub.rows.diff import CHUNK, publish_current, publish_difference, render_rows
from notifications_hub.rows.registry import LiveRows, rows_of
from notifications_hub.rows.trigger_notes import publish_notes_after_commit
from notifications_hub.rows.triggers import published_by_python

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class LiveQuerySet(models.QuerySet[Row_co]):
    """The queryset of a live model: it publishes each change that it makes.

    It changes a thousand rows at a time, by ascending key, in one transaction.
    """

    def update(self, **kwargs: Any) -> int:
        if not rows_of(self.model):
            return super().update(**kwargs)
        with self._changing() as declared:
            if not declared:
                return super().update(**kwargs)
            return sum(self._update_some(declared, keys, kwargs) for keys in self._locked_keys())

    # Like Django's own, these must not be called by templates.
    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        if not rows_of(self.model):
            return super().delete()
        by_model: Counter[str] = Counter()
        with self._changing() as declared:
            if not declared:
                return super().delete()
            for keys in self._locked_keys():
                by_model.update(models.QuerySet(self.model).filter(pk__in=keys).delete()[1])
        self._result_cache = None
        return by_model.total(), dict(by_model)

    delete.alters_data = True  # type: ignore[attr-defined]
    # Like Django's own, it is not offered by a manager, where it would delete everything.
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(  # noqa: PLR0917 -- Django's signature
        self,
        objs: Iterable[Row_co],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[Row_co]:
        """Create rows and publish them. Raise `NotSupportedError` for `ignore_conflicts` unless triggers publish.

        With that flag only a trigger knows which rows were created.
        """
        rows = list(objs)
        how = (batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields)
        if not rows_of(self.model):
            return super().bulk_create(rows, *how)
        with self._changing() as declared:
            if not declared:
                return super().bulk_create(rows, *how)
            if ignore_conflicts:
                raise NotSupportedError(
                    "bulk_create(ignore_conflicts=True) does not say which live rows it created: use update_conflicts "
                    "or create()."
                )
            for some in chunks(rows, CHUNK):
                before = render_rows(self.model, declared, self._existing_keys(some, unique_fields or ()), lock=True)
                made = super().bulk_create(some, *how)
                publish_difference(before, render_rows(self.model, declared, [row.pk for row in made]))
        return rows

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, objs: Iterable[Row_co], fields: Iterable[str], batch_size: int | None = None) -> int:
        # Django calls update() for each batch, with all the batch's values.
        return super().bulk_update(objs, fields, min(batch_size or CHUNK, CHUNK))

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def publish(self) -> None:
        """Publish these rows as they are now: after raw SQL, or after a change of another row that they show."""
        with transaction.atomic(savepoint=False):
            for keys in self._locked_keys():
                publish_current(render_rows(self.model, rows_of(self.model), keys))

    publish.alters_data = True  # type: ignore[attr-defined]

    @contextmanager
    def _changing(self) -> Iterator[list[LiveRows]]:
        """Open a transaction, and yield the declarations for which Python must publish its changes."""
        with transaction.atomic(savepoint=False):
            publish_notes_after_commit(self.model)
            yield published_by_python(self.model)

    def _update_some(self, declared: Sequence[LiveRows], keys: Sequence[Any], values: dict[str, Any]) -> int:
        before = render_rows(self.model, declared, keys)
        changed = super(LiveQuerySet, self.filter(pk__in=keys)).update(**values)
        publish_difference(before, render_rows(self.model, declared, keys))
        return changed

    def _locked_keys(self) -> Iterator[list[Any]]:
        """Yield the keys of all matching rows, found before any change, and locked in one order (no deadlocks)."""
        wanted = self.order_by().values("pk")
        rows = self.model._base_manager.filter(pk__in=wanted).order_by("pk").select_for_update(of=("self",))
        return chunks(rows.values_list("pk", flat=True), CHUNK)

    def _existing_keys(self, given: Sequence[Row_co], unique: Collection[str]) -> list[Any]:
        """Return the keys of existing rows, which `bulk_create` would change rather than create."""
        if not unique:
            return []
        same = (models.Q(**{name: getattr(row, name) for name in unique}) for row in given)
        rows = from_primary(self.model._base_manager.filter(reduce(or_, same)))
        return list(rows.values_list("pk", flat=True))


LiveManager = models.Manager.from_queryset(LiveQuerySet)
LiveManager.__doc__ = """The manager of a live model. Its bulk writes make events, as `save()` and `delete()` do."""
