"""The notifications that one `notify.send()` to followers created: their ids, from which rows are loaded when read."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from notifications_hub.database.chunks import chunks
from notifications_hub.notification import Notification

CHUNK = 1000


class CreatedForFollowers(Sequence[Notification]):
    """A sequence that holds eight bytes a row, because followers may be very many."""

    def __init__(self) -> None:
        self._ids = array("q")

    def extend(self, rows: Iterable[Notification]) -> None:
        self._ids.extend(row.pk for row in rows)

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Notification]:
        for ids in chunks(self._ids, CHUNK):
            yield from self._rows(ids)

    @overload
    def __getitem__(self, index: int) -> Notification: ...

    @overload
    def __getitem__(self, index: slice) -> list[Notification]: ...

    def __getitem__(self, index: int | slice) -> Notification | list[Notification]:
        if isinstance(index, slice):
            return self._rows(self._ids[index])
        return Notification.objects.get(pk=self._ids[index])

    def _rows(self, ids: Sequence[int]) -> list[Notification]:
        """Return the rows that still exist, in their order."""
        found = Notification.objects.select_related("recipient").in_bulk(list(ids))
        return [found[pk] for pk in ids if pk in found]
