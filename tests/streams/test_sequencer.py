"""Numbering in the background, on PostgreSQL: no publisher waits for it, and nothing depends on its thread."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from notifications_hub import apublish, publish, streams
from notifications_hub.streams import Event, Stream, leftovers, sequencer
from notifications_hub.streams import numberer as numberer_module
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.numberer import Numberer, run_soon
from tests.support.log import holes, leave_unnumbered, unnumbered
from tests.support.processes import wait_until
from tests.support.together import in_process, rolled_back, together

pytestmark = [pytest.mark.django_db(transaction=True)]
postgres = pytest.mark.postgres
both_databases = pytest.mark.both_databases
# On SQLite a commit numbers its events itself.
in_the_background = pytest.mark.both_databases(short="postgresql")

TOPIC = "post.9"


def publish_some(name: str, *, times: int = 25) -> None:
    for number in range(times):
        publish(TOPIC, "note", {"mark": f"{name}{number}"})


def marks() -> list[str]:
    [reading] = streams.read({TOPIC: Position("", 0, 0)})
    return [json.loads(event.data)["mark"] for event in reading.events]


@postgres
def test_publishing_costs_one_insert(numberer: Numberer) -> None:
    publish_some("first", times=1)
    with CaptureQueriesContext(connection) as queries:
        publish_some("next", times=1)
    assert [query["sql"].split()[0] for query in queries] == ["INSERT"]
    assert numberer.finish(20)
    assert (unnumbered(), Stream.objects.get().top) == (0, 2)


@postgres
def test_commits_while_a_stream_is_locked_do_not_wait_and_are_numbered_in_a_batch(
    numberer: Numberer, received: list[Mapping[str, int]]
) -> None:
    publish_some("first", times=1)
    assert numberer.finish(20)
    with transaction.atomic():
        list(Stream.objects.select_for_update(no_key=True))
        together([partial(publish_some, name) for name in "abcd"])
        assert Event.objects.filter(seq=None).count() == 100
    assert numberer.finish(20)
    assert received[0] == {TOPIC: 1}
    assert received[-1] == {TOPIC: 101}
    assert len(received) <= 3
    assert holes() == []


@postgres
def test_many_writers_besides_the_numberer_leave_no_hole(numberer: Numberer) -> None:
    together([partial(publish_some, name) for name in "abcdefgh"])
    assert numberer.finish(20)
    # Count before reading, because a reader would number the rest.
    assert unnumbered() == 0
    assert sorted(marks()) == sorted(f"{name}{number}" for name in "abcdefgh" for number in range(25))
    assert holes() == []


@postgres
def test_a_rollback_gives_the_numberer_no_work(numberer: Numberer) -> None:
    with rolled_back():
        publish_some("never", times=1)
    assert not numberer.at_work


@postgres
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_dead_numberer_thread_is_replaced(numberer: Numberer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(numberer_module, "number", die)
        publish_some("first", times=1)
        wait_until(lambda: not numberer.at_work, what="the numberer's death")
    publish_some("next", times=1)
    assert numberer.finish(20)
    assert (unnumbered(), marks()) == (0, ["first0", "next0"])


def die(topics: object) -> None:
    raise SystemExit


@postgres
def test_a_numberer_reconnects_after_its_connection_broke(numberer: Numberer) -> None:
    publish_some("first", times=1)
    assert numberer.finish(20)
    with connection.cursor() as sql:
        sql.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    publish_some("next", times=1)
    assert numberer.finish(20)
    assert (unnumbered(), Stream.objects.get().top) == (0, 2)


@postgres
def test_the_numberer_survives_a_fault(
    numberer: Numberer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(numberer_module, "number", lambda topics: 1 / 0)
        publish_some("first", times=1)
        assert numberer.finish(20)
    assert "the sweeper will" in caplog.text
    publish_some("next", times=1)
    assert numberer.finish(20)
    assert unnumbered() == 0


@postgres
def test_a_chore_runs_once_for_all_who_ask_for_it_meanwhile(numberer: Numberer) -> None:
    ran: list[int] = []

    def chore() -> None:
        ran.append(unnumbered())

    for number in range(5):
        publish_some(f"{number}.", times=1)
        run_soon(chore, 0.3)
    wait_until(lambda: unnumbered() == 0, what="the numbers, for which the chore has no hurry")
    assert ran == []
    assert numberer.finish(20)
    assert ran == [0]


@postgres
def test_an_exiting_process_waits_for_no_chore_to_be_due(numberer: Numberer) -> None:
    ran: list[bool] = []
    run_soon(lambda: ran.append(True), 600)
    assert numberer.finish(5)
    assert ran == [True]


@in_the_background
def test_a_process_numbers_its_events_before_it_exits() -> None:
    ended = in_process("""
        from notifications_hub import publish
        publish("post.9", "note", {"mark": "last words"})
    """)
    assert ended.wait(30) == 0
    assert (unnumbered(), marks()) == (0, ["last words"])


@in_the_background
def test_a_forked_process_numbers_events_in_parent_and_child() -> None:
    ended = in_process("""
        import os, sys
        from django.db import connections
        from notifications_hub import publish

        publish("post.9", "note", {"mark": "before"})
        connections.close_all()
        child = os.fork()
        publish("post.9", "note", {"mark": "after"})
        if child:
            sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)
    assert ended.wait(30) == 0
    assert unnumbered() == 0
    assert sorted(marks()) == ["after", "after", "before"]


@both_databases
async def test_apublish_has_committed_when_it_returns() -> None:
    await apublish(TOPIC, "note", {"mark": "from a view"})
    found = [event.data async for event in Event.objects.all()]
    assert found == [{"mark": "from a view"}]
    await apublish(TOPIC, "typing", {}, ephemeral=True)
    assert await Event.objects.acount() == 1


@postgres
def test_an_idle_numberer_ends_its_thread(numberer: Numberer) -> None:
    publish_some("first", times=1)
    assert numberer.at_work
    wait_until(lambda: not numberer.at_work, what="the end of the numberer's thread")
    assert "hub-numberer" not in [thread.name for thread in threading.enumerate()]


@both_databases
def test_a_sweep_numbers_each_topic_once_despite_fast_writers(monkeypatch: pytest.MonkeyPatch) -> None:
    topics = [f"post.{number}" for number in range(5)]
    rounds: list[list[str]] = []

    def number_while_more_comes(some: list[str]) -> None:
        assert len(rounds) < 10
        rounds.append(list(some))
        original(some)
        leave_unnumbered(*topics)

    original = sequencer.number
    monkeypatch.setattr(leftovers, "TOPICS_AT_ONCE", 2)
    monkeypatch.setattr(leftovers, "number", number_while_more_comes)
    leave_unnumbered(*topics)
    streams.number_everything()
    assert rounds == [topics[:2], topics[2:4], topics[4:]]


@postgres
def test_events_are_numbered_if_the_server_hides_its_timeline(
    numberer: Numberer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequencer, "_TIMELINE", "pg_walfile_name_that_is_not_there()")
    sequencer.timeline.cache_clear()
    try:
        with transaction.atomic():
            publish_some("first", times=1)
            streams.number_everything()
        publish_some("next", times=1)
        assert numberer.finish(20)
    finally:
        sequencer.timeline.cache_clear()
    assert (unnumbered(), Stream.objects.get().top, Stream.objects.get().timeline) == (0, 2, None)
