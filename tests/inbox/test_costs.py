"""Budgets: the statements of each page and API route, and of a host's page with a bell and flash messages."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template import RequestContext, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import include, path

from notifications_hub import broadcast, flash
from notifications_hub.announcements.models import AnnouncementTranslation
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.inbox_summary import summary_of
from notifications_hub.notification import Notification
from tests.inbox.support import API, ClientFor, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.urls(__name__)]

HOST_PAGE = Template(
    "{% load notifications_hub %}{% notification_bell %}"
    "{% if messages %}{% for message in messages %}<li>{{ message }}</li>{% endfor %}{% endif %}"
)


def host_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(HOST_PAGE.render(RequestContext(request)))


urlpatterns = [path("host-page/", host_page), path("", include("config.urls"))]

SIGNED_IN = 2
"""Statements that find the session and its person."""
COUNTED = 0.0003
"""Seconds of `_time_to_count` on a machine that has two milliseconds. A slower one has more in proportion."""


@pytest.fixture
def _busy(alice: User, bob: User) -> None:
    """Give Alice what a person has: groups, notifications in every state, and announcements that she has seen."""
    alice.groups.set(Group.objects.bulk_create([Group(name="Editors"), Group(name="Writers")]))
    for number in range(12):
        send_one(alice, bob, kind="comment.reply")
        AnnouncementTranslation.objects.create(
            announcement=broadcast(title=f"Announcement {number}"), language="zh-hans", title="公告"
        )
    make_rows(alice)
    rows = Notification.objects.filter(announcement=None)
    rows.filter(pk__in=rows.values("pk")[:5]).archive()
    Notification.objects.mark_as_delivered("live")


def statements_of(act: Callable[[], object]) -> int:
    """Return the number of statements, without those that only begin or end a savepoint."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return sum(not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")) for query in captured)


BUDGETS = {
    "/host-page/": SIGNED_IN + 1,
    "/notifications/": 7,
    "/notifications/?show=unread": 7,
    "/notifications/?show=archived": 6,
    "/notifications/preferences/": SIGNED_IN + 5,  # browsers, choices, the last push, quiet hours, the bell
    "/notifications/{item_id}/why/": SIGNED_IN + 5,
    f"{API}notifications/": SIGNED_IN + 5,
    f"{API}notifications/count/": SIGNED_IN + 1,
    f"{API}bell/": SIGNED_IN + 1,
    f"{API}bell/?html=true&lang=zh-hans": SIGNED_IN + 1,
}


@pytest.mark.usefixtures("_busy")
def test_each_page_stays_within_its_budget(alice: User, client_for: ClientFor) -> None:
    """Ask for all of them in one test, because to make the notifications takes longer."""
    client, row = client_for(alice), Notification.objects.filter(announcement=None)[0]
    spent = {path: spent_on(client, path.format(item_id=row.item_id)) for path in BUDGETS}

    assert {path: count for path, count in spent.items() if count > BUDGETS[path]} == {}


def spent_on(client: Client, url: str) -> int:
    """Return the statements of a page that was opened before."""
    client.get(url)
    answers: list[int] = []
    spent = statements_of(lambda: answers.append(client.get(url).status_code))
    assert answers == [200], url
    return spent


def test_an_inbox_without_announcements_is_three_statements(alice: User, bob: User, client_for: ClientFor) -> None:
    send_one(alice, bob)
    Notification.objects.mark_as_delivered("live")
    client = client_for(alice)

    # The summary, the rows, and the numbers of all tabs.
    assert statements_of(lambda: client.get("/notifications/")) == SIGNED_IN + 3
    Notification.objects.mark_all_as_read()
    assert statements_of(lambda: client.get("/notifications/")) == SIGNED_IN + 2


def test_a_claim_takes_as_many_statements_for_forty_as_for_one(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    send_one(alice, bob)
    one = statements_of(lambda: client.get("/host-page/"))
    for _ in range(40):
        send_one(alice, bob)

    assert statements_of(lambda: client.get("/host-page/")) == one
    assert Notification.objects.filter(delivered_by="flash").count() == 41


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.skipif(connection.vendor != "sqlite", reason="test_plans.py has those of PostgreSQL")
def test_sqlite_counts_and_flashes_by_the_indexes_made_for_it(alice: User) -> None:
    with CaptureQueriesContext(connection) as captured:
        summary_of(alice)
    with connection.cursor() as sql:
        sql.execute(f"EXPLAIN QUERY PLAN {captured[-1]['sql']}")
        plan = str(sql.fetchall())

    assert "hub_inbox_unread (recipient_id=? AND announcement_id=? AND archived_at=?)" in plan
    assert "hub_inbox_unseen (recipient_id=? AND announcement_id=? AND archived_at=? AND seen_at=?)" in plan
    assert "hub_undelivered (recipient_id=? AND flash=? AND archived_at=? AND id>?)" in plan
    assert "SCAN notifications_hub_notification" not in plan


@pytest.mark.clocked
def test_the_bell_and_the_flash_take_two_milliseconds_of_the_process(alice: User, bob: User) -> None:
    send_one(alice, bob)
    Notification.objects.mark_as_delivered("live")
    times: list[float] = []
    counting: list[float] = []
    for _ in range(100):
        request = RequestFactory().get("/")
        request.user, request.session = type(alice).objects.get(pk=alice.pk), {}  # type: ignore[assignment]
        context = RequestContext(request, {"messages": flash.Storage(request)}, processors=[])
        began = time.process_time()
        HOST_PAGE.render(context)
        times.append(time.process_time() - began)
        counting.append(_time_to_count())

    slower = max(1.0, statistics.median(counting) / COUNTED)
    assert statistics.median(times) <= 0.002 * slower


def _time_to_count() -> float:
    """Return the processor's seconds for a loop of Python. The same machine may be twice as slow on another day."""
    began = time.process_time()
    for _ in range(20_000):
        pass
    return time.process_time() - began
