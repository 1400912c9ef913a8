"""The parts of a page of figures: what the numbers mean, a picture and a table of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.formats import number_format

from notifications_hub.charts.shapes import Bars, Columns

Cell = str | int


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts below a head. The first column names the row."""

    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def shown(self) -> list[list[str]]:
        return [[one if isinstance(one, str) else in_digits(one) for one in row] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page: what its numbers mean, its picture and its table. A wide table stands below its picture."""

    name: str
    title: str
    meaning: str
    table: Table
    bars: Bars | None = None
    columns: Columns | None = None
    is_wide: bool = False


def in_digits(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))
