"""T48: a person is erased while others notify them, their pages mark what comes, and workers send it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial

import pytest
from django.db.models import F
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery import acknowledgement
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.worker import Worker
from notifications_hub.models import Notification
from notifications_hub.personal_data import tables
from notifications_hub.personal_data.erase import erase
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import TOMBSTONE, Event, Stream, inbox_topic
from notifications_hub.streams.numberer import Numberer
from tests.faults.figures import record
from tests.support.deliveries import make_due, send, use_memory
from tests.support.full import FULL
from tests.support.log import holes, unnumbered
from tests.support.processes import wait_until
from tests.support.together import together

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

BEFORE, DURING = (1000, 1000) if FULL else (15, 15)
"""Notifications before the erasure begins, and at least so many until the load ends."""


class Load:
    """Others who go on until they are to stop. `counted` notifications of the person were committed so far."""

    def __init__(self, person: User, friend: User) -> None:
        self.person, self.friend = person, friend
        self.counted = 0
        self.stopped = threading.Event()

    def notify(self) -> None:
        send(self.friend, self.person, verb="called")
        send(self.person, self.friend, verb="answered")
        send(self.friend, self.friend, verb="stays")
        self.counted += 1

    def mark(self) -> None:
        rows = Notification.objects.filter(recipient=self.person)
        rows.mark_all_as_seen()
        rows.mark_all_as_read()
        rows.mark_all_as_unread()

    def acknowledge(self) -> None:
        topic = inbox_topic(self.person.pk)
        if stream := Stream.objects.filter(topic=topic).first():
            position = Position(start=0, seq=stream.top, epoch=stream.epoch)
            acknowledgement.acknowledge(self.person.pk, {topic: position})

    def until_stopped(self, act: Callable[[], object]) -> None:
        while not self.stopped.wait(0.01):
            act()

    def deliver(self) -> None:
        with closing(Worker()) as worker:
            self.until_stopped(partial(self._send_due, worker))

    def _send_due(self, worker: Worker) -> None:
        make_due(state="waiting", claim=None)
        worker.run_due()

    def erase(self) -> None:
        try:
            wait_until(lambda: self.counted >= BEFORE, seconds=120, what="the load")
            erase(self.person)
            wait_until(lambda: self.counted >= BEFORE + DURING, seconds=120, what="the load after the erasure")
        finally:
            self.stopped.set()


@pytest.mark.both_databases(short="postgresql")
def test_an_erasure_under_load_leaves_no_orphan_and_no_gap(
    numberer: Numberer, settings: Settings, caplog: pytest.LogCaptureFixture, alice: User, bob: User
) -> None:
    use_memory(settings, ack_window=0)
    load = Load(alice, bob)
    acts: list[Callable[[], None]] = [
        partial(load.until_stopped, act) for act in (load.notify, load.mark, load.acknowledge)
    ]
    with caplog.at_level(logging.WARNING, "notifications_hub"):
        together([*acts, load.deliver, load.erase])
        # Those who notify the person have stopped, so this erasure is the last.
        erase(alice)
        assert numberer.finish(30)

    kept = [table.name for table in tables.TABLES if table.rows(alice.pk).exists()]
    orphans = Delivery.objects.filter(notification__recipient=alice).count()
    record("T48", notified=load.counted * 2, tables_with_rows=len(kept), orphans=orphans, gaps=len(holes()))
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
    assert (kept, orphans) == ([], 0)
    assert (unnumbered(), holes()) == (0, [])
    assert set(Event.objects.filter(topic=inbox_topic(alice.pk)).values_list("kind", flat=True)) == {TOMBSTONE}
    left = Notification.objects.filter(recipient=bob).values_list("verb", flat=True)
    assert set(left) == {"stays"}
    assert len(left) == load.counted
    assert not Stream.objects.filter(pruned_through__gt=F("top")).exists()
