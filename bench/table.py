"""The result of a measure: rows of figures, and whether the goal was reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Table:
    title: str
    wanted: str
    method: str
    columns: Sequence[str]
    bound: str = ""
    rows: list[Sequence[str]] = field(default_factory=list)
    verdict: str = ""

    def add(self, subject: str, *figures: object) -> None:
        self.rows.append([subject, *map(text_of, figures)])

    def judge(self, reached: bool, why: str) -> None:
        self.verdict = f"{'Reached' if reached else 'Missed'}: {why}"

    def plain(self) -> str:
        """Return the table as text for a terminal."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.columns))]
        shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
        return "\n".join(
            ["", self.title, f"  wanted: {self.wanted}", *(f"    {line}" for line in shown), *self._last()]
        )

    def markdown(self) -> str:
        head = [_line(self.columns), _line(["---", *["---:"] * (len(self.columns) - 1)])]
        rows = [*head, *map(_line, self.rows)]
        last = [self.method, "", *([f"The limit: {self.bound}", ""] if self.bound else [])]
        return "\n".join([f"## {self.title}", "", *rows, "", f"Wanted: {self.wanted}.", self.verdict, "", *last])

    def _last(self) -> list[str]:
        return [f"  {self.verdict}"] if self.verdict else []


def text_of(figure: object) -> str:
    """Return a figure with about three digits, as a measure on a shared machine is no more exact."""
    if isinstance(figure, float):
        return f"{figure:,.0f}" if abs(figure) >= 100 else f"{figure:.1f}" if abs(figure) >= 10 else f"{figure:.2f}"
    return f"{figure:,}" if isinstance(figure, int) else str(figure)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
