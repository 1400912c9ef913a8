"""Groups in a large inbox: lists pass over the rows of a group by its key, and other rows cost nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection

from accounts.models import User
from notifications_hub.grouping.members import WINDOW
from notifications_hub.grouping.storm import Storm
from notifications_hub.grouping.storms import people_in_storm
from notifications_hub.inbox.queries import group_of, items, place_of
from notifications_hub.inbox_summary import summary_of
from notifications_hub.notification import Notification
from tests.inbox.test_plans import ROWS_READ, assert_bounded, fill, nodes, plans_of, rows_read
from tests.support.buffers import buffers_of

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

MEMBERS = 10_000
KEY = "default:one"
SMALL = "UPDATE notifications_hub_notification SET group_key = 'default:' || id / 50 WHERE recipient_id = %s"


@pytest.fixture(autouse=True)
def _crowd(alice: User) -> None:
    """Give Alice 3,000 notifications of 15,000, and then 10,000 of one group."""
    User.objects.bulk_create(User(username=f"reader{n}") for n in range(200))
    fill(alice, "untouched")


def gather(person: User, number: int) -> None:
    """Add unread ones of one group, newer than all others."""
    now = datetime.now(UTC)
    Notification.objects.bulk_create(
        Notification(recipient=person, verb="replied", group_key=KEY, timestamp=now + timedelta(milliseconds=n))
        for n in range(number)
    )
    with connection.cursor() as sql:
        sql.execute("ANALYZE notifications_hub_notification")


def test_a_page_without_groups_reads_no_more_than_singly(alice: User) -> None:
    summary = summary_of(alice)
    wanted: Any
    for wanted in ({}, {"unread": True}):
        grouped = buffers_of(partial(items, alice, summary=summary, **wanted))
        assert grouped == buffers_of(partial(items, alice, summary=summary, grouped=False, **wanted))


def test_the_newest_of_many_small_groups_are_found_by_the_index(alice: User) -> None:
    with connection.cursor() as sql:
        sql.execute(SMALL, [alice.pk])
        sql.execute("ANALYZE notifications_hub_notification")
    summary = summary_of(alice)
    page = items(alice, summary=summary)
    assert [row.group.count for row in page.rows if row.group][1:3] == [10, 10]
    assert_bounded(partial(items, alice, summary=summary), "hub_inbox_listed", "hub_grouped", buffers=2500)
    assert_bounded(
        partial(items, alice, summary=summary, place=place_of(alice, before=page.next)), "hub_grouped", buffers=2500
    )
    assert_bounded(partial(group_of, alice, str(page.rows[0].group_key)), "hub_grouped")
    assert_bounded(partial(items, alice, summary=summary, group=page.rows[0].group_key), "hub_grouped")


def test_a_group_of_ten_thousand_is_passed_over_once(alice: User) -> None:
    gather(alice, MEMBERS)
    summary = summary_of(alice)
    page = items(alice, summary=summary)
    assert page.rows[0].group is not None
    assert page.rows[0].group.count == 100
    assert len(page.rows) == 20
    [whole] = [plan for _sql, plan in plans_of(partial(items, alice, summary=summary)) if rows_read(plan) > ROWS_READ]
    # The second window passes over them by their key, along the list's index.
    assert rows_read(whole) <= MEMBERS + 2 * WINDOW
    assert "hub_inbox_listed" in {node.get("Index Name") for node in nodes(whole)}
    assert_bounded(partial(items, alice, summary=summary, group=KEY), "hub_grouped")
    assert_bounded(partial(items, alice, summary=summary, place=place_of(alice, before=page.next)), "hub_inbox_listed")


def test_the_question_for_a_storm_reads_no_more_than_its_limit(alice: User) -> None:
    storm = Storm(after=20, within=timedelta(days=1))
    at = datetime.now(UTC)
    assert people_in_storm("default", storm, [alice], at) == {alice.pk}
    assert people_in_storm("default", storm, [User.objects.get(username="reader3")], at - timedelta(days=3)) == set()
    assert_bounded(partial(people_in_storm, "default", storm, [alice], at), "hub_inbox", buffers=100)
