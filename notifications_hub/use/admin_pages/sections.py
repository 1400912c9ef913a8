"""The parts of the page of use: what each number means, its picture and its table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import accumulate
from typing import TypeVar
from unicodedata import east_asian_width

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from notifications_hub.charts import shapes
from notifications_hub.charts.sections import Cell, Section, Table, in_digits
from notifications_hub.charts.shapes import Columns, Point
from notifications_hub.kinds import method_name
from notifications_hub.use.admin_pages.choice import label_of
from notifications_hub.use.figures import Numbers, Period, Use
from notifications_hub.use.models import Source

Key = TypeVar("Key", str, tuple[str, str])

_IN_PICTURE = 12
"""The most bars of a picture. The table beside it has all."""
_LABEL = 32
"""The widest label of a bar, in letters of the Latin alphabet."""


def sections_of(use: Use) -> Iterator[Section]:
    if use.total.sent:
        yield _people(use.total)
        yield _methods(use.total)
        yield _over_time(use)
    if len(use.kinds) > 1:
        yield _kinds(use)
    if use.switched.off_now or use.switched.sources:
        yield _switching(use)
    if use.switched.off_now:
        yield _switched_off(use)
    if use.switched.sources:
        yield _sources(use)
    if use.actions:
        yield _actions(use)


def _people(total: Numbers) -> Section:
    title = _("What became of them")
    meaning = _(
        "We count each notification an hour, a day and 7 days after it was sent. The numbers of the last days therefore"
        " still grow. Shares are of all that were sent. Those ignored are a share of what was delivered and is 7 days"
        " old, and those confirmed of what asks for it."
    )
    opened = _("marked as read, alone or with all others, or its link was followed")
    reached = _("an open page, a push, an email or another method has reached the person")
    words = [
        (_("Sent"), _("one for each person"), total.sent, total.sent),
        (_("Delivered"), reached, total.delivered, total.sent),
        (_("Opened"), opened, total.opened, total.sent),
        (_("Ignored"), _("delivered, but 7 days later neither seen, opened nor put away"), total.ignored, total.judged),
        (_("Put away unread"), _("archived or deleted without being opened"), total.archived, total.sent),
    ]
    if total.asked:
        words.append((_("Confirmed"), _("the person pressed “Confirm”"), total.confirmed, total.asked))
    cells: list[Sequence[Cell]] = [[f"{name}: {what}", number, _share(number, of)] for name, what, number, of in words]
    bars = _bars(title, meaning, [(name, number) for name, _what, number, _of in words])
    return Section("people", title, meaning, Table([_("What happened"), _("Number"), _("Share")], cells), bars=bars)


def _methods(total: Numbers) -> Section:
    title = _("How they were delivered")
    meaning = _("Each notification counts once, for the delivery method that reached the person first.")
    rows = [(str(method_name(name)), number) for name, number in _largest(total.by_method or {})]
    rows += [(_("found in the inbox"), total.found), (_("not at all"), total.unreached)]
    cells: list[Sequence[Cell]] = [[name, number, _share(number, total.sent)] for name, number in rows]
    table = Table([_("Delivery method"), _("Number"), _("Share")], cells)
    return Section("methods", title, meaning, table, bars=_bars(title, meaning, rows))


def _over_time(use: Use) -> Section:
    title, meaning = _("Over time"), _("By the day on which they were sent. A dash means that it is too early to tell.")
    nothing = Numbers()
    spans = [(span, use.spans.get(span, nothing)) for span in use.period.spans]
    series = [_("Sent"), _("Opened")]
    drawn = _columns(title, meaning, series, use.period, [(span, (one.sent, one.opened)) for span, one in spans])
    cells: list[Sequence[Cell]] = [(_span(use.period, span), *_row(one)) for span, one in reversed(spans) if one.sent]
    head = [_("Day"), _("Sent"), _("Delivered"), _("Opened"), _("Ignored"), _("Put away unread")]
    return Section("time", title, meaning, Table(head, cells), columns=drawn, is_wide=True)


def _kinds(use: Use) -> Section:
    title, meaning = _("By kind"), _("The picture shows how many were sent. The table has what became of them.")
    acted: dict[str, int] = {}
    for (kind, _name), number in use.actions.items():
        acted[kind] = acted.get(kind, 0) + number
    ordered = sorted(use.kinds.items(), key=lambda item: (-item[1].sent, item[0]))
    cells: list[Sequence[Cell]] = [
        (label_of(kind), *_row(one), _or_dash(one.confirmed, of=one.asked), acted.get(kind, 0)) for kind, one in ordered
    ]
    head = [_("Kind"), _("Sent"), _("Delivered"), _("Opened"), _("Ignored"), _("Put away unread"), _("Confirmed")]
    bars = _bars(title, meaning, [(label_of(kind), one.sent) for kind, one in ordered])
    return Section("kinds", title, meaning, Table([*head, _("Actions run")], cells), bars=bars, is_wide=True)


def _switching(use: Use) -> Section:
    title = _("Switched off and on again")
    meaning = _("How often people switched a delivery method of a kind off, and on again.")
    spans, switched = use.period.spans, use.switched
    numbers = [(span, (switched.off.get(span, 0), switched.on.get(span, 0))) for span in spans]
    drawn = _columns(title, meaning, [_("Switched off"), _("Switched on again")], use.period, numbers)
    cells: list[Sequence[Cell]] = [
        [_span(use.period, span), off, on, left]
        for (span, (off, on)), left in reversed(list(zip(numbers, switched.off_at_end(spans), strict=True)))
        if off or on
    ]
    head = [_("Day"), _("Switched off"), _("Switched on again"), _("Off after that")]
    return Section("switching", title, meaning, Table(head, cells), columns=drawn, is_wide=True)


def _switched_off(use: Use) -> Section:
    title = _("What people have switched off")
    meaning = _("How many people have it off now. People who were deleted since then still count.")
    found = [
        (label_of(kind), str(method_name(method)) if method else _("all methods"), number)
        for (kind, method), number in _largest(use.switched.off_now)
    ]
    cells: list[Sequence[Cell]] = [*found]
    bars = _bars(title, meaning, [(f"{method} · {kind}", number) for kind, method, number in found])
    return Section("off", title, meaning, Table([_("Kind"), _("Delivery method"), _("People")], cells), bars=bars)


def _sources(use: Use) -> Section:
    title, meaning = _("Where they switched it off"), _("Each delivery method of a kind counts once.")
    words = {value: str(label) for value, label in Source.choices}
    rows = [(words.get(source, source), number) for source, number in _largest(use.switched.sources)]
    cells: list[Sequence[Cell]] = [*rows]
    bars = _bars(title, meaning, rows)
    return Section("sources", title, meaning, Table([_("Where"), _("Switched off")], cells), bars=bars)


def _actions(use: Use) -> Section:
    title, meaning = _("Actions"), _("How often people ran an action, from a page, a push or an email.")
    rows = [(f"{name} · {label_of(kind)}", number) for (kind, name), number in _largest(use.actions)]
    cells: list[Sequence[Cell]] = [*rows]
    table = Table([_("Action"), _("Number")], cells)
    return Section("actions", title, meaning, table, bars=_bars(title, meaning, rows))


def _largest(numbers: Mapping[Key, int]) -> list[tuple[Key, int]]:
    return sorted(numbers.items(), key=lambda item: (-item[1], item[0]))


def _bars(title: str, meaning: str, rows: Sequence[tuple[str, int]]) -> shapes.Bars:
    words = [(_short(name), in_digits(number), number) for name, number in rows[:_IN_PICTURE]]
    return shapes.bars(title, meaning, words, mirror=translation.get_language_bidi())


def _short(name: str) -> str:
    """Return a name as long as a phone's picture has room for beside a number. The table has all of it."""
    widths = accumulate(2 if east_asian_width(letter) in "WF" else 1 for letter in name)
    kept = sum(width <= _LABEL for width in widths)
    return name if kept == len(name) else f"{name[: kept - 1].rstrip()}…"


def _columns(
    title: str, meaning: str, series: Sequence[str], period: Period, spans: Sequence[tuple[date, tuple[int, int]]]
) -> Columns:
    points = [
        Point(
            _day(span),
            [f"{_span(period, span)} – {word}: {in_digits(number)}" for word, number in zip(series, two, strict=True)],
            two,
        )
        for span, two in spans
    ]
    most = in_digits(max(max(two) for _span_, two in spans))
    return shapes.columns(title, meaning, series, points, most, mirror=translation.get_language_bidi())


def _span(period: Period, span: date) -> str:
    last = min(period.end, span + timedelta(days=period.span - 1))
    return _day(span) if last == span else f"{_day(span)}\N{NO-BREAK SPACE}– {_day(last)}"


def _day(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _row(one: Numbers) -> Sequence[Cell]:
    return one.sent, one.delivered, one.opened, _or_dash(one.ignored, of=one.judged), one.archived


def _or_dash(number: int, *, of: int) -> Cell:
    return number if of else "–"


def _share(number: int, of: int) -> str:
    return f"{100 * number / of:.0f} %" if of else "–"
