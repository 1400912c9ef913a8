"""The queryset of a live model: Django's own, whose changes of many rows reach the pages too."""

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
from notifications_hub.rows.diff import CHUNK, showing, tell_again, tell_difference
from notifications_hub.rows.registry import LiveRows, rows_of
from notifications_hub.rows.trigger_notes import look_after_commit
from notifications_hub.rows.triggers import delivered_here

Row_co = TypeVar("Row_co", bound=models.Model, covariant=True)


class LiveQuerySet(models.QuerySet[Row_co]):
    """Changes are made a thousand rows at a time, in ascending key, in one transaction."""

    def update(self, **kwargs: Any) -> int:
        if not rows_of(self.model):
            return super().update(**kwargs)
        with self._changing() as delivered:
            if not delivered:
                return super().update(**kwargs)
            return sum(self._update_some(delivered, keys, kwargs) for keys in self._locked_keys())

    # As Django has it: templates must not call these.
    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        if not rows_of(self.model):
            return super().delete()
        by_model: Counter[str] = Counter()
        with self._changing() as delivered:
            if not delivered:
                return super().delete()
            for keys in self._locked_keys():
                by_model.update(models.QuerySet(self.model).filter(pk__in=keys).delete()[1])
        self._result_cache = None
        return by_model.total(), dict(by_model)

    delete.alters_data = True  # type: ignore[attr-defined]
    # And a manager must not offer to delete everything.
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(  # noqa: PLR0917 -- Django's own
        self,
        objs: Iterable[Row_co],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[Row_co]:
        """Raises `NotSupportedError` for `ignore_conflicts`: none but a trigger knows which rows it then made."""
        rows = list(objs)
        how = (batch_size, ignore_conflicts, update_conflicts, update_fields, unique_fields)
        if not rows_of(self.model):
            return super().bulk_create(rows, *how)
        with self._changing() as delivered:
            if not delivered:
                return super().bulk_create(rows, *how)
            if ignore_conflicts:
                raise NotSupportedError(
                    "Of live rows it must be known which were made: use update_conflicts or create()."
                )
            for some in chunks(rows, CHUNK):
                before = showing(self.model, delivered, self._meant_by(some, unique_fields or ()), lock=True)
                made = super().bulk_create(some, *how)
                tell_difference(before, showing(self.model, delivered, [row.pk for row in made]))
        return rows

    bulk_create.alters_data = True  # type: ignore[attr-defined]

    def bulk_update(self, objs: Iterable[Row_co], fields: Iterable[str], batch_size: int | None = None) -> int:
        # It calls update(), for each batch with all the batch's values.
        return super().bulk_update(objs, fields, min(batch_size or CHUNK, CHUNK))

    bulk_update.alters_data = True  # type: ignore[attr-defined]

    def publish(self) -> None:
        """Tells pages of these rows as they are now: after raw SQL, or when what they show of another row changed."""
        with transaction.atomic(savepoint=False):
            for keys in self._locked_keys():
                tell_again(showing(self.model, rows_of(self.model), keys))

    publish.alters_data = True  # type: ignore[attr-defined]

    @contextmanager
    def _changing(self) -> Iterator[list[LiveRows]]:
        """A transaction, and of which declarations what it changes is to be told here."""
        with transaction.atomic(savepoint=False):
            look_after_commit(self.model)
            yield delivered_here(self.model)

    def _update_some(self, delivered: Sequence[LiveRows], keys: Sequence[Any], values: dict[str, Any]) -> int:
        before = showing(self.model, delivered, keys)
        changed = super(LiveQuerySet, self.filter(pk__in=keys)).update(**values)
        tell_difference(before, showing(self.model, delivered, keys))
        return changed

    def _locked_keys(self) -> Iterator[list[Any]]:
        """All that the condition holds for, before anything changes; two such changes meet in the same order."""
        wanted = self.order_by().values("pk")
        rows = self.model._base_manager.filter(pk__in=wanted).order_by("pk").select_for_update(of=("self",))
        return chunks(rows.values_list("pk", flat=True), CHUNK)

    def _meant_by(self, given: Sequence[Row_co], unique: Collection[str]) -> list[Any]:
        """The keys of rows that are there already, and would be changed rather than made."""
        if not unique:
            return []
        same = (models.Q(**{name: getattr(row, name) for name in unique}) for row in given)
        rows = from_primary(self.model._base_manager.filter(reduce(or_, same)))
        return list(rows.values_list("pk", flat=True))


LiveManager = models.Manager.from_queryset(LiveQuerySet)
LiveManager.__doc__ = """The manager of a live model. Its bulk writes make events, as `save()` and `delete()` do."""
