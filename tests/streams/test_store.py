"""The log: gapless topics, numbered after commit, read by position."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from notifications_hub import streams
from notifications_hub.streams import BadTopic, Event, EventTooLarge, LoggedEvent, NewEvent, Reading, Stream, store
from notifications_hub.streams.cursor import MAX_SEQ, Position
from notifications_hub.streams.models import MAX_DATA
from tests.support.full import FULL
from tests.support.log import holes, unnumbered
from tests.support.together import rolled_back, together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

TOPIC = "post.9"
BEGINNING = Position("", 0, 0)
THOUSANDS = 10 if FULL else 2


def append(*numbers: int, topic: str = TOPIC) -> None:
    for number in numbers:
        streams.append(topic, "comment.created", {"id": number})


def read(position: Position | None, topic: str = TOPIC) -> Reading:
    [reading] = streams.read({topic: position})
    return reading


def numbers_in(reading: Reading) -> list[int]:
    return [json.loads(event.data)["id"] for event in reading.events]


class GivenUp(Exception):
    pass


def test_events_are_numbered_from_one_in_order() -> None:
    append(1, 2, 3)
    assert list(Event.objects.order_by("seq").values_list("seq", "data__id")) == [(1, 1), (2, 2), (3, 3)]
    assert Stream.objects.get(topic=TOPIC).top == 3


def test_topics_are_numbered_separately() -> None:
    append(1)
    append(1, topic="post.10")
    append(2)
    assert [read(BEGINNING, topic).top for topic in (TOPIC, "post.10")] == [2, 1]


def test_an_event_has_no_number_before_its_transaction_commits() -> None:
    with transaction.atomic():
        append(1)
        assert unnumbered() == 1
    assert unnumbered() == 0


def test_a_rollback_leaves_nothing() -> None:
    with rolled_back():
        append(1)
    append(2, topic="post.10")
    assert not Event.objects.filter(topic=TOPIC).exists()
    assert not Stream.objects.filter(topic=TOPIC).exists()


def test_a_rolled_back_savepoint_leaves_no_event_and_no_hole() -> None:
    with transaction.atomic():
        append(1)
        with rolled_back():
            append(2)
            append(1, topic="post.10")
        append(3)
    assert numbers_in(read(BEGINNING)) == [1, 3]
    assert holes() == []
    assert not Stream.objects.filter(topic="post.10").exists()


def test_only_events_of_a_released_savepoint_are_numbered() -> None:
    with transaction.atomic():
        with rolled_back():
            append(1)
        with transaction.atomic():
            append(2)
    assert numbers_in(read(BEGINNING)) == [2]
    assert unnumbered() == 0


def test_a_caller_may_turn_autocommit_off() -> None:
    transaction.set_autocommit(False)
    append(1)
    transaction.commit()
    transaction.set_autocommit(True)
    assert numbers_in(read(BEGINNING)) == [1]


def test_several_appends_of_a_transaction_are_numbered_once() -> None:
    received: list[Mapping[str, int]] = []

    def receive(tops: Mapping[str, int], **kwargs: Any) -> None:
        received.append(tops)

    streams.numbered.connect(receive)
    try:
        with transaction.atomic():
            append(1, 2)
            append(1, topic="post.10")
        assert received == [{TOPIC: 2, "post.10": 1}]
    finally:
        streams.numbered.disconnect(receive)


def test_a_failing_listener_blocks_nobody() -> None:
    def fail(**kwargs: Any) -> None:
        raise GivenUp

    streams.numbered.connect(fail)
    try:
        append(1)
        append(2)
    finally:
        streams.numbered.disconnect(fail)
    assert numbers_in(read(BEGINNING)) == [1, 2]


def test_a_reader_gets_the_events_after_its_position() -> None:
    append(1, 2)
    first = read(BEGINNING)
    append(3)
    second = read(first.position)
    assert numbers_in(second) == [3]
    assert second.position == Position(first.epoch, 0, 3)
    assert not second.more


def test_a_reader_without_a_position_starts_from_now() -> None:
    append(1, 2)
    now = read(None)
    assert (now.events, now.reset) == ([], False)
    assert now.position == Position(now.epoch, 2, 2)


def test_a_reader_of_an_empty_topic_gets_its_first_event() -> None:
    waiting = read(None)
    assert waiting.position == BEGINNING
    append(1)
    assert numbers_in(read(waiting.position)) == [1]


def test_an_event_is_read_as_it_was_logged() -> None:
    streams.append(TOPIC, "comment.created", {"words": "“你好” \\ <b>", "list": [1, None, True, 1.5]})
    [event] = read(BEGINNING).events
    assert (event.topic, event.seq, event.kind) == (TOPIC, 1, "comment.created")
    assert json.loads(event.data) == {"words": "“你好” \\ <b>", "list": [1, None, True, 1.5]}
    assert event.created.utcoffset() == UTC.utcoffset(None)
    assert event.created == Event.objects.get().created


def test_a_long_backlog_is_read_in_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAGE", 2)
    append(1, 2, 3, 4, 5)
    pages, position, more = [], BEGINNING, True
    while more:
        page = read(position)
        pages.append(numbers_in(page))
        position, more = page.position, page.more
    assert pages == [[1, 2], [3, 4], [5]]


def test_many_topics_are_read_in_one_statement() -> None:
    topics = [f"post.{number}" for number in range(32)]
    for topic in topics:
        append(1, topic=topic)
    with CaptureQueriesContext(connection) as queries:
        readings = streams.read(dict.fromkeys(topics, BEGINNING))
    assert sorted(reading.topic for reading in readings) == sorted(topics)
    assert all(numbers_in(reading) == [1] for reading in readings)
    assert len(queries) == 1


BIG = 60_000
ONE_MORE = MAX_DATA + 1000
"""The excess that a reading is allowed, because an event is never split."""


def append_big(topic: str, count: int) -> None:
    streams.append_many(NewEvent(topic, "note", {"id": number, "words": "x" * BIG}) for number in range(count))


def size_of(readings: Iterable[Reading]) -> int:
    return sum(len(event.data) for reading in readings for event in reading.events)


def test_a_page_of_large_events_is_bounded_and_leaves_no_hole() -> None:
    append_big(TOPIC, 30)
    position, got, more = BEGINNING, [], True
    while more:
        page = read(position)
        assert 0 < size_of([page]) < streams.FRAME_BYTES + ONE_MORE
        assert page.position.seq == position.seq + len(page.events)
        got += numbers_in(page)
        position, more = page.position, page.more
    assert got == list(range(30))


def test_many_topics_share_the_bytes_of_one_reading() -> None:
    positions: dict[str, Position | None] = {f"post.{number}": BEGINNING for number in range(31)}
    for topic in positions:
        append_big(topic, 3)
    got: Counter[str] = Counter()
    readings = streams.read(positions)
    while any(reading.events for reading in readings):
        assert size_of(readings) < streams.FRAME_BYTES + ONE_MORE
        got.update({reading.topic: len(reading.events) for reading in readings})
        positions = {reading.topic: reading.position for reading in readings}
        readings = streams.read(positions)
    assert got == dict.fromkeys(positions, 3)


def test_a_reading_fetches_only_the_events_that_it_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[LoggedEvent] = []
    logged = store._logged

    def counted(topic: str, row: tuple[Any, ...]) -> LoggedEvent:
        taken.append(logged(topic, row))
        return taken[-1]

    monkeypatch.setattr(store, "_logged", counted)
    positions: dict[str, Position | None] = {f"post.{number}": BEGINNING for number in range(31)}
    for topic in positions:
        append_big(topic, 3)
    readings = streams.read(positions)
    assert taken == [event for reading in readings for event in reading.events]


def test_readers_of_one_statement_share_its_bytes() -> None:
    topics = [f"post.{number}" for number in range(100)]
    for topic in topics:
        append_big(topic, 2)
    wanted: list[dict[str, Position | None]] = [{topic: BEGINNING, "post.0": BEGINNING} for topic in topics]
    with CaptureQueriesContext(connection) as queries:
        answers = streams.read_many(wanted)
    assert len(queries) == 1
    by_topic = {reading.topic: reading for readings in answers for reading in readings}
    assert size_of(by_topic.values()) < streams.BATCH_BYTES + ONE_MORE
    assert all(reading.more for readings in answers for reading in readings if not reading.events)
    assert all(size_of(readings) < streams.FRAME_BYTES + ONE_MORE for readings in answers)
    assert [not reading.events for reading in answers[-1]] == [True, False]


def test_a_reader_of_many_shared_topics_gets_one_frame() -> None:
    topics = [f"post.{number}" for number in range(8)]
    for topic in topics:
        append_big(topic, 8)
    wanted: list[dict[str, Position | None]] = [{topic: BEGINNING} for topic in topics]
    *_, last = streams.read_many([*wanted, dict.fromkeys(topics, BEGINNING)])
    assert 0 < size_of(last) < streams.FRAME_BYTES + ONE_MORE
    assert [reading.more for reading in last] == [True] * 8
    assert all(reading.position.seq == len(reading.events) for reading in last)


def test_very_small_events_count_with_their_envelope(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "FRAME_BYTES", 10_000)
    append(*range(100))
    [reading] = streams.read({TOPIC: BEGINNING}, 10_000)
    assert 10 < len(reading.events) < 40


def test_reading_no_topics_costs_no_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert streams.read({}) == []
    assert len(queries) == 0


# Positions that do not continue


def test_a_position_of_another_epoch_is_reset() -> None:
    append(1, 2)
    reading = read(Position("ffffffff", 0, 1))
    assert (reading.reset, reading.events, reading.more) == (True, [], False)
    assert reading.position == Position(reading.epoch, 2, 2)


def test_a_position_beyond_the_top_is_reset() -> None:
    append(1)
    epoch = read(None).epoch
    assert read(Position(epoch, 0, 2)).reset


@pytest.mark.parametrize("seq", [2**31, 2**53, MAX_SEQ])
def test_a_position_far_beyond_the_top_is_reset(seq: int) -> None:
    append(1)
    assert read(Position(read(None).epoch, 0, seq)).reset


def test_a_position_on_a_removed_topic_is_reset() -> None:
    append(1)
    position = read(None).position
    Event.objects.all().delete()
    Stream.objects.all().delete()
    assert read(position).reset


def test_moved_returns_only_topics_that_differ_from_their_positions() -> None:
    for topic in ("post.1", "post.2", "post.3"):
        append(1, 2, topic=topic)
    positions = {
        reading.topic: reading.position for reading in streams.read(dict.fromkeys(["post.1", "post.2", "post.3"]))
    }
    append(3, topic="post.2")
    at = positions["post.3"]
    in_another_epoch = Position("00000000", at.start, at.seq)

    moved = streams.moved({**positions, "post.3": in_another_epoch, "post.4": BEGINNING, "post.5": None})

    assert moved == {"post.2": (positions["post.2"].epoch, 3), "post.3": (at.epoch, 2)}
    assert streams.moved({"post.1": None}) == {"post.1": (positions["post.1"].epoch, 2)}
    assert streams.moved({}) == {}


def test_a_position_in_the_pruned_part_is_reset() -> None:
    append(1, 2, 3)
    epoch = read(None).epoch
    streams.prune(TOPIC, 2)
    assert read(Position(epoch, 0, 1)).reset
    assert read(BEGINNING).reset


def test_a_position_at_the_end_of_the_pruned_part_continues() -> None:
    append(1, 2, 3)
    epoch = read(None).epoch
    streams.prune(TOPIC, 2)
    reading = read(Position(epoch, 0, 2))
    assert (reading.reset, numbers_in(reading)) == (False, [3])


# Pruning


def test_pruning_removes_a_prefix_and_nothing_else() -> None:
    append(1, 2, 3)
    append(1, topic="post.10")
    assert streams.prune(TOPIC, 2) == 2
    assert list(Event.objects.order_by("topic").values_list("topic", "seq")) == [("post.10", 1), (TOPIC, 3)]
    assert holes() == []


def test_pruning_never_goes_beyond_the_top() -> None:
    append(1, 2)
    assert streams.prune(TOPIC, 99) == 2
    append(3)
    assert holes() == []
    assert list(Event.objects.values_list("seq", flat=True)) == [3]


def test_pruning_again_or_a_topic_without_events_removes_nothing() -> None:
    append(1, 2)
    streams.prune(TOPIC, 2)
    assert (streams.prune(TOPIC, 1), streams.prune(TOPIC, 2), streams.prune("post.10", 5)) == (0, 0, 0)
    assert Stream.objects.get(topic=TOPIC).pruned_through == 2


def test_a_reader_of_pages_sees_no_hole_while_its_topic_is_pruned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAGE", 10)
    append(*range(1, 101))
    position, got, resets = BEGINNING, [], 0
    for through in range(0, 100, 7):
        page = read(position)
        resets += page.reset
        got += numbers_in(page)
        position = page.position
        streams.prune(TOPIC, through)
    assert got == list(range(1, 101))
    assert resets == 0


def test_a_reader_overtaken_by_pruning_is_reset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PAGE", 10)
    append(*range(1, 101))
    first = read(BEGINNING)
    streams.prune(TOPIC, 50)
    second = read(first.position)
    assert (second.reset, second.events) == (True, [])
    assert second.position.seq == 100


# Valid topics and data


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("topic", ["", "Post.9", "post..9", ".post", "post.9 ", "post/9", "post.ü", "9", "a" * 201])
def test_an_invalid_topic_is_refused(topic: str) -> None:
    with pytest.raises(BadTopic, match=r"post\.9"):
        append(1, topic=topic)


@pytest.mark.parametrize("topic", ["everyone", "inbox.7f9c2c1e-6a3e-4a0b-9d57-0d6f1e0a1b2c", "room.Lobby_2", "a" * 200])
def test_a_name_of_words_joined_by_dots_is_a_topic(topic: str) -> None:
    append(1, topic=topic)
    assert numbers_in(read(BEGINNING, topic)) == [1]


def test_an_event_too_large_for_a_page_is_refused() -> None:
    fitting = "x" * (MAX_DATA - len('{"words": ""}'))
    streams.append(TOPIC, "note", {"words": fitting})
    with pytest.raises(EventTooLarge):
        streams.append(TOPIC, "note", {"words": fitting + "x"})


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), "half \ud800 of a pair", "a NUL \x00"])
def test_data_that_not_every_database_stores_is_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        streams.append(TOPIC, "note", {"value": value})
    assert not Event.objects.exists()


def test_one_invalid_event_among_many_logs_none() -> None:
    with pytest.raises(BadTopic):
        streams.append_many([NewEvent(TOPIC, "note", {}), NewEvent("not a topic", "note", {})])
    assert not Event.objects.exists()


# Cost


@pytest.mark.exhaustive
def test_thousands_of_topics_are_numbered_in_few_transactions() -> None:
    """Ten thousand topics, or two thousand without FULL=1, which is more than one statement numbers too."""
    count = THOUSANDS * 1000
    events = [NewEvent(f"inbox.{number}", "notification.created", {"id": str(number)}) for number in range(count)]
    with CaptureQueriesContext(connection) as queries:
        streams.append_many(events)
    begun = [query for query in queries if query["sql"].startswith("BEGIN")]
    updates = [query for query in queries if "UPDATE notifications_hub_" in query["sql"]]
    assert unnumbered() == 0
    assert Stream.objects.filter(top=1).count() == count
    assert len(updates) == THOUSANDS * (1 if connection.vendor == "postgresql" else 3)
    # PostgreSQL takes one statement for each thousand, without a transaction around it.
    assert len(begun) <= (1 if connection.vendor == "postgresql" else THOUSANDS + 1)


def test_a_commit_with_nothing_new_to_number_locks_nothing() -> None:
    append(1)
    with CaptureQueriesContext(connection) as queries:
        streams.number([TOPIC])
    [statement] = [query["sql"] for query in queries]
    if connection.vendor == "postgresql":
        with transaction.atomic():
            list(Stream.objects.select_for_update())
            together([partial(streams.number, [TOPIC])])
    else:
        assert statement.startswith("SELECT")
