"""T40: everything is marked as read again and again while notifications arrive, and three tabs are open."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from accounts.models import User
from notifications_hub.models import Notification
from notifications_hub.streams.models import inbox_topic
from notifications_hub.streams.numberer import Numberer
from tests.faults.figures import record
from tests.live.inbox_tab import Tab, in_the_database
from tests.support.deliveries import send
from tests.support.full import FULL
from tests.support.log import holes, unnumbered
from tests.support.together import together

ARRIVALS = 1000 if FULL else 60


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_three_tabs_end_with_the_rows_of_the_database(numberer: Numberer, alice: User, bob: User) -> None:
    tabs = [Tab(alice.pk, inbox_topic(alice.pk)) for _ in range(3)]
    over = threading.Event()

    def arrive() -> None:
        try:
            for _ in range(ARRIVALS):
                send(bob, alice, verb="waved")
        finally:
            over.set()

    def until_over(act: Callable[[], object]) -> None:
        while not over.wait(0.005):
            act()

    def mark() -> None:
        Notification.objects.filter(recipient=alice).mark_all_as_read()

    together([arrive, lambda: until_over(mark), *(lambda tab=tab: until_over(tab.read_on) for tab in tabs)])
    send(bob, alice, verb="came last")
    assert numberer.finish(30)
    for tab in tabs:
        tab.read_on()
    rows = Notification.objects.filter(recipient=alice)
    arrived, unread = rows.count(), rows.unread().count()
    wrong = [tab.state for tab in tabs if tab.state != in_the_database(alice.pk)]
    record("T40 rows", arrived=arrived, unread_at_the_end=unread, wrong_tabs=len(wrong), gaps=len(holes()))
    assert wrong == []
    assert [tab.resets for tab in tabs] == [1, 1, 1], "the first load alone"
    assert (unnumbered(), holes()) == (0, [])
    assert arrived == ARRIVALS + 1
    assert 1 <= unread <= ARRIVALS
