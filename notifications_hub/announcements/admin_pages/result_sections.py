"""The parts of the page of results: what the numbers mean, a picture and a table of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.figures import Figures, Span
from notifications_hub.announcements.results.models import What
from notifications_hub.charts import shapes
from notifications_hub.charts.sections import Cell, Section, Table, in_digits
from notifications_hub.charts.shapes import Point


def sections_of(announcement: Announcement, figures: Figures) -> Iterator[Section]:
    mirror = translation.get_language_bidi()
    yield _methods(announcement, figures, mirror)
    yield _people(announcement, figures, mirror)
    if figures.hours:
        meaning = _("How many people were reached in each hour of the first two days, and how many read it then.")
        yield _over_time("hours", _("Hour by hour"), meaning, figures.hours, mirror)
    if figures.days:
        meaning = _("How many people were reached on each day, and how many read it then. A day begins at this hour.")
        if figures.day_span > 1:
            meaning = _("Each row covers %(days)d days.") % {"days": figures.day_span}
        yield _over_time("days", _("Day by day"), meaning, figures.days, mirror)
    if figures.languages:
        yield _languages(figures, mirror)
    if figures.failures:
        yield _failures(figures)


def _methods(announcement: Announcement, figures: Figures, mirror: bool) -> Section:
    title = _("How it reached people")
    meaning = _(
        "Each person counts once, for the delivery method that reached them first. A push counts when a browser has"
        " shown it. Sent and failed are deliveries: somebody with two browsers gets two."
    )
    if announcement.is_banner:
        meaning = " ".join(
            [meaning, _("It is a banner instead of a message on the next page. Nobody counts who saw it.")]
        )
    rows = [(one.name, in_digits(one.people), one.people) for one in figures.methods]
    head = [_("Delivery method"), _("People reached"), _("Sent"), _("Failed")]
    cells: list[list[Cell]] = [
        [one.name, one.people, *(_or_dash(value) for value in (one.sent, one.failed))] for one in figures.methods
    ]
    return Section("methods", title, meaning, Table(head, cells), bars=shapes.bars(title, meaning, rows, mirror=mirror))


def _or_dash(value: int | None) -> Cell:
    return "–" if value is None else value


def _people(announcement: Announcement, figures: Figures, mirror: bool) -> Section:
    title = _("What people did")
    words = {
        What.SEEN: (_("Seen"), _("opened the bell or the inbox on it, or read it")),
        What.READ: (_("Read"), _("marked it as read, or opened it on a page")),
    }
    if announcement.must_acknowledge:
        words[What.CONFIRMED] = (_("Confirmed"), _("pressed “Confirm”"))
    if announcement.target():
        words[What.CLICKED] = (_("Clicked"), _("opened its link"))
    if announcement.is_banner:
        words[What.DISMISSED] = (_("Dismissed"), _("closed its banner"))
    meaning = " ".join(filter(None, [_("Each person counts once."), _about_clicks(announcement)]))
    rows = [(name, in_digits(figures.people[what]), figures.people[what]) for what, (name, _which) in words.items()]
    cells: list[list[Cell]] = [
        [f"{name}: {meaning_of}", figures.people[what]] for what, (name, meaning_of) in words.items()
    ]
    table = Table([_("What they did"), _("People")], cells)
    return Section("people", title, meaning, table, bars=shapes.bars(title, meaning, rows, mirror=mirror))


def _about_clicks(announcement: Announcement) -> str:
    if not announcement.target():
        return _("It has no link, so there are no clicks.")
    return ""


def _over_time(name: str, title: str, meaning: str, spans: Sequence[Span], mirror: bool) -> Section:
    series = [_("Reached"), _("Read")]
    points = [
        Point(
            moment(span.begin),
            [
                f"{moment(span.begin)} – {word}: {in_digits(number)}"
                for word, number in zip(series, numbers, strict=True)
            ],
            numbers,
        )
        for span in spans
        for numbers in [(span.reached, span.read)]
    ]
    most = in_digits(max(max(span.reached, span.read) for span in spans))
    cells: list[list[Cell]] = [[moment(span.begin), span.reached, span.read] for span in spans if not span.is_empty]
    drawn = shapes.columns(title, meaning, series, points, most, mirror=mirror)
    return Section(name, title, meaning, Table([_("From"), *series], cells), columns=drawn)


def _languages(figures: Figures, mirror: bool) -> Section:
    title = _("By language")
    meaning = _(
        "The language of the page or push in which people saw, read and clicked it. Without a translation into that"
        " language, they had the original words."
    )
    names = [_language(one.language) for one in figures.languages]
    rows = [(name, in_digits(one.read), one.read) for name, one in zip(names, figures.languages, strict=True)]
    cells: list[list[Cell]] = [
        [name, one.seen, one.read, one.clicked] for name, one in zip(names, figures.languages, strict=True)
    ]
    table = Table([_("Language"), _("Seen"), _("Read"), _("Clicked")], cells)
    return Section("languages", title, meaning, table, bars=shapes.bars(title, meaning, rows, mirror=mirror))


def _failures(figures: Figures) -> Section:
    meaning = _("Deliveries that could not be made. Their people still find the announcement in their inbox.")
    cells: list[list[Cell]] = [[one.method, one.why, one.number] for one in figures.failures]
    table = Table([_("Delivery method"), _("Reason"), _("Deliveries")], cells)
    return Section("failures", _("Why deliveries failed"), meaning, table)


def _language(code: str) -> str:
    try:
        return str(get_language_info(code)["name_local"]) if code else _("unknown")
    except KeyError:
        return code


def moment(at: datetime) -> str:
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT")
