"""Storms: what one person gets beyond the limit of a kind is gathered in one group."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from accounts.models import User
from notifications_hub import Kind, Storm, Urgency
from notifications_hub.grouping.words import message_of_group
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.queries import items
from notifications_hub.notification import Notification
from tests.inbox.support import send_one
from tests.support.deliveries import send
from tests.support.together import together

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

LIMIT = Storm(after=3, within=timedelta(minutes=10))


class Commented(Kind):
    name = "tests.commented"
    label = "Comments"
    storm = LIMIT


class Alarm(Kind):
    name = "tests.storm_alarm"
    urgency = Urgency.CRITICAL
    storm = LIMIT


def titles(person: User) -> list[str]:
    return [message_of_group(row).title for row in items(person).rows]


def test_all_beyond_the_limit_are_one_in_lists_and_none_is_lost(alice: User, bob: User, charlie: User) -> None:
    send_one(charlie, bob, kind=Commented.name)
    for _ in range(7):
        notify.send(bob, recipient=[alice, charlie], verb="commented", kind=Commented.name)
    assert titles(alice) == ["4 more: Comments", *[f"{bob} commented"] * 3]
    assert titles(charlie) == ["5 more: Comments", *[f"{bob} commented"] * 2, f"{bob} replied"]
    assert Notification.objects.filter(recipient=alice).unread().count() == 7


def test_a_storm_ends_with_its_time_and_reading_begins_another_group(alice: User, bob: User) -> None:
    for _ in range(5):
        send_one(alice, bob, kind=Commented.name)
    marks.mark(alice, Mark.READ, [items(alice).rows[0].item_id], groups=True)
    send_one(alice, bob, kind=Commented.name)
    assert titles(alice)[0] == f"{bob} replied"
    send_one(alice, bob, kind=Commented.name)
    assert titles(alice)[0] == "2 more: Comments"
    later = datetime.now(UTC) + timedelta(minutes=11)
    assert send_one(alice, bob, kind=Commented.name, timestamp=later).group_key is None


def test_a_storm_takes_those_that_have_a_key(alice: User, bob: User) -> None:
    for number in range(6):
        send_one(alice, bob, kind=Commented.name, group_key=f"post-{number}")
    assert titles(alice)[0] == "3 more: Comments"
    assert len(titles(alice)) == 4


@pytest.mark.parametrize("given", [{"kind": Alarm.name}, {"kind": Commented.name, "must_acknowledge": True}])
def test_what_is_critical_or_must_be_confirmed_is_never_damped(given: dict[str, Any], alice: User, bob: User) -> None:
    rows = [send_one(alice, bob, **given) for _ in range(6)]
    assert {row.group_key for row in rows} == {None}


def test_people_in_a_storm_and_others_keep_their_order_and_columns(alice: User, bob: User, charlie: User) -> None:
    for _ in range(3):
        send_one(bob, charlie, kind=Commented.name)
    made = send(charlie, alice, bob, kind=Commented.name, dedupe_key="one")
    assert [(row.recipient, row.group_key) for row in made] == [(alice, None), (bob, "tests.commented:~storm")]
    for row in made:
        key = row.group_key
        row.refresh_from_db()
        assert row.group_key == key


def test_other_kinds_ask_nothing_more(alice: User, bob: User) -> None:
    with CaptureQueriesContext(connection) as plain:
        send_one(alice, bob)
    with CaptureQueriesContext(connection) as stormy:
        send_one(alice, bob, kind=Commented.name)
    assert len(stormy) == len(plain) + 1
    assert not any("group_key" in one["sql"] for one in plain if "bulk" in one["sql"])
    if connection.vendor == "postgresql":
        assert not any("group_key" in one["sql"] for one in plain)


@pytest.mark.django_db(transaction=True)
def test_parallel_senders_lose_none_and_exceed_the_limit_by_those_in_flight(alice: User, bob: User) -> None:
    sends = [partial(send_one, alice, bob, kind=Commented.name) for _ in range(4)]
    for _ in range(4):
        together(sends)
    rows = Notification.objects.filter(recipient=alice)
    assert rows.count() == 16
    alone = rows.filter(group_key=None).count()
    assert LIMIT.after <= alone < LIMIT.after + len(sends)
    assert len(items(alice).rows) == alone + 1


@pytest.mark.parametrize("wrong", [{"after": 0}, {"after": True}, {"after": 5, "within": timedelta()}, {"after": 1001}])
def test_a_limit_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Storm"):
        Storm(**wrong)
    with pytest.raises(TypeError, match="timedelta"):
        Storm(after=5, within=600)  # type: ignore[arg-type]
