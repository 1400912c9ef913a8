"""The page of results: who may see it, what it says, its pictures and its file."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import pytest
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from notifications_hub import broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.results.models import ResultFigure, ResultWatch, What
from notifications_hub.charts import shapes
from notifications_hub.charts.shapes import Point
from notifications_hub.database.primary import connection
from tests.announcements.support import LIST, ClientFor, Grant, change

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


def results(announcement: Announcement) -> str:
    return f"/admin/notifications_hub/announcement/{announcement.pk}/results/"


def figure(announcement: Announcement, what: What, number: int, **given: Any) -> None:
    ResultFigure.objects.create(announcement=announcement, what=what, number=number, **{"bucket": 0, **given})


@pytest.fixture
def announcement() -> Announcement:
    """Return an announcement to which everything has happened."""
    announcement = broadcast(title="=Closed <on> Sunday", url="/posts/1/")
    for method, number in (("live", 1200), ("flash", 30), ("web_push", 400)):
        figure(announcement, What.DELIVERED, number, method=method)
    for what, number in ((What.SEEN, 900), (What.READ, 700), (What.CLICKED, 60)):
        figure(announcement, what, number, language="zh-hans")
    figure(announcement, What.READ, 5, bucket=72)
    figure(announcement, What.FAILED, 8, method="web_push", reason="browser_gone")
    ResultWatch.objects.create(announcement=announcement, audience_size=5432, audience_at=datetime.now(UTC))
    return announcement


def text_of(client: Client, announcement: Announcement, query: str = "") -> str:
    answer = client.get(f"{results(announcement)}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_it_shows_each_figure_in_a_picture_and_in_a_table(writer: Client, announcement: Announcement) -> None:
    page = text_of(writer, announcement, "?piece")
    for words in ("1,630", "5,432", "1,200", "400", "900", "705", "60", "简体中文", "unknown"):
        assert words in page
    assert "The browser no longer accepts pushes." in page
    assert "<on>" not in page
    assert page.count('role="img"') == 5
    assert page.count("<table>") == 6
    assert "Dismissed" not in page


def test_pictures_are_well_formed_named_and_without_inline_style(writer: Client, announcement: Announcement) -> None:
    page = text_of(writer, announcement, "?piece")
    assert "<html" not in page
    assert "style=" not in page
    assert "<script" not in page
    pictures = re.findall(r'<svg class="hub-chart".+?\n  ? ? ?</svg>', page, re.S)
    assert len(pictures) == 5
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        named = (root.get("aria-labelledby") or "").split()
        assert [part.get("id") for part in list(root)[:2]] == named
        assert all(part.text for part in list(root)[:2])


def test_pages_that_lead_there(writer: Client, announcement: Announcement) -> None:
    for page in (LIST, change(announcement), f"/admin/notifications_hub/announcement/{announcement.pk}/sending/"):
        assert results(announcement) in writer.get(page).content.decode()


def test_staff_without_the_permission_see_nothing(
    client_for: ClientFor, staff: Grant, announcement: Announcement
) -> None:
    client = client_for(staff("view_announcement"))
    for page in (LIST, change(announcement)):
        assert results(announcement) not in client.get(page).content.decode()
    for query in ("", "?piece", "?file"):
        assert client.get(f"{results(announcement)}{query}").status_code == 403
    assert client.get("/admin/notifications_hub/announcement/987654/results/").status_code == 403


def test_an_unknown_announcement_is_not_found(writer: Client) -> None:
    assert writer.get("/admin/notifications_hub/announcement/987654/results/").status_code == 404


def test_without_figures_it_says_why(writer: Client) -> None:
    planned = broadcast(title="Later", starts_at=datetime.now(UTC) + timedelta(days=1))
    assert "hasn&#x27;t been sent yet" in text_of(writer, planned)
    announce.withdraw(planned)
    assert "was never sent" in text_of(writer, planned)
    assert "Nobody has been reached yet" in text_of(writer, broadcast(title="Now"))


def test_an_end_is_named(writer: Client, announcement: Announcement) -> None:
    announce.withdraw(announcement)
    assert "was withdrawn" in text_of(writer, announcement)
    Announcement.objects.update(withdrawn_at=None, ends_at=datetime.now(UTC))
    assert "has ended" in text_of(writer, announcement)


def test_one_without_a_link_has_no_clicks(writer: Client, announcement: Announcement) -> None:
    Announcement.objects.update(url="")
    assert "no link, so there are no clicks" in text_of(writer, announcement)


def test_the_file_holds_every_table_and_no_formula(writer: Client, announcement: Announcement) -> None:
    figure(announcement, What.DELIVERED, 1, method="=cmd|' /C calc'")
    answer = writer.get(f"{results(announcement)}?file")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="announcement-{announcement.pk}.csv"'
    text = answer.content.decode()
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text[1:])))
    assert ["Announcement", "'=Closed <on> Sunday"] in rows
    assert ["open page", "1200", "–", "–"] in rows
    assert ["'=cmd|' /C calc'", "1", "–", "–"] in rows
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    heads = ["How it reached people", "What people did", "Hour by hour", "Day by day", "By language"]
    assert [row[0] for row in rows if row and row[0] in heads] == heads


def test_a_look_costs_the_same_however_many_figures(writer: Client, announcement: Announcement) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as caught:
            text_of(writer, announcement)
        return len(caught)

    text_of(writer, announcement)
    before = statements()
    ResultFigure.objects.bulk_create(
        ResultFigure(announcement=announcement, what="read", language=f"l{at % 9}", bucket=24 * (at // 9 + 4), number=1)
        for at in range(900)
    )
    assert statements() == before


# Pictures


def test_bars_are_as_long_as_their_numbers() -> None:
    chart = shapes.bars("Title", "Words", [("a", "10", 10), ("b", "5", 5), ("c", "0", 0)])
    assert [(bar.x, bar.width) for bar in chart.bars] == [(0, 100), (0, 50), (0, 0)]
    turned = shapes.bars("Title", "Words", [("a", "10", 10), ("b", "5", 5)], mirror=True)
    assert [(bar.x, bar.width) for bar in turned.bars] == [(0, 100), (50, 50)]


def test_columns_stand_in_their_span() -> None:
    points = [Point("1", ["2", "4"], [2, 4]), Point("2", ["0", "1"], [0, 1])]
    chart = shapes.columns("Title", "Words", ["A", "B"], points, "4")
    assert [(one.series, one.x, one.width) for one in chart.columns] == [(0, 5, 20), (1, 25, 20), (1, 75, 20)]
    assert [one.y + one.height for one in chart.columns] == [184, 184, 184]
    assert [one.height for one in chart.columns] == [80, 160, 40]
    turned = shapes.columns("Title", "Words", ["A", "B"], points, "4", mirror=True)
    assert [one.x for one in turned.columns] == [75, 55, 5]
    assert [(mark.text, mark.x, mark.anchor) for mark in turned.marks] == [("1", 100, "end"), ("2", 0, "start")]


@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_a_picture_has_numbers_that_svg_understands(language: str) -> None:
    """A language with a decimal comma must not reach the coordinates."""
    chart = shapes.bars("Title", "Words", [("a", "10", 3), ("b", "5", 1)])
    with translation.override(language):
        picture = render_to_string("admin/notifications_hub/_bars.html", {"chart": chart, "name": "one"})
    assert 'width="33.33%"' in picture
