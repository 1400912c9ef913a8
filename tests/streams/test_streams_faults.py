"""The log under load and under `kill -9`: no event is lost, none is doubled, and there is no hole.

A naive reader serves as the control: it does lose events.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from uuid import uuid4

import pytest
from django.db import connection, transaction

from notifications_hub import streams
from notifications_hub.streams import Event, Stream, store
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.sweeper import sweep
from tests.support.full import FULL
from tests.support.log import holes, leave_unnumbered, unnumbered
from tests.support.processes import wait_until
from tests.support.together import in_process, together

pytestmark = [pytest.mark.django_db(transaction=True)]
both_databases = pytest.mark.both_databases
postgres = pytest.mark.postgres

TOPICS = ["inbox.1", "inbox.2", "post.9"]
BEGINNING = Position("", 0, 0)


class GivenUp(Exception):
    pass


def append(topic: str, mark: str) -> None:
    streams.append(topic, "note", {"mark": mark})


def marks_of(topic: str) -> list[str]:
    return [json.loads(event.data)["mark"] for event in Following([topic]).read_on()]


class Following:
    """A reader that continues from its own position, as a client with a cursor does."""

    def __init__(self, topics: list[str]) -> None:
        self._positions: dict[str, Position | None] = dict.fromkeys(topics, BEGINNING)
        self.got: dict[str, list[tuple[int | None, str]]] = defaultdict(list)

    def read_on(self) -> list[streams.LoggedEvent]:
        new = []
        for reading in streams.read(self._positions):
            assert not reading.reset
            self._positions[reading.topic] = reading.position
            self.got[reading.topic] += [(event.seq, json.loads(event.data)["mark"]) for event in reading.events]
            new += reading.events
        return new


class NaivelyFollowing:
    """A reader as in tutorials: its position is the highest id it has seen."""

    def __init__(self, topics: list[str]) -> None:
        self._topics, self._last = topics, 0
        self.got: dict[str, list[tuple[int, str]]] = defaultdict(list)

    def read_on(self) -> list[Event]:
        new = list(Event.objects.filter(topic__in=self._topics, id__gt=self._last).order_by("id"))
        for event in new:
            self._last = event.pk
            self.got[event.topic].append((event.pk, event.data["mark"]))
        return new


class Load:
    """Eight writers that commit or roll back at random, and a record of the committed events."""

    def __init__(self, *, transactions: int, longest_pause: float) -> None:
        self._transactions, self._longest_pause = transactions, longest_pause
        self._writing = 8
        self._lock = threading.Lock()
        self.committed: dict[str, set[str]] = defaultdict(set)

    def run(self, readers: list[Following] | list[NaivelyFollowing]) -> None:
        writers = [partial(self._write, random.Random(seed)) for seed in range(8)]
        together([*writers, *(partial(self._follow, reader) for reader in readers)])

    def _write(self, chance: random.Random) -> None:
        try:
            for _ in range(self._transactions):
                self._commit_or_not(chance)
        finally:
            with self._lock:
                self._writing -= 1

    def _commit_or_not(self, chance: random.Random) -> None:
        written = [(topic, str(uuid4())) for topic in chance.sample(TOPICS, 2)]
        try:
            with transaction.atomic():
                for topic, mark in written:
                    append(topic, mark)
                    time.sleep(chance.uniform(0, self._longest_pause))
                if chance.random() < 0.1:
                    raise GivenUp
        except GivenUp:
            return
        with self._lock:
            for topic, mark in written:
                self.committed[topic].add(mark)

    def _follow(self, reader: Following | NaivelyFollowing) -> None:
        while True:
            last_look = self._writing == 0
            new = reader.read_on()
            if last_look and not new:
                return


def load() -> Load:
    # SQLite has one writer, so a transaction that pauses there blocks all the others.
    return Load(transactions=25, longest_pause=0.01 if connection.vendor == "postgresql" else 0.001)


@both_databases
def test_readers_get_every_event_once_and_in_order_while_eight_write() -> None:
    readers, work = [Following(TOPICS), Following(TOPICS)], load()
    work.run(readers)
    for reader in readers:
        for topic in TOPICS:
            seqs, marks = zip(*reader.got[topic], strict=True)
            assert list(seqs) == list(range(1, len(seqs) + 1))
            assert len(marks) == len(set(marks))
            assert set(marks) == work.committed[topic]
    assert holes() == []


@postgres
def test_the_same_load_makes_a_naive_reader_lose_events() -> None:
    """Prove that the load loses events of a naive reader. Otherwise the test above would prove nothing."""
    readers, work = [NaivelyFollowing(TOPICS), NaivelyFollowing(TOPICS)], load()
    work.run(readers)
    committed = {mark for topic in TOPICS for mark in work.committed[topic]}
    got = [{mark for topic in TOPICS for _id, mark in reader.got[topic]} for reader in readers]
    assert all(marks < committed for marks in got)


@postgres
def test_an_open_transaction_blocks_nobody_and_is_read_once_afterwards() -> None:
    inserted, may_commit = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            append("post.9", "late")
            inserted.set()
            assert may_commit.wait(20)

    def commit_others() -> list[str]:
        assert inserted.wait(20)
        for number in range(50):
            append("post.9", str(number))
        marks = marks_of("post.9")
        may_commit.set()
        return marks

    _held, others = together([hold, commit_others])
    assert others == [str(number) for number in range(50)]
    assert marks_of("post.9") == [*others, "late"]


@both_databases
def test_events_are_numbered_after_another_commit_callback_raised() -> None:
    def raise_it() -> None:
        raise GivenUp

    def work() -> None:
        with transaction.atomic():
            transaction.on_commit(raise_it)
            append("post.9", "first")

    with pytest.raises(GivenUp):
        work()
    assert unnumbered() == 1
    sweep()
    assert (unnumbered(), marks_of("post.9")) == (0, ["first"])


@both_databases
def test_a_reader_numbers_unnumbered_events() -> None:
    leave_unnumbered("post.9")
    assert marks_of("post.9") == ["left behind"]
    assert unnumbered() == 0


@both_databases
def test_a_reader_inside_a_transaction_numbers_nothing() -> None:
    leave_unnumbered("post.9")
    with transaction.atomic():
        assert marks_of("post.9") == []
    assert unnumbered() == 1


@both_databases
def test_the_next_commit_on_a_topic_first_numbers_older_events() -> None:
    leave_unnumbered("post.9")
    append("post.9", "next")
    assert marks_of("post.9") == ["left behind", "next"]


@both_databases
def test_a_process_killed_between_commit_and_numbering_loses_nothing() -> None:
    killed = in_process("""
        import os, signal
        from django.db import transaction
        from notifications_hub import publish

        with transaction.atomic():
            transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))
            publish("post.9", "note", {"mark": "survives"})
    """)
    assert killed.wait(30) == -signal.SIGKILL
    assert unnumbered() == 1
    sweep()
    assert (unnumbered(), marks_of("post.9"), holes()) == (0, ["survives"], [])


@both_databases
def test_a_process_killed_inside_its_transaction_leaves_nothing() -> None:
    killed = in_process("""
        import os, signal
        from django.db import transaction
        from notifications_hub import publish

        with transaction.atomic():
            publish("post.9", "note", {"mark": "never was"})
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert killed.wait(30) == -signal.SIGKILL
    # PostgreSQL needs a moment to notice that its client is gone.
    wait_until(_nobody_else_writes, what="the end of the killed process's transaction")
    assert not Event.objects.exists()


@both_databases
def test_a_process_killed_while_it_numbers_leaves_a_log_without_holes() -> None:
    for mark in ("first", "second"):
        leave_unnumbered("post.9", mark=mark)
    killed = in_process("""
        import os, signal
        from django.db import transaction
        from notifications_hub import streams

        with transaction.atomic():
            streams.number_everything()
            os.kill(os.getpid(), signal.SIGKILL)
    """)
    assert killed.wait(30) == -signal.SIGKILL
    wait_until(_nobody_else_writes, what="the end of the killed process's transaction")
    assert unnumbered() == 2
    sweep()
    assert (marks_of("post.9"), holes()) == (["first", "second"], [])


@both_databases
def test_writers_in_other_processes_and_in_threads_share_one_sequence() -> None:
    code = """
        from notifications_hub import publish
        for number in range(20):
            publish("post.9", "note", {"mark": f"%s{number}"})
    """
    processes = [in_process(code % name) for name in ("a", "b")]
    together([partial(_append_many, name) for name in ("c", "d", "e")])
    assert [process.wait(60) for process in processes] == [0, 0]
    expected = sorted(f"{name}{number}" for name in "abcde" for number in range(20))
    assert sorted(marks_of("post.9")) == expected
    assert holes() == []


@both_databases
def test_concurrent_numberers_number_each_event_once() -> None:
    for number in range(300):
        leave_unnumbered(f"post.{number % 7}")
    together([streams.number_everything] * 4)
    assert unnumbered() == 0
    assert holes() == []
    assert sum(stream.top for stream in Stream.objects.all()) == 300


@postgres
@pytest.mark.exhaustive
@pytest.mark.parametrize("are_new", [False, True], ids=["known topics", "new topics"])
def test_numberers_of_overlapping_topics_never_deadlock(are_new: bool) -> None:
    rounds, size = (20 if are_new else 50) if FULL else 10, 200
    start = threading.Barrier(4)

    def topics_of(number: int) -> list[str]:
        return [f"post.{number if are_new else 0}.{topic}" for topic in range(size)]

    def number_all(turn: Callable[[list[str]], list[str]]) -> None:
        for number in range(rounds):
            start.wait(20)
            streams.number(turn(topics_of(number)))
            start.wait(20)

    def leave() -> None:
        for number in range(rounds):
            leave_unnumbered(*topics_of(number))
            start.wait(20)
            start.wait(20)

    orders: list[Callable[[list[str]], list[str]]] = [
        list,
        lambda topics: topics[::-1],
        lambda topics: topics[size // 2 :],
    ]
    numberers: list[Callable[[], None]] = [partial(number_all, order) for order in orders]
    together([leave, *numberers])
    assert unnumbered() == 0
    assert holes() == []


@postgres
def test_a_numberer_that_waits_for_a_known_stream_has_made_no_new_one() -> None:
    topics = ["post.known", "post.new"]
    Stream.objects.create(topic="post.known")
    leave_unnumbered(*topics)
    numbering = threading.Thread(target=together, args=[[partial(streams.number, topics)]])
    with transaction.atomic():
        list(Stream.objects.select_for_update(no_key=True))
        numbering.start()
        wait_until(_is_waiting, what="the numberer's wait for the known stream")
        # It would deadlock here with one that had made the stream first.
        Stream.objects.create(topic="post.new")
    numbering.join(20)
    assert unnumbered() == 0
    assert holes() == []


def _is_waiting() -> bool:
    with connection.cursor() as sql:
        sql.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(sql.fetchone()[0])


@postgres
def test_a_reader_does_not_wait_for_a_numberer() -> None:
    leave_unnumbered("post.9")
    Stream.objects.create(topic="post.9")
    locked, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            list(Stream.objects.select_for_update(no_key=True))
            locked.set()
            assert may_go.wait(20)

    def look() -> list[str]:
        assert locked.wait(20)
        try:
            return marks_of("post.9")
        finally:
            may_go.set()

    _held, marks = together([hold, look])
    assert marks == []
    assert marks_of("post.9") == ["left behind"]


@both_databases
def test_pruning_during_reads_never_makes_a_silent_hole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAGE", 20)
    streams.append_many(streams.NewEvent("post.9", "note", {"mark": str(number)}) for number in range(600))

    def follow() -> tuple[list[int | None], int]:
        position, seqs, resets = BEGINNING, [], 0
        while position.seq < 600:
            [reading] = streams.read({"post.9": position})
            resets += reading.reset
            seqs += [event.seq for event in reading.events]
            position = reading.position
        return seqs, resets

    def prune() -> tuple[list[int | None], int]:
        for through in range(0, 400, 10):
            streams.prune("post.9", through)
        return [], 0

    for seqs, resets in together([follow, follow, prune])[:2]:
        assert seqs == list(range(1, len(seqs) + 1))
        assert (len(seqs) == 600) is (resets == 0)
        assert resets <= 1
    assert holes() == []


# Helpers


def _append_many(name: str) -> None:
    for number in range(20):
        append("post.9", f"{name}{number}")


def _nobody_else_writes() -> bool:
    if connection.vendor == "sqlite":
        return True
    with connection.cursor() as sql:
        sql.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL"
        )
        return bool(sql.fetchone()[0] == 1)
