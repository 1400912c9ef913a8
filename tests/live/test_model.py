"""Three tabs, two reading at random, while an inbox changes in every way: each must match the database."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from notifications.signals import notify

from notifications_hub import streams
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.models import Notification
from notifications_hub.streams.models import Stream, inbox_topic
from tests.live.inbox_tab import Tab, in_the_database
from tests.support.full import FULL
from tests.support.together import rolled_back

EXAMPLES = 100 if FULL else 5
_numbers = count(1)
LATE_TABS = st.integers(1, 2)
CHOSEN = st.lists(st.integers(0, 6), min_size=1, max_size=3)
MARKS = ["mark_all_as_read", "mark_all_as_unread", "mark_all_as_seen"]
MOVES = ["archive", "unarchive", "mark_all_as_deleted", "mark_all_as_active"]
# Mostly marks: otherwise there is soon nothing left to mark.
CHANGES = [*MARKS, *MARKS, *MOVES]


class Inbox(RuleBasedStateMachine):
    """One person's inbox. Every run has a new person, because rows are really committed."""

    def __init__(self) -> None:
        super().__init__()
        self.person: Any = get_user_model().objects.create_user(f"model{next(_numbers)}")
        self.topic = inbox_topic(self.person.pk)
        self.tabs = [Tab(self.person.pk, self.topic) for _ in range(3)]
        self.create(4)
        for tab in self.tabs:
            tab.read_on()

    @rule(times=st.integers(1, 3))
    def create(self, times: int) -> None:
        for _ in range(times):
            notify.send(self.person, recipient=self.person, verb="poked")

    @rule(change=st.sampled_from(CHANGES), chosen=CHOSEN)
    def change(self, change: str, chosen: list[int]) -> None:
        getattr(self._rows(chosen), change)()

    @rule(chosen=st.integers(0, 6))
    def delete(self, chosen: int) -> None:
        self._rows([chosen]).delete()

    @rule(chosen=CHOSEN)
    def mark_delivered(self, chosen: list[int]) -> None:
        self._rows(chosen).mark_as_delivered(DeliveryMethod.LIVE)

    @rule(change=st.sampled_from(CHANGES), chosen=CHOSEN)
    def change_and_roll_back(self, change: str, chosen: list[int]) -> None:
        with rolled_back():
            self.change(change, chosen)

    @rule(changes=st.lists(st.sampled_from(CHANGES), min_size=2, max_size=4), chosen=CHOSEN)
    def change_in_one_transaction(self, changes: list[str], chosen: list[int]) -> None:
        with transaction.atomic():
            for change in changes:
                self.change(change, chosen)

    @rule(back=st.integers(0, 5))
    def prune(self, back: int) -> None:
        stream = Stream.objects.filter(topic=self.topic).first()
        if stream is not None:
            streams.prune(self.topic, stream.top - back)

    @precondition(lambda self: Stream.objects.filter(topic=self.topic).exists())
    @rule()
    def restore_a_backup(self) -> None:
        Stream.objects.filter(topic=self.topic).update(epoch=f"{next(_numbers):08x}")

    @rule(tabs=st.sets(LATE_TABS, min_size=1))
    def look(self, tabs: set[int]) -> None:
        for tab in tabs:
            self.tabs[tab].read_on()
            assert self.tabs[tab].state == in_the_database(self.person.pk)

    @rule(tab=LATE_TABS)
    def reopen(self, tab: int) -> None:
        self.tabs[tab] = Tab(self.person.pk, self.topic)
        self.tabs[tab].read_on()

    @invariant()
    def the_first_tab_is_never_behind(self) -> None:
        self.look({0})

    @invariant()
    def gapless(self) -> None:
        seqs = streams.Event.objects.filter(topic=self.topic).order_by("seq").values_list("seq", flat=True)
        stream = Stream.objects.filter(topic=self.topic).first()
        if stream is not None:
            assert list(seqs) == list(range(stream.pruned_through + 1, stream.top + 1))

    def teardown(self) -> None:
        for tab in self.tabs:
            tab.read_on()
            assert tab.state == in_the_database(self.person.pk)

    def _rows(self, chosen: list[int]) -> Any:
        """Return some of the newest rows, as a queryset that a host could build."""
        newest = list(
            Notification.objects.filter(recipient=self.person).order_by("-pk").values_list("pk", flat=True)[:7]
        )
        return Notification.objects.filter(pk__in=[newest[number] for number in chosen if number < len(newest)])


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.faults(short=True)
@pytest.mark.django_db(transaction=True)
def test_every_tab_ends_up_with_the_state_of_the_database() -> None:
    run_state_machine_as_test(
        Inbox,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],
            derandomize=True,
        ),
    )
