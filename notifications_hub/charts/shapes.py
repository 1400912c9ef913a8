"""The geometry of small SVG pictures. A template draws them, with classes for colours and no inline style.

Widths are percentages and heights are pixels, so text keeps its size on a phone. In a page from right to left, `mirror`
turns the picture round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_ROW = 44
"""Pixels of a bar with its label above."""
_PLOT = 160
_TOP, _FOOT = 24, 24
_FILLED = 0.8
"""The part of a column's place that its bars fill."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A horizontal bar with its words. Positions across are percentages."""

    label: str
    text: str
    y: int
    x: float
    width: float

    @property
    def bar_y(self) -> int:
        return self.y + 22


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars below each other, the longest of which fills the width."""

    title: str
    description: str
    bars: Sequence[Bar]
    mirror: bool = False

    @property
    def height(self) -> int:
        return _ROW * len(self.bars)

    @property
    def begin(self) -> int:
        return 100 if self.mirror else 0

    @property
    def end(self) -> int:
        return 0 if self.mirror else 100


@dataclass(frozen=True, slots=True)
class Column:
    """A vertical bar of one series, and its words for a pointer that rests on it."""

    series: int
    text: str
    x: float
    width: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Mark:
    """A word below the columns."""

    text: str
    x: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Columns beside each other, one for each series in each span."""

    title: str
    description: str
    series: Sequence[str]
    columns: Sequence[Column]
    marks: Sequence[Mark]
    top: str
    mirror: bool = False

    height = _TOP + _PLOT + _FOOT
    base = _TOP + _PLOT
    grid = (_TOP, _TOP + _PLOT // 2, _TOP + _PLOT)

    @property
    def begin(self) -> int:
        return 100 if self.mirror else 0

    @property
    def foot(self) -> int:
        return self.height - 6


def bars(title: str, description: str, rows: Sequence[tuple[str, str, int]], *, mirror: bool = False) -> Bars:
    """Return a picture of rows: each with its label, its number in words, and its number."""
    most = max((number for _label, _text, number in rows), default=0) or 1
    drawn = [
        Bar(label, text, _ROW * place, _across(0, width, mirror), width)
        for place, (label, text, number) in enumerate(rows)
        for width in [_rounded(100 * number / most)]
    ]
    return Bars(title, description, drawn, mirror)


@dataclass(frozen=True, slots=True)
class Point:
    """A span of time: its words, those of each number, and the numbers."""

    label: str
    texts: Sequence[str]
    numbers: Sequence[int]


def columns(
    title: str, description: str, series: Sequence[str], points: Sequence[Point], top: str, *, mirror: bool = False
) -> Columns:
    """Return a picture of spans in their order. `top` is the largest number in words."""
    most = max((number for point in points for number in point.numbers), default=0) or 1
    place = 100 / max(1, len(points))
    wide = place * _FILLED / max(1, len(series))
    drawn = [
        Column(
            number,
            text,
            _across(place * at + place * (1 - _FILLED) / 2 + wide * number, wide, mirror),
            _rounded(wide),
            _rounded(_TOP + _PLOT - tall),
            _rounded(tall),
        )
        for at, point in enumerate(points)
        for number, (text, value) in enumerate(zip(point.texts, point.numbers, strict=True))
        if value
        for tall in [_PLOT * value / most]
    ]
    return Columns(title, description, series, drawn, _marks(points, mirror), top, mirror)


def _marks(points: Sequence[Point], mirror: bool) -> list[Mark]:
    """Return the words of the first and the last span."""
    if not points:
        return []
    begin, end = Mark(points[0].label, 0, "start"), Mark(points[-1].label, 100, "end")
    if mirror:
        begin, end = Mark(begin.text, 100, "end"), Mark(end.text, 0, "start")
    return [begin, end] if len(points) > 1 else [begin]


def _across(x: float, width: float, mirror: bool) -> float:
    return _rounded(100 - x - width if mirror else x)


def _rounded(number: float) -> float:
    return round(number, 2)
