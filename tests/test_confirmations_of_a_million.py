"""The list of a million people who have not confirmed. Run `make exhaustive` to load them and measure."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from notifications_hub import broadcast
from notifications_hub.confirmations.people import unconfirmed_people
from notifications_hub.confirmations.reminding import ask, send_reminders
from notifications_hub.confirmations.subjects import Subject
from tests.support.full import FULL, report

pytestmark = [pytest.mark.both_databases, pytest.mark.faults, pytest.mark.django_db]

PEOPLE = 1_000_000 if FULL else 20_000
PAGE_SECONDS = 2.0

_SERIES = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PEOPLE}) "
_PEOPLE = (
    "INSERT INTO accounts_user (password, is_superuser, language, browser_language, time_zone, username, first_name,"
    " last_name, email, is_staff, is_active, date_joined) SELECT '', false, '', '', '', 'person' || i, '', '',"
    " 'person' || i || '@example.com', false, true, CURRENT_TIMESTAMP FROM n"
)
_CONFIRMED = (
    "INSERT INTO notifications_hub_notification (recipient_id, announcement_id, kind, verb, url, level, actor_name,"
    " target_name, action_object_name, toast, flash, delivered_by, unread, public, deleted, emailed, actor_object_id,"
    " timestamp, committed_at, must_acknowledge, acknowledged_at) SELECT id, {announcement}, 'announcement',"
    " 'announcement', '', 'info', '', '', '', true, true, '', false, true, false, false, '', CURRENT_TIMESTAMP,"
    " CURRENT_TIMESTAMP, true, CURRENT_TIMESTAMP FROM accounts_user WHERE username LIKE 'person%' AND id % 1000 <> 0"
)


@pytest.mark.exhaustive
def test_a_page_of_who_has_not_confirmed_is_bounded_among_a_million_who_have() -> None:
    with connection.cursor() as sql:
        sql.execute(_SERIES + _PEOPLE)
    announced = broadcast(title="Fire drill", must_acknowledge=True)
    with connection.cursor() as sql:
        sql.execute(_CONFIRMED.format(announcement=announced.pk))
        sql.execute("ANALYZE")
    after, found, pages, slowest = "", 0, 0, 0.0
    while True:
        began = time.perf_counter()
        page = unconfirmed_people(announced, after, 50, 1.0)
        slowest = max(slowest, time.perf_counter() - began)
        found, pages, after = found + len(page.people), pages + 1, page.following
        if not after:
            break
    report(f"{connection.vendor}: {found} of {PEOPLE:,} on {pages} pages, {slowest * 1000:.0f} ms the slowest")
    assert found == PEOPLE // 1000
    assert slowest < PAGE_SECONDS
    reminder = ask(Subject(announcement=announced.pk), by=None)
    began = time.perf_counter()
    while reminder.done_at is None:
        send_reminders()
        reminder.refresh_from_db()
    report(f"{connection.vendor}: reminded {reminder.sent} in {time.perf_counter() - began:.1f} s")
    assert reminder.sent == found
