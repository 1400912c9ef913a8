"""PostgreSQL reads a bounded part of a large inbox, even where one person owns a fifth of all rows.

Such a person tempts the planner: by its statistics, any walk through the table soon finds rows of theirs. And where
nearly all rows are unread, unseen and undelivered, so are theirs. The tests take both away: in each, the person has
only what the question does not want.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import broadcast, flash_claim
from notifications_hub.announcements.models import Announcement
from notifications_hub.confirmations.people import CHUNK, confirmed_among
from notifications_hub.confirmations.subjects import Subject, newest_first
from notifications_hub.delivery import acknowledgement
from notifications_hub.inbox.queries import counts, items, pinned, place_of
from notifications_hub.inbox.tabs import COUNTED, counted_tabs
from notifications_hub.inbox_summary import CAP, summary_of, waiting_ids
from notifications_hub.notification import Notification
from notifications_hub.snoozing import waking
from notifications_hub.streams.cursor import Position
from tests.support.many_rows import copy_rows

if TYPE_CHECKING:
    from notifications_hub.inbox_summary import Summary

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

ROWS = 15_000
ROWS_READ = 400
BUFFERS = 400
"""A capped count reads a hundred rows. Rows that no vacuum has visited yet cost a buffer each."""

FILL = """
    INSERT INTO notifications_hub_notification
        (recipient_id, kind, verb, url, level, actor_name, target_name, action_object_name, toast, flash, delivered_by,
         unread, public, deleted, emailed, actor_object_id, timestamp, committed_at, {columns})
    SELECT CASE WHEN n %% 5 = 0 THEN %(person)s ELSE %(others)s + n %% 200 END,
           'default', 'replied', '', 'info', 'Bob', '', '', true, true, '', {unread}, true, false, false, '',
           now() - interval '1 day' + n * interval '1 ms', now() - interval '1 day', {values}
    FROM generate_series(1, {rows}) AS n
"""

STATES = {
    "untouched": {},
    "seen": {"seen_at": "now()", "delivered_at": "now()"},
    "read": {"seen_at": "now()", "delivered_at": "now()", "read_at": "now()"},
    "confirmed": {"acknowledged_at": "now()", "delivered_at": "now()", "read_at": "now()"},
    "archived": {"archived_at": "now()", "delivered_at": "now()"},
    "archived undelivered": {"archived_at": "now()"},
    "saved": {"saved_at": "now()", "archived_at": "now()", "delivered_at": "now()"},
    "snoozed": {"archived_at": "now()", "snoozed_until": "(now() + interval '1 day')", "delivered_at": "now()"},
}


@pytest.fixture
def _crowd(db: None) -> None:
    User.objects.bulk_create(User(username=f"reader{n}") for n in range(200))


def fill(person: User, state: str, *, must_acknowledge: bool = False, rows: int = ROWS) -> None:
    """Give the person a fifth of all rows, in this state. Those of all others are untouched.

    With `must_acknowledge` the person's rows ask to be confirmed, and so does an eighth of all others.
    """
    others = User.objects.filter(username="reader0").values_list("pk", flat=True)[0]
    stamps = STATES[state] or {"seen_at": "NULL"}
    values = [f"CASE WHEN n %% 5 = 0 THEN {value}::timestamptz END" for value in stamps.values()]
    unread = "n %% 5 <> 0" if state in ("read", "confirmed") else "true"
    must = "n %% 5 = 0 OR n %% 10 = 1"
    with connection.cursor() as sql:
        columns, values = [*stamps, "must_acknowledge"], [*values, must if must_acknowledge else "false"]
        statement = FILL.format(columns=", ".join(columns), values=", ".join(values), unread=unread, rows=rows)
        sql.execute(statement, {"person": person.pk, "others": others})
        sql.execute("ANALYZE notifications_hub_notification")


def announce(count: int) -> None:
    """Make announcements that everyone has a row of, so that an announcement has far more rows than a person."""
    for number in range(count):
        broadcast(title=f"Announcement {number}")
    first = User.objects.earliest("pk")
    Notification.objects.bulk_create(
        Notification(recipient=first, announcement=announcement, verb="announcement", kind="announcement")
        for announcement in Announcement.objects.all()
    )
    others = f"(SELECT id FROM {User._meta.db_table} WHERE id <> {first.pk}) AS other"
    copy_rows(Notification.objects.filter(announcement__isnull=False), others, recipient_id="other.id")
    with connection.cursor() as sql:
        sql.execute("ANALYZE notifications_hub_notification")


def plans_of(act: Callable[[], object]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the statements that read notifications, each with its plan as it ran again."""
    with CaptureQueriesContext(connection) as captured:
        act()
    for statement in [query["sql"] for query in captured]:
        if "notifications_hub_notification" in statement and statement.lstrip().startswith(("SELECT", "WITH")):
            with connection.cursor() as sql:
                sql.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}")
                [[[plan]]] = [[json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in sql.fetchall()]]
            yield statement, plan["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def rows_read(plan: dict[str, Any]) -> int:
    scans = [node for node in nodes(plan) if "Relation Name" in node]
    return sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in scans
        if node["Relation Name"] == "notifications_hub_notification"
    )


def assert_bounded(act: Callable[[], object], *indexes: str, buffers: int = BUFFERS, rows: int = ROWS_READ) -> None:
    used: set[str] = set()
    for statement, plan in plans_of(act):
        used |= {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
        assert rows_read(plan) <= rows, (statement, plan)
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] <= buffers, (statement, plan)
        assert "Sort" not in {node["Node Type"] for node in nodes(plan) if node["Actual Rows"] > ROWS_READ}
    assert set(indexes) <= used, used


LISTS: list[tuple[dict[str, Any], str]] = [
    ({}, "hub_inbox_listed"),
    ({"unread": True}, "hub_inbox_unread"),
    # Nobody but the person has archived anything, so without theirs any index of archived rows is empty.
    ({"archived": True}, ""),
    ({"saved": True}, "hub_saved_listed"),
    ({"snoozed": True}, "hub_snoozed_listed"),
]


@pytest.mark.usefixtures("_crowd")
@pytest.mark.parametrize("state", STATES)
def test_every_question_about_a_large_inbox_reads_little_of_it(alice: User, state: str) -> None:
    """Ask all of them in one test, because to make the rows takes longer than to read them."""
    fill(alice, state)
    announce(20)

    assert_bounded(lambda: summary_of(alice), "hub_inbox_unread", "hub_inbox_unseen", "hub_undelivered")
    summary = summary_of(alice)
    check_lists(alice, state, summary)
    # Of the announcements that run at the moment, each is read.
    most = COUNTED + 100
    assert_bounded(partial(counted_tabs, alice, summary, None), buffers=2 * most, rows=most)
    if state in ("seen", "read", "archived"):
        all_of_it = [(alice.pk, Position("00000000", 0, ROWS))]
        assert_bounded(lambda: acknowledgement._acknowledge_inboxes(all_of_it), "hub_undelivered")
    check_claims(alice, summary)


def check_lists(person: User, state: str, summary: Summary) -> None:
    """Check that each list and its neighbouring pages read little more than they show."""
    page = items(person, summary=summary)
    for wanted, index in LISTS:
        indexes = [index] if index else ["hub_archive_listed"] if "archived" in state or state == "saved" else []
        if wanted.keys() & {"saved", "snoozed"} - {state}:
            indexes = []
        assert_bounded(partial(items, person, summary=summary, **wanted), *indexes)
        for side in ("before", "after") if page.next else ():
            place = place_of(person, **{side: page.next})
            assert_bounded(partial(items, person, summary=summary, place=place, **wanted), *indexes)


def check_claims(person: User, summary: Summary) -> None:
    """Check that a claim reads little more than it takes."""
    waiting = partial(waiting_ids, person, datetime.now(UTC), flash_claim.MOST + 1)
    assert_bounded(waiting, "hub_undelivered")
    # To find and lock a hundred rows by their keys takes six buffers each.
    assert_bounded(partial(claim_and_confirm, person, summary), buffers=700)
    assert_bounded(waiting, "hub_undelivered")
    assert summary_of(person).waiting == 0


def claim_and_confirm(person: User, summary: Summary) -> None:
    claim = flash_claim.claim_waiting(person, summary)
    if claim.ids:
        flash_claim.confirm(claim)


@pytest.mark.usefixtures("_crowd")
def test_the_count_of_many_is_capped(alice: User) -> None:
    fill(alice, "untouched", rows=1000)
    found = counts(alice)

    assert (found.unread, found.unseen, found.capped) == (100, 100, True)


@pytest.mark.usefixtures("_crowd")
@pytest.mark.parametrize("state", ["untouched", "read"])
def test_what_must_be_confirmed_is_found_by_its_index(alice: User, state: str) -> None:
    fill(alice, state, must_acknowledge=True)
    announce(20)

    assert_bounded(lambda: summary_of(alice), "hub_unconfirmed")
    summary = summary_of(alice)
    assert summary.unconfirmed == CAP
    assert_bounded(partial(pinned, alice, summary), "hub_unconfirmed")
    page = items(alice, unconfirmed=True, summary=summary)
    place = place_of(alice, before=page.next)
    assert_bounded(partial(items, alice, unconfirmed=True, summary=summary, place=place), "hub_unconfirmed")
    of_kind = newest_first(Subject(kind="default").unconfirmed())
    assert_bounded(lambda: list(of_kind[:50]), "hub_unconfirmed_of_kind")


@pytest.mark.usefixtures("_crowd")
def test_what_was_confirmed_costs_nothing_more(alice: User) -> None:
    fill(alice, "confirmed", must_acknowledge=True)
    announce(20)

    assert_bounded(lambda: summary_of(alice), "hub_unconfirmed")
    assert summary_of(alice).unconfirmed == 0


@pytest.mark.usefixtures("_crowd")
def test_who_has_confirmed_is_a_range_of_one_index(alice: User) -> None:
    copy_rows(User.objects.filter(pk=alice.pk), f"generate_series(1, {2 * CHUNK}) AS n", username="'person' || n")
    announced = broadcast(title="Fire drill", must_acknowledge=True)
    given = {"announcement": announced, "verb": "announcement", "acknowledged_at": datetime.now(UTC)}
    row = Notification.objects.create(recipient=alice, **given)
    people = User.objects.filter(username__startswith="person").order_by("pk")
    everyone = f"(SELECT id FROM {User._meta.db_table} WHERE username LIKE 'person%%') AS one"
    copy_rows(Notification.objects.filter(pk=row.pk), everyone, recipient_id="one.id")
    fill(alice, "read")

    keys = list(people.values_list("pk", flat=True)[:CHUNK])
    for statement, plan in plans_of(lambda: confirmed_among(announced, keys)):
        assert rows_read(plan) == CHUNK, (statement, plan)


@pytest.mark.usefixtures("_crowd")
def test_what_is_due_is_found_by_its_index(alice: User) -> None:
    fill(alice, "snoozed")

    assert_bounded(waking.wake_due, "hub_snoozed_due")
    # Where little is due, as here, the planner may look through all of it instead of the person's.
    assert_bounded(lambda: waking.wake_for(alice))
    assert_bounded(lambda: summary_of(alice))
