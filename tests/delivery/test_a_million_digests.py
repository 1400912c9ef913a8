"""The daily digest of a million people, of whom few have something waiting. Run `make exhaustive` to measure it."""

from __future__ import annotations

import json
import resource
import time
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime

import pytest
from django.db import connection
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import claiming, held
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.wishes import wishes_of
from notifications_hub.delivery.worker import BATCH, Worker
from notifications_hub.kinds import Digest
from notifications_hub.quiet_hours.schedules import until_digest
from tests.support.deliveries import make_due
from tests.support.full import FULL, report

# Committed, as a worker's rows are: within one transaction, PostgreSQL reads each earlier version of a row again.
pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

PEOPLE, DUE = (1_000_000, 50_000) if FULL else (2_000, 100)
EACH = 2
AT_MOST = 60.0
MOST_MIB = 200

_SERIES = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PEOPLE}) "
_PEOPLE = (
    "INSERT INTO accounts_user (password, is_superuser, language, browser_language, time_zone, username, first_name,"
    " last_name, email, is_staff, is_active, date_joined) SELECT '', false, '', '', '', 'person' || i, '', '',"
    " 'person' || i || '@example.com', false, true, CURRENT_TIMESTAMP FROM n"
)
_CHOICES = (
    "INSERT INTO notifications_hub_preference (person_id, kind, methods, digest)"
    " SELECT id, 'default', '[\"live\", \"email\"]', 'daily' FROM accounts_user WHERE username LIKE 'person%%'"
)


_HELD = """
    UPDATE notifications_hub_delivery SET held_for_id = (
        SELECT recipient_id FROM notifications_hub_notification row WHERE row.id = notification_id
    ), reason = 'digest', reason_parameters = %s
"""
"""The hold that a worker records for each of them when it falls due."""


@pytest.fixture
def people(settings: Settings, bob: User) -> None:
    """Make people with daily digests. The digests of some are due now."""
    transports = {"web_push": None, "email": "tests.support.file_transport.NoMail"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports, "ACK_WINDOW": 0}
    with connection.cursor() as sql:
        for statement in (_SERIES + _PEOPLE, _CHOICES):
            sql.execute(statement)
        some = User.objects.filter(username__startswith="person").order_by("pk")[:DUE]
        for number in range(EACH):
            notify.send(bob, recipient=some, verb=f"did {number}")
        sql.execute(_HELD, [json.dumps(until_digest(Digest.DAILY, datetime.now(UTC)).parameters)])
        sql.execute("ANALYZE")
    make_due()


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
def test_the_daily_digest_of_a_million_people_is_planned_in_a_minute(people: None) -> None:
    """Find the people who have something waiting, and make a group for each. No other person costs anything."""
    planned: dict[int, set[tuple[int, int]]] = defaultdict(set)
    before, began, computed = _mib(), time.perf_counter(), time.process_time()
    # On a slow machine the first leases end meanwhile, and what has not been claimed yet still comes before those.
    while len(planned) < DUE and (claimed := claiming.claim_due(BATCH)):
        _alone, groups = held.split(claimed, wishes_of(claimed))
        for group in groups:
            planned[group.newest[0].notification.recipient_id].add((group.name, group.number))
    seconds, mib = time.perf_counter() - began, _mib() - before
    computed = time.process_time() - computed
    assert len(planned) == DUE
    assert [number for its in planned.values() for _name, number in its] == [EACH] * DUE, "each person has one group"
    report(f"{connection.vendor}: digests of {DUE:,} of {PEOPLE:,} people with {EACH} notifications each")
    report(
        f"    planned in {seconds:.1f} s, this process computed for {computed:.1f} s, with {mib:.0f} MiB more memory"
    )
    assert mib < MOST_MIB
    if FULL:
        assert seconds < AT_MOST


@pytest.mark.skipif(FULL, reason="the full form measures the planning")
def test_the_digests_of_many_people_are_sent_in_flat_memory(people: None) -> None:
    before = _mib()
    with closing(Worker()) as one:
        one.run_due()
    assert set(Delivery.objects.values_list("state", "reason")) == {("sent", "summed_up")}
    assert Delivery.objects.filter(summary=None).count() == DUE
    assert _mib() - before < MOST_MIB


def _mib() -> float:
    """Return the most memory that the process has taken so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
