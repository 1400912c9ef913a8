"""The sweep of unnumbered events, and the bound that keeps it and every reader short under a long snapshot."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from django.db import transaction

from notifications_hub import streams
from notifications_hub.streams import Event, leftovers, settled
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import NewEvent
from notifications_hub.streams.numberer import Numberer
from notifications_hub.streams.snapshots import Snapshot
from tests.support.buffers import buffers_of
from tests.support.log import holes, leave_unnumbered, unnumbered
from tests.support.open_transactions import long_snapshot, long_writer, many_writers, uncommitted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

TOPIC = "post.9"


@pytest.fixture(autouse=True)
def _nothing_swept_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(leftovers, "_last_full", -leftovers.FULL_SECONDS)
    settled.set_settled(None)
    yield
    settled.set_settled(None)


def current_settled() -> Snapshot:
    snapshot = settled.settled_snapshot()
    assert snapshot is not None
    return snapshot


def costs() -> dict[str, int]:
    """Return the buffers of a sweep, of a reader that is up to date, and of a numbering."""
    streams.number_everything()
    leave_unnumbered(TOPIC)
    number = buffers_of(partial(streams.number, [TOPIC]))
    [reading] = streams.read({TOPIC: None})
    read = buffers_of(partial(streams.read, {TOPIC: reading.position}))
    return {"sweep": buffers_of(streams.number_everything), "read": read, "number": number}


def publish(times: int, events: int) -> None:
    for _ in range(times):
        streams.append_many([NewEvent(TOPIC, "note", {"id": number}) for number in range(events)])


@pytest.mark.parametrize("hold", [long_snapshot, long_writer, many_writers])
def test_a_long_transaction_makes_nothing_dearer(hold: partial[None]) -> None:
    publish(1, 50)
    with hold():  # type: ignore[attr-defined]
        first = costs()
        publish(10, 500)
        later = costs()
    grown = {name: (first[name], later[name]) for name in first if later[name] > first[name] + 25}
    assert grown == {}


def test_a_process_without_a_sweeper_sweeps_when_it_numbers(
    numberer: Numberer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_last_sweep", -leftovers.LATE_SECONDS)
    streams.append(TOPIC, "note", {})
    assert numberer.finish(20)
    first = current_settled()
    streams.append(TOPIC, "note", {})
    assert numberer.finish(20)
    assert current_settled() is first


def test_a_late_commit_is_numbered_although_later_events_are_settled() -> None:
    with uncommitted(partial(leave_unnumbered, TOPIC, mark="late")):
        streams.append(TOPIC, "note", {"mark": "early"})
        streams.number_everything()
        assert current_settled().running != ()
        streams.append(TOPIC, "note", {"mark": "second"})
        streams.number_everything()
    assert unnumbered() == 1
    streams.number_everything()
    assert (unnumbered(), holes()) == (0, [])
    assert [event.data["mark"] for event in Event.objects.order_by("seq")] == ["early", "second", "late"]


def test_a_late_commit_is_numbered_by_a_reader_too() -> None:
    with uncommitted(partial(leave_unnumbered, TOPIC)):
        streams.number_everything()
    [reading] = streams.read({TOPIC: Position("", 0, 0)})
    assert [event.seq for event in reading.events] == [1]


def test_a_transaction_that_swept_itself_settles_nothing() -> None:
    with transaction.atomic():
        streams.append(TOPIC, "note", {})
        streams.number_everything()
        assert settled.settled_snapshot() is None
        streams.append(TOPIC, "note", {})
    streams.number_everything()
    assert unnumbered() == 0


def test_a_failed_sweep_settles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    leave_unnumbered(TOPIC)
    with monkeypatch.context() as broken:
        broken.setattr(leftovers, "number", lambda topics: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            streams.number_everything()
    assert settled.settled_snapshot() is None
    streams.number_everything()
    assert unnumbered() == 0


@pytest.mark.parametrize("server", ["restored", None])
def test_another_server_or_an_older_state_is_swept_from_the_beginning(server: str | None) -> None:
    streams.number_everything()
    known = current_settled()
    leave_unnumbered(TOPIC)
    settled.set_settled(Snapshot(server or known.server, known.next_xid + 1000, ()))
    streams.number_everything()
    assert unnumbered() == 0
    assert current_settled().server == known.server


def test_restored_rows_below_the_bound_are_found_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    streams.number_everything()
    leave_unnumbered(TOPIC)
    Event.objects.update(xid=1)
    streams.number_everything()
    assert unnumbered() == 1
    monkeypatch.setattr(leftovers, "_last_full", -leftovers.FULL_SECONDS)
    streams.number_everything()
    assert unnumbered() == 0


def test_a_restored_log_with_ids_of_the_future_makes_the_sweep_no_dearer() -> None:
    streams.number_everything()
    first = buffers_of(streams.number_everything)
    publish(10, 500)
    Event.objects.update(xid=2**40)
    streams.number_everything()
    assert buffers_of(streams.number_everything) <= first + 25


def test_a_restored_event_with_an_id_of_the_future_is_numbered_within_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    streams.number_everything()
    leave_unnumbered(TOPIC)
    Event.objects.update(xid=2**40)
    monkeypatch.setattr(leftovers, "_last_full", -leftovers.FULL_SECONDS)
    streams.number_everything()
    assert unnumbered() == 0
