"""The admin's page of use: who may see it, what its numbers are, its file, and what it says about a kind."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications_hub.database.primary import connection
from notifications_hub.models import KindUse, UseSum
from notifications_hub.use.figures import Period, use_of
from notifications_hub.use.models import Source, What
from tests.announcements.conftest import staff
from tests.announcements.support import ClientFor, Grant

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["staff"]

pytestmark = pytest.mark.django_db

USE = "/admin/notifications_hub/kinduse/"
REPLY, MENTION = "comment.reply", "chat.mention"


def day(ago: int = 0) -> str:
    return (timezone.localdate() - timedelta(days=ago)).isoformat()


def count(kind: str, ago: int, age: int, method: str, **numbers: int) -> None:
    KindUse.objects.create(kind=kind, day=day(ago), age=age, method=method, **numbers)


def switch(what: What, method: str, number: int, ago: int = 1, detail: str = Source.ONE_CLICK) -> None:
    kind = REPLY if what is What.ACTED else MENTION
    UseSum.objects.create(what=what, kind=kind, method=method, detail=detail, day=day(ago), number=number)


@pytest.fixture
def viewer(client_for: ClientFor, staff: Grant) -> Client:
    return client_for(staff("view_kinduse"))


@pytest.fixture
def figures() -> None:
    """Store the figures of two kinds: one that people like, and one that nearly everybody ignores."""
    count(REPLY, 12, 0, "", number=1000)
    count(REPLY, 12, 1, "live", number=600, seen=500, opened=300)
    count(REPLY, 12, 168, "live", number=590, seen=580, opened=570, ignored=5)
    count(REPLY, 12, 168, "email", number=300, seen=100, opened=80, ignored=180, asked=50, confirmed=40)
    count(REPLY, 12, 168, "", number=100, seen=30, opened=20, archived=7)
    count(MENTION, 10, 0, "", number=100)
    count(MENTION, 10, 168, "web_push", number=100, ignored=90)
    count(MENTION, 2, 0, "", number=11)
    count(MENTION, 200, 0, "", number=5000)
    switch(What.OFF, "email", 9)
    switch(What.OFF, "email", 30, ago=100, detail=Source.PREFERENCES)
    switch(What.ON, "email", 4, detail=Source.PREFERENCES)
    switch(What.OFF, "", 25)
    switch(What.ACTED, "", 12, detail="approve")


def text_of(client: Client, query: str = "") -> str:
    answer = client.get(f"{USE}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def rows_of(client: Client, query: str = "") -> list[list[str]]:
    answer = client.get(f"{USE}?{query}&file")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.content.decode().lstrip("\ufeff"))))


@pytest.mark.usefixtures("figures")
def test_it_needs_a_permission_of_its_own(client_for: ClientFor, staff: Grant, viewer: Client) -> None:
    assert USE in viewer.get("/admin/").content.decode()
    client = client_for(staff("view_notification", "view_recipient_content", "broadcast"))
    assert USE not in client.get("/admin/").content.decode()
    for query in ("", "?file", "?days=7"):
        assert client.get(f"{USE}{query}").status_code == 403


@pytest.mark.usefixtures("figures")
def test_each_number_is_in_a_table(viewer: Client) -> None:
    rows = rows_of(viewer, "days=30")
    assert ["Messages that mention you", "111", "100", "0", "90", "0", "–", "0"] in rows
    assert ["Replies to your posts and conversations", "1000", "900", "670", "185", "7", "40", "12"] in rows
    assert ["open page", "600", "54 %"] in rows
    assert ["found in the inbox", "30", "3 %"] in rows
    assert ["not at all", "81", "7 %"] in rows
    assert ["Messages that mention you", "email", "35"] in rows
    assert ["Messages that mention you", "all methods", "25"] in rows
    assert ["one-click unsubscribe of a mail program", "9"] in rows
    assert ["approve · Replies to your posts and conversations", "12"] in rows


@pytest.mark.usefixtures("figures")
def test_a_period_and_a_kind_can_be_chosen(viewer: Client) -> None:
    page = text_of(viewer, f"?days=365&of=kind:{MENTION}")
    assert "5,111" in page
    assert "1,000" not in page
    assert '<option value="365" selected>' in page
    assert f'<option value="kind:{MENTION}" selected>' in page
    # An unknown choice is the default.
    assert text_of(viewer, "?days=8&of=kind:nothing").count(" selected") == 1


@pytest.mark.usefixtures("figures")
def test_pictures_stand_beside_their_tables_without_style_or_script(viewer: Client) -> None:
    page = text_of(viewer)
    main = page[page.index('class="hub-results"') :]
    assert main.count('role="img"') == main.count("<table>") == 8
    assert "style=" not in main
    assert "<script" not in main


@pytest.mark.usefixtures("figures")
def test_it_says_what_would_help(viewer: Client) -> None:
    page = text_of(viewer)
    assert "Messages that mention you: nearly everybody ignores this kind. Think about a digest." in page
    assert "Messages that mention you: 25 people have switched it off altogether." in page
    assert "Replies to your posts and conversations: nearly everybody" not in page
    # Half of a few proves nothing.
    KindUse.objects.filter(age=168, kind=MENTION).update(number=19, ignored=19)
    assert "nearly everybody" not in text_of(viewer)


@pytest.mark.usefixtures("figures")
def test_what_is_off_adds_up_over_time() -> None:
    period = Period(timezone.localdate(), 7, 1)
    switched = use_of(period, [MENTION]).switched
    assert switched.off_at_end(period.spans) == [30, 30, 30, 30, 30, 35, 35]


def test_without_figures_it_says_so(viewer: Client) -> None:
    assert "Nothing was sent in this time." in text_of(viewer)
    assert rows_of(viewer)[0] == ["Use", "All kinds"]


@pytest.mark.usefixtures("figures")
def test_a_look_costs_the_same_however_many_figures(viewer: Client) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as caught:
            text_of(viewer, "?days=365")
        return len(caught)

    before = statements()
    KindUse.objects.bulk_create(
        KindUse(kind=f"kind.{kind}", day=day(ago), age=0, number=1) for kind in range(20) for ago in range(40)
    )
    assert statements() == before
