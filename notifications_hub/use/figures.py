"""The figures of a period, read from a bounded number of rows: by kind, by delivery method and over time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Sum

from notifications_hub.database.primary import connection
from notifications_hub.use.models import KindUse, UseSum, What
from notifications_hub.use.walking import LAST, SENT


@dataclass(frozen=True, slots=True)
class Period:
    """Some days up to one, and how many of them stand together in a picture."""

    end: date
    days: int
    span: int

    @property
    def begin(self) -> date:
        return self.end - timedelta(days=self.days - 1)

    @property
    def spans(self) -> list[date]:
        """Return the first day of each span."""
        return [self.begin + timedelta(days=day) for day in range(0, self.days, self.span)]

    def span_of(self, day: date) -> date:
        return day - timedelta(days=(day - self.begin).days % self.span)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The fate of notifications. `judged` were delivered so long ago that it is known whether they were ignored."""

    sent: int = 0
    by_method: Mapping[str, int] | None = None
    found: int = 0
    opened: int = 0
    ignored: int = 0
    judged: int = 0
    archived: int = 0
    asked: int = 0
    confirmed: int = 0

    @property
    def delivered(self) -> int:
        return sum((self.by_method or {}).values())

    @property
    def unreached(self) -> int:
        """Return how many no delivery method has reached, and nobody has found in their inbox either."""
        return max(0, self.sent - self.delivered - self.found)


@dataclass(frozen=True, slots=True)
class Switched:
    """Changes of preferences. `off_now` counts people by kind and method; an empty method is all of a kind's."""

    off_now: Mapping[tuple[str, str], int]
    off: Mapping[date, int]
    on: Mapping[date, int]
    off_before: int
    sources: Mapping[str, int]

    def off_at_end(self, spans: Sequence[date]) -> list[int]:
        """Return how many were off at the end of each span."""
        numbers, total = [], self.off_before
        for span in spans:
            total += self.off.get(span, 0) - self.on.get(span, 0)
            numbers.append(total)
        return numbers


@dataclass(frozen=True, slots=True)
class Use:
    period: Period
    total: Numbers
    kinds: Mapping[str, Numbers]
    spans: Mapping[date, Numbers]
    switched: Switched
    actions: Mapping[tuple[str, str], int]
    """How often people ran an action, by kind and name."""

    @property
    def is_empty(self) -> bool:
        return not (self.total.sent or self.switched.off_now or self.switched.sources or self.actions)


def use_of(period: Period, kinds: Collection[str] | None = None) -> Use:
    """Read the figures of these kinds, or of all."""
    by_day, by_kind = (_rows(column, period, kinds) for column in ("day", "kind"))
    by_span = defaultdict(list)
    for day, *row in by_day:
        by_span[period.span_of(date.fromisoformat(str(day)))].append(row)
    of_kind = defaultdict(list)
    for kind, *row in by_kind:
        of_kind[kind].append(row)
    return Use(
        period,
        _numbers(row for _kind, *row in by_kind),
        {kind: _numbers(rows) for kind, rows in of_kind.items()},
        {span: _numbers(rows) for span, rows in by_span.items()},
        _switched(period, kinds),
        _actions(period, kinds),
    )


# A later count holds at least what an earlier one does, but for rows that are gone. So the largest one is taken.
_USE = """
    SELECT {column}, method, sum(sent), sum(there), sum(seen), sum(opened), sum(ignored), sum(judged), sum(archived),
        sum(asked), sum(confirmed)
    FROM (
        SELECT day, kind, method,
            max(CASE WHEN age = %(sent)s THEN number ELSE 0 END) AS sent,
            max(CASE WHEN age > %(sent)s THEN number ELSE 0 END) AS there,
            max(CASE WHEN age = %(last)s THEN number ELSE 0 END) AS judged,
            max(seen) AS seen, max(opened) AS opened, max(ignored) AS ignored, max(archived) AS archived,
            max(asked) AS asked, max(confirmed) AS confirmed
        FROM {table} WHERE day BETWEEN %(begin)s AND %(end)s{of_kinds} GROUP BY day, kind, method
    ) AS one GROUP BY {column}, method
"""


def _rows(column: str, period: Period, kinds: Collection[str] | None) -> list[Any]:
    names = {} if kinds is None else {f"kind{number}": kind for number, kind in enumerate(kinds)}
    of_kinds = "" if kinds is None else f" AND kind IN ({', '.join(f'%({name})s' for name in names) or 'NULL'})"
    days = {"begin": period.begin.isoformat(), "end": period.end.isoformat()}
    with connection.cursor() as sql:
        statement = _USE.format(column=column, table=KindUse._meta.db_table, of_kinds=of_kinds)
        sql.execute(statement, {"sent": SENT, "last": LAST, **days, **names})
        return [[key, method, *map(int, numbers)] for key, method, *numbers in sql.fetchall()]


def _numbers(rows: Iterable[Sequence[Any]]) -> Numbers:
    sums: Counter[str] = Counter()
    by_method: Counter[str] = Counter()
    for method, sent, there, seen, opened, ignored, judged, archived, asked, confirmed in rows:
        if method:
            by_method[method] += there
            sums["judged"] += judged
        else:
            sums["found"] += seen
        sums.update(sent=sent, opened=opened, ignored=ignored)
        sums.update(archived=archived, asked=asked, confirmed=confirmed)
    return Numbers(by_method=by_method, **sums)


def _switched(period: Period, kinds: Collection[str] | None) -> Switched:
    rows = UseSum.objects.filter(what__in=(What.OFF, What.ON))
    rows = rows if kinds is None else rows.filter(kind__in=kinds)
    off_now: Counter[tuple[str, str]] = Counter()
    for kind, method, what, number in _summed(rows, "kind", "method", "what"):
        off_now[kind, method] += number if what == What.OFF else -number
    # A choice that leaves out all of a kind is also counted for each method.
    by_method = rows.exclude(method="")
    within = by_method.filter(day__range=(period.begin, period.end))
    spans: dict[str, Counter[date]] = {What.OFF: Counter(), What.ON: Counter()}
    for what, day, number in _summed(within, "what", "day"):
        spans[what][period.span_of(day)] += number
    before = Counter(dict(_summed(by_method.filter(day__lt=period.begin), "what")))
    return Switched(
        {key: number for key, number in off_now.items() if number > 0},
        spans[What.OFF],
        spans[What.ON],
        before[What.OFF] - before[What.ON],
        dict(_summed(within.filter(what=What.OFF), "detail")),
    )


def _actions(period: Period, kinds: Collection[str] | None) -> dict[tuple[str, str], int]:
    rows = UseSum.objects.filter(what=What.ACTED, day__range=(period.begin, period.end))
    rows = rows if kinds is None else rows.filter(kind__in=kinds)
    return {(kind, name): number for kind, name, number in _summed(rows, "kind", "detail")}


def _summed(rows: Any, *columns: str) -> Any:
    return rows.order_by(*columns).values_list(*columns).annotate(total=Sum("number"))
