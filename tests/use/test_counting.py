"""The figures of use: each notification counts once at each age, however steps are interrupted."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from notifications.signals import notify

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.models import KindUse, Notification, UseWalk
from notifications_hub.use import tidying, walking
from tests.support.processes import wait_until
from tests.support.together import in_process, together

# Alone, as timed tests are: a transaction of another test, on the same server, holds up the walk.
pytestmark = [pytest.mark.both_databases, pytest.mark.clocked, pytest.mark.django_db(transaction=True)]

REPLY = "comment.reply"


@pytest.fixture
def alice() -> User:
    return User.objects.create_user(username="alice")


def send(person: User, number: int = 1, **given: Any) -> list[Notification]:
    before = set(Notification.objects.values_list("pk", flat=True))
    for _time in range(number):
        notify.send(None, recipient=person, verb="replied", **{"kind": REPLY, **given})
    return list(Notification.objects.exclude(pk__in=before).order_by("pk"))


def count(age: int) -> None:
    """Count all that has reached an age, as several turns of the chore do."""
    UseWalk.objects.bulk_create([UseWalk(age=one) for one in walking.AGES], ignore_conflicts=True)
    while walking.walk_step(age):
        pass


def count_sent() -> None:
    """Count what was sent. The first look marks the newest one, and a later look counts up to there."""
    for _look in range(2):
        count(walking.SENT)
        UseWalk.objects.update(ahead_at=datetime.now(UTC) - timedelta(minutes=1))
    count(walking.SENT)


def count_after(age: int) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=age, minutes=1), tick=False):
        count(age)


def numbers(age: int, column: str = "number") -> dict[str, int]:
    return {
        one.method: getattr(one, column) for one in KindUse.objects.filter(age=age, kind=REPLY) if getattr(one, column)
    }


def test_each_notification_counts_by_what_became_of_it(alice: User) -> None:
    unseen, ignored, seen, read, archived, snoozed, confirmed, removed = send(alice, 8, must_acknowledge=True)
    of = Notification.objects.filter
    of(pk__in=[one.pk for one in (ignored, seen, archived, snoozed)]).mark_as_delivered("live")
    of(pk=confirmed.pk).mark_as_delivered("email")
    of(pk=seen.pk).mark_all_as_seen()
    of(pk=read.pk).mark_all_as_read()
    of(pk=confirmed.pk).acknowledge()
    now = datetime.now(UTC)
    of(pk=archived.pk).update(archived_at=now)
    of(pk=snoozed.pk).update(archived_at=now, snoozed_until=now + timedelta(days=30))
    count_sent()
    removed.delete()
    count_after(walking.LAST)

    assert numbers(walking.SENT) == {"": 8}
    assert numbers(walking.LAST) == {"": 2, "live": 4, "email": 1}
    assert numbers(walking.LAST, "seen") == {"": 1, "live": 1, "email": 1}
    assert numbers(walking.LAST, "opened") == {"": 1, "email": 1}
    assert numbers(walking.LAST, "ignored") == {"live": 1}
    assert numbers(walking.LAST, "archived") == {"live": 1}
    assert numbers(walking.LAST, "asked") == {"": 2, "live": 4, "email": 1}
    assert numbers(walking.LAST, "confirmed") == {"email": 1}
    assert unseen.delivered_at is None


def test_nothing_counts_twice_and_nothing_before_its_time(alice: User) -> None:
    send(alice, 5)
    count_sent()
    count_sent()
    count(1)
    assert numbers(walking.SENT) == {"": 5}
    assert not numbers(1)
    count_after(1)
    count_after(1)
    assert numbers(1) == {"": 5}


def test_announcements_have_results_of_their_own(alice: User) -> None:
    broadcast(title="Closed on Sunday")
    make_rows(alice)
    assert Notification.objects.count() == 1
    count_sent()
    assert not KindUse.objects.exists()


def test_several_processes_count_each_once(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "STEP", 3)
    send(alice, 30)
    count(walking.SENT)
    UseWalk.objects.update(ahead_at=datetime.now(UTC) - timedelta(minutes=1))

    def some() -> None:
        for _step in range(12):
            walking.walk_step(walking.SENT)

    together([some] * 4)
    count(walking.SENT)
    assert numbers(walking.SENT) == {"": 30}


@pytest.mark.postgres
def test_a_row_that_commits_late_is_counted(alice: User) -> None:
    """A transaction takes its key first and commits last: the walk waits for it, and does not pass it."""
    import threading

    has_taken, may_commit = threading.Event(), threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            notify.send(None, recipient=alice, verb="replied", kind=REPLY)
            has_taken.set()
            assert may_commit.wait(60)

    def meanwhile() -> None:
        assert has_taken.wait(60)
        notify.send(None, recipient=User.objects.create_user(username="bob"), verb="replied", kind=REPLY)
        count_sent()
        counted.append(numbers(walking.SENT))
        may_commit.set()

    counted: list[dict[str, int]] = []
    together([slowly, meanwhile])
    assert counted == [{}]
    count_sent()
    assert numbers(walking.SENT) == {"": 2}


_WALKER = """
    from notifications_hub.use import walking
    walking.STEP = 10
    add, steps = walking.add_sums, 0
    def add_slowly(*given):
        global steps
        add(*given)
        steps += 1
        if steps == 3:
            open("{path}", "w").close()
            while True:
                pass
    walking.add_sums = add_slowly
    while walking.walk_step(0):
        pass
"""


def test_a_killed_process_loses_and_doubles_nothing(
    alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(alice, 50)
    UseWalk.objects.bulk_create([UseWalk(age=age) for age in walking.AGES])
    # On SQLite, the first look counts already.
    for _look in range(2 if connection.vendor == "postgresql" else 0):
        count(walking.SENT)
        UseWalk.objects.update(ahead_at=datetime.now(UTC) - timedelta(minutes=1))
    monkeypatch.setattr(walking, "STEP", 10)
    here = tmp_path / "here"
    process = in_process(_WALKER.replace("{path}", str(here)))
    wait_until(here.exists, seconds=60, what="the third step")
    process.kill()
    assert process.wait(30) == -signal.SIGKILL

    # The first two steps are done, and the third is not begun.
    wait_until(partial(_goes_on), seconds=30, what="the end of its transaction")
    count(walking.SENT)
    assert numbers(walking.SENT) == {"": 50}


def _goes_on() -> bool:
    return walking.walk_step(walking.SENT)


def test_figures_stay_when_their_rows_are_gone(alice: User) -> None:
    send(alice, 3)
    count_sent()
    count_after(1)
    alice.delete()
    count_after(walking.LAST)
    assert numbers(walking.SENT) == numbers(1) == {"": 3}


def test_replaced_counts_and_old_days_are_removed(alice: User) -> None:
    send(alice, 2)
    count_sent()
    for age in walking.AGES[1:]:
        count_after(age)
    now = datetime.now(UTC)
    tidying.tidy(now + timedelta(days=8))
    assert sorted(KindUse.objects.values_list("age", flat=True)) == [0, 1, 24, 168]
    tidying.tidy(now + timedelta(days=10))
    assert sorted(KindUse.objects.values_list("age", flat=True)) == [0, 168]
    tidying.tidy(now + timedelta(days=740))
    assert not KindUse.objects.exists()
