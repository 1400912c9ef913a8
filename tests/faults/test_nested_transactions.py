"""T4: savepoints in savepoints, released or rolled back at random, in a transaction that commits or rolls back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import User
from notifications_hub import streams
from notifications_hub.delivery.models import Delivery
from notifications_hub.models import Notification
from notifications_hub.streams import Event
from notifications_hub.streams.models import inbox_topic
from notifications_hub.streams.numberer import Numberer
from tests.live.inbox_tab import Tab, in_the_database
from tests.support.deliveries import send, use_memory
from tests.support.full import FULL
from tests.support.log import holes, unnumbered
from tests.support.together import rolled_back

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

_numbers = count(1)

Step = str | tuple[bool, list["Step"]]
"""A write, or a block with the steps inside and whether it is kept."""

WRITES = st.sampled_from(["publish", "notify", "read"])
BLOCKS = st.recursive(WRITES, lambda inside: st.tuples(st.booleans(), st.lists(inside, max_size=4)), max_leaves=12)


class Story:
    """One person, and what the transactions about them were allowed to keep."""

    def __init__(self) -> None:
        self.person = User.objects.create_user(f"nested{next(_numbers)}")
        self.topic = f"post.{self.person.pk}"
        self.tab = Tab(self.person.pk, inbox_topic(self.person.pk))
        self.tab.read_on()
        self.published: list[int] = []
        self.notified = 0

    def run(self, step: Step, *, kept: bool) -> None:
        if isinstance(step, str):
            getattr(self, f"_{step}")(kept)
            return
        inside_kept, steps = step
        with block(kept=inside_kept):
            self.run_all(steps, kept=kept and inside_kept)

    def run_all(self, steps: Sequence[Step], *, kept: bool) -> None:
        for step in steps:
            self.run(step, kept=kept)

    def _publish(self, kept: bool) -> None:
        number = next(_numbers)
        streams.append(self.topic, "note", {"n": number})
        self.published += [number] if kept else []

    def _notify(self, kept: bool) -> None:
        send(None, self.person, verb="waved")
        self.notified += kept

    def _read(self, kept: bool) -> None:
        Notification.objects.filter(recipient=self.person).mark_all_as_read()


def block(*, kept: bool) -> AbstractContextManager[None]:
    return transaction.atomic() if kept else rolled_back()


@pytest.mark.faults(short=True)
@settings(
    max_examples=200 if FULL else 12,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps=st.lists(BLOCKS, min_size=2, max_size=5), kept=st.sampled_from([True, True, False]))
def test_only_what_was_committed_is_numbered_and_without_a_hole(
    numberer: Numberer, settings: Settings, steps: list[Step], kept: bool
) -> None:
    use_memory(settings, ack_window=10)
    story = Story()
    with block(kept=kept):
        story.run_all(steps, kept=kept)
        assert not Event.objects.filter(topic=story.topic).exclude(seq=None).exists()
    assert numberer.finish(30)

    numbered = Event.objects.filter(topic=story.topic).order_by("seq")
    assert [(event.seq, event.data["n"]) for event in numbered] == list(enumerate(story.published, 1))
    assert Notification.objects.filter(recipient=story.person).count() == story.notified
    assert Delivery.objects.filter(notification__recipient=story.person).count() == story.notified
    assert (unnumbered(), holes()) == (0, [])
    story.tab.read_on()
    assert story.tab.state == in_the_database(story.person.pk)


def test_a_transaction_that_ends_in_an_error_inside_a_savepoint_keeps_the_rest(numberer: Numberer) -> None:
    story = Story()
    with transaction.atomic():
        story.run("publish", kept=True)
        with suppress(ZeroDivisionError), transaction.atomic():
            story.run("publish", kept=False)
            with transaction.atomic():
                story.run("notify", kept=False)
            1 / 0  # noqa: B018
        story.run("notify", kept=True)
    assert numberer.finish(30)
    assert [event.data["n"] for event in Event.objects.filter(topic=story.topic)] == story.published
    assert Notification.objects.filter(recipient=story.person).count() == 1
    assert (unnumbered(), holes()) == (0, [])
