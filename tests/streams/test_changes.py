"""The question for what changed in the log: it misses no late commit, and costs what changed."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from functools import partial

import pytest
from django.db import connection, transaction

from notifications_hub import streams
from notifications_hub.streams import Event, Stream
from notifications_hub.streams.snapshots import LONG_TRANSACTIONS, Snapshot
from tests.support.buffers import buffers_of
from tests.support.log import leave_unnumbered
from tests.support.open_transactions import long_writer, uncommitted
from tests.support.together import rolled_back, together

pytestmark = [pytest.mark.django_db(transaction=True)]
both_databases = pytest.mark.both_databases
postgres = pytest.mark.postgres


class Looking:
    """A hub's questions, one after the other."""

    def __init__(self) -> None:
        self._mark = streams.changes_since(None).mark

    def changed(self) -> dict[str, int]:
        answer = streams.changes_since(self._mark)
        assert answer.is_complete
        self._mark = answer.mark
        return {topic: top for topic, (_epoch, top) in answer.tops.items()}


def append(*topics: str) -> None:
    for topic in topics:
        streams.append(topic, "note", {"id": 1})


@both_databases
def test_only_topics_that_changed_since_the_last_question_are_returned() -> None:
    append(*(f"post.{number}" for number in range(20)))
    looking = Looking()
    assert looking.changed() == {}
    append("post.3", "post.7", "post.7", "post.new")
    assert looking.changed() == {"post.3": 2, "post.7": 3, "post.new": 1}
    assert looking.changed() == {}


@both_databases
def test_the_answer_has_the_epoch_of_each_stream() -> None:
    mark = streams.changes_since(None).mark
    append("post.9")
    assert streams.changes_since(mark).tops == {"post.9": (Stream.objects.get().epoch, 1)}


@both_databases
def test_the_first_answer_is_not_complete() -> None:
    append("post.9")
    answer = streams.changes_since(None)
    assert (dict(answer.tops), answer.is_complete) == ({}, False)


@both_databases
def test_an_event_that_is_numbered_after_later_ones_is_found() -> None:
    looking = Looking()
    leave_unnumbered("post.1")
    append("post.2")
    assert looking.changed() == {"post.2": 1}
    streams.number_everything()
    assert looking.changed()["post.1"] == 1
    assert looking.changed() == {}


@both_databases
def test_a_rolled_back_numbering_is_not_reported() -> None:
    looking = Looking()
    leave_unnumbered("post.1")
    with rolled_back():
        streams.number(["post.1"])
    assert looking.changed() == {}
    streams.number(["post.1"])
    assert looking.changed() == {"post.1": 1}


@postgres
def test_a_numbering_that_commits_late_is_found_whatever_was_seen_meanwhile() -> None:
    looking = Looking()
    leave_unnumbered("post.1")
    with uncommitted(partial(streams.number, ["post.1"])):
        for number in range(3):
            append("post.2")
            assert looking.changed() == {"post.2": number + 1}
    assert looking.changed() == {"post.1": 1}
    assert looking.changed() == {}


@postgres
def test_interleaved_transactions_are_each_reported_and_nothing_twice() -> None:
    """Writers commit out of order beside a long transaction. The sum of all answers is the log, with few repeats."""
    topics = [f"post.{number}" for number in range(12)]
    looking, ended = Looking(), threading.Event()
    reported: Counter[str] = Counter()
    latest: dict[str, int] = {}

    def look() -> None:
        while not (last := ended.is_set()):
            for topic, top in looking.changed().items():
                reported[topic] += 1
                latest[topic] = max(top, latest.get(topic, 0))
            time.sleep(0.002)
        assert last

    def write(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(40):
            with transaction.atomic():
                append(chance.choice(topics))
                time.sleep(chance.random() * 0.005)
            if chance.random() < 0.3:
                leave_unnumbered(chance.choice(topics))
                with transaction.atomic():
                    streams.number_everything()
                    time.sleep(chance.random() * 0.01)

    def write_all() -> None:
        try:
            together([partial(write, seed) for seed in range(6)])
        finally:
            ended.set()

    with long_writer():
        together([look, write_all])
        latest |= looking.changed()
    assert latest == dict(Stream.objects.values_list("topic", "top"))
    assert all(reported[topic] <= latest[topic] for topic in topics)


@postgres
def test_the_question_costs_the_same_with_a_long_transaction_and_a_long_log() -> None:
    append("post.1")
    with long_writer():
        looking = Looking()
        append("quiet")
        first = buffers_of(looking.changed)
        for _ in range(20):
            streams.append_many([streams.models.NewEvent(f"post.{number}", "note", {}) for number in range(100)])
        looking.changed()
        append("quiet")
        assert buffers_of(looking.changed) <= first + 10


@postgres
def test_topics_without_news_cost_nothing() -> None:
    streams.append_many([streams.models.NewEvent(f"post.{number}", "note", {}) for number in range(3000)])
    looking = Looking()
    assert buffers_of(looking.changed) < 20


@postgres
def test_another_server_makes_the_answer_incomplete() -> None:
    mark = streams.changes_since(None).mark
    assert isinstance(mark, Snapshot)
    ahead = Snapshot(mark.server, mark.next_xid + 1000, ())
    for other in (Snapshot("restored", mark.next_xid, ()), ahead):
        assert not streams.changes_since(other).is_complete


@postgres
def test_a_session_of_another_time_zone_is_the_same_server() -> None:
    looking = Looking()
    append("post.9")
    with connection.cursor() as sql:
        sql.execute("SET TIME ZONE 'Asia/Shanghai'")
        try:
            assert looking.changed() == {"post.9": 1}
        finally:
            sql.execute("SET TIME ZONE 'UTC'")


@postgres
def test_rows_of_a_restored_backup_are_not_reported_each_second() -> None:
    append("post.9")
    Event.objects.update(xid=2**40)
    looking = Looking()
    assert looking.changed() == {}


def test_sqlite_notices_a_log_that_went_back() -> None:
    append("post.9", "post.9")
    mark = streams.changes_since(None).mark
    with connection.cursor() as sql:
        sql.execute("UPDATE sqlite_sequence SET seq = 1 WHERE name = 'notifications_hub_event'")
    assert not streams.changes_since(mark).is_complete


def test_a_snapshot_names_what_it_did_not_see() -> None:
    assert Snapshot.parse("10:20:11,15", "a").unseen() == [f"xid BETWEEN 20 AND {2**62}", "xid = 11", "xid = 15"]
    assert len(Snapshot.parse("10:20:", "a").unseen()) == 1
    running = range(11, 11 + LONG_TRANSACTIONS + 2)
    many = Snapshot.parse(f"10:40:{','.join(map(str, running))}", "a").unseen()
    newer = f"xid BETWEEN 21 AND {2**62} AND (xid >= 40 OR xid IN (21, 22))"
    assert many == [newer, *(f"xid = {one}" for one in range(11, 21))]
