"""The messages that reach a person under random events, compared with a small model: on pages, pushes and emails.

A random person chooses delivery methods and quiet hours, opens and closes pages, reads, and moves through weeks in
which the clocks change. Workers are late, killed before or after they have sent, or work side by side. After each step
the product must have sent exactly what the model says.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pytest_django import Settings

from notifications_hub import kinds
from notifications_hub.delivery import bulk, worker
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox.marks import Mark
from notifications_hub.live import presence
from notifications_hub.message import Message
from notifications_hub.transports.web_push import session_binding
from tests.properties.choices import DAILY, EMAIL, LIVE, PAGES, PHONE, KindOf, Nights
from tests.properties.model import PRESENT, TTL, Reach, Reference
from tests.properties.person import TRANSPORTS, Person, Seen, declare
from tests.properties.promises import Promises
from tests.properties.steps import BEGINNING, KINDS, PROMPT, STARTS, STEP
from tests.support.deliveries import one_worker
from tests.support.full import FULL, report
from tests.support.smtp import keep_mails_in_memory

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

EXAMPLES = int(os.environ.get("EXAMPLES", "2000" if FULL else "10"))
# To find a smaller example takes minutes.
PHASES = [Phase.generate, Phase.shrink] if FULL else [Phase.generate]
TICK = timedelta(seconds=10)


class Story:
    """The events of a person, in the model and in the product."""

    def __init__(self, start: datetime, worker: Worker) -> None:
        self.numbers = count(1)
        self.pushes: list[tuple[Message, Reach]] = []
        self.page = ""
        self.model = Reference(start)
        self.person = Person(start, worker)
        self.promises = Promises(self.model)
        self.begun = self.person.top()
        self.shown = 0

    # What happens

    def notify(self, kinds: list[KindOf]) -> None:
        for kind in kinds:
            number = next(self.numbers)
            self.person.notify(number, kind)
            self.model.notify(number, kind)
        self.page_shows()

    def mark(self, chosen: list[int], action: Mark) -> None:
        numbers = sorted(self.model.items)[::-1]
        some = sorted({numbers[index] for index in chosen if index < len(numbers)})
        self.person.mark(action, some)
        getattr(self.model, action.value)(some)
        self.promises.excused.update(some)

    def switch(self, kind: KindOf, method: str) -> None:
        methods = self.model.methods_of(kind) ^ {method}
        self.person.choose(kind, methods)
        self.model.chosen[kind.name] = methods
        self.promises.excuse_all()

    def switch_what_waits(self, method: str) -> None:
        """Switch a method for the kind of the newest notification that waits for it."""
        waiting = [item.kind for item in self.model.items.values() if method in item.waits]
        if waiting:
            self.switch(waiting[-1], method)

    def choose_digest(self, kind: KindOf, digest: str) -> None:
        self.model.digests[kind.name] = digest
        self.person.choose_digest(kind, digest)
        self.model.look_again()

    def keep_quiet(self, nights: Nights) -> None:
        self._change(nights)

    def pause(self, hours: int, silent: bool) -> None:
        until = self.model.now.replace(minute=0, second=0) + timedelta(hours=hours)
        old = self.model.nights
        self._change(replace(old, silent=silent, paused_until=until))

    def _change(self, nights: Nights) -> None:
        self.person.change_nights(nights)
        self.model.change_nights(nights)
        self.page_shows()

    def is_inactive_for_a_while(self, wait: timedelta, kind: KindOf) -> None:
        self.page = ""
        self._set_active(False)
        self.notify([kind])
        self.time_passes(wait)
        self._set_active(True)
        self.promises.excuse_all()

    def _set_active(self, is_active: bool) -> None:
        self.model.is_active = is_active
        self.person.set_active(is_active)

    def email_is_stopped_for_a_while(self, wait: timedelta, kind: KindOf) -> None:
        self.model.has_email = False
        self.person.stop_email()
        self.notify([kind])
        self.time_passes(wait)
        self.model.has_email = True
        self.person.allow_email()
        self.promises.excuse_all()

    def phone_fails_for_a_while(self, wait: timedelta, kind: KindOf) -> None:
        self._set_phone(is_down=True)
        self.notify([kind])
        self.time_passes(wait)
        self._set_phone(is_down=False)

    def _set_phone(self, *, is_down: bool) -> None:
        self.model.is_phone_down = is_down
        self.person.set_phone(is_down=is_down)

    def close(self) -> None:
        self.person.close()

    # Pages

    def open_a_page(self, page: str) -> None:
        self.flash()
        self.begun = self.person.top()
        self.shown = max(self.model.items, default=0)
        self.page = page
        self._poll()

    def turn_to_or_leave_the_page(self, page: str) -> None:
        self.page = self.page and page
        self._poll()
        self.page_shows()

    def _poll(self) -> None:
        if self.page:
            self.person.poll()
            self.model.present_until = self.model.now + PRESENT

    def page_shows(self) -> None:
        if self.page == "visible" and (shown := self.model.shown_after(self.shown)):
            self.person.acknowledge(self.begun, shown)
            self.model.deliver([number for number in shown if LIVE in self.model.items[number].methods], LIVE)
            self.shown = shown[-1]

    def flash(self, answer: str = "page") -> None:
        assert self.person.flash(answer) == self.model.flash(answer)

    def phone_reports(self, index: int) -> None:
        if self.pushes:
            push, reach = self.pushes.pop(index % len(self.pushes))
            self.person.report(push)
            self.model.deliver(reach.items, PHONE)

    # Time and workers

    def time_passes(self, wait: timedelta, is_late: bool = False) -> None:
        until = self.model.now + wait
        if is_late:
            self.promises.no_worker_runs(wait)
        while not is_late and (due := self.model.next_due()) and due < until:
            self._move_to(max(self.model.now, _tick(due) - TICK))
            self.work()
            self._move_to(_tick(due))
            self.work()
        self._move_to(until)
        self.work()

    def _move_to(self, moment: datetime) -> None:
        self.model.now = moment
        self.person.clock.move_to(moment)
        self._poll()
        self.page_shows()

    def work(self) -> None:
        self._work_with()

    def two_workers(self) -> None:
        with closing(Worker()) as other:
            self._work_with(other)

    def _work_with(self, *others: Worker) -> None:
        before = self.model.delivered()
        expected = self.model.work()
        found = self.person.work(*others)
        assert found == expected, self._explain(set(found) ^ set(expected))
        self._see(expected, before)

    def a_worker_is_killed_with_claims(self) -> None:
        self.model.claim()
        self.person.claim()

    def a_worker_is_killed_with_sends(self) -> None:
        before = self.model.delivered()
        expected = self.model.work(is_recorded=False)
        self.person.work_in_vain()
        self._see(expected, before, is_recorded=False)

    def _explain(self, reaches: set[Reach]) -> str:
        """Return what the model and the product know of notifications that they do not agree on."""
        numbers = sorted({number for reach in reaches for number in reach.items})
        known = [f"{self.model.now:%F %T}", repr(self.model.nights), repr(self.model.digests)]
        known += [f"{self.model.items[number]}\n{self.person.trail(number)}" for number in numbers]
        return "\n".join(known)

    def _see(self, expected: list[Reach], before: dict[int, str], *, is_recorded: bool = True) -> None:
        seen = self.person.seen()
        kinds = {number: item.kind.name for number, item in self.model.items.items()}
        planned = sorted((Seen.of(reach, kinds), reach) for reach in expected)
        assert seen == [one for one, _reach in planned]
        arrived = [(one, reach) for one, (_same, reach) in zip(seen, planned, strict=True)]
        self.promises.look_at(arrived, before, is_recorded=is_recorded)
        self.pushes += [(one.message, reach) for one, reach in arrived if one.message and one.method == PHONE]

    # The end

    def end(self) -> None:
        """Let everything that waits come to its end. Whatever nobody read or showed has then been sent."""
        self.page = ""
        for _ in range(3):
            self.time_passes(timedelta(hours=14))
        self._change(Nights())
        while self.model.next_due() is not None:
            self.time_passes(timedelta(days=2))
        assert not Delivery.objects.filter(state=DeliveryState.WAITING).exists()
        self.promises.look_back()


def _tick(moment: datetime) -> datetime:
    """Return the next of the moments at which things happen here."""
    return moment + (datetime.min.replace(tzinfo=UTC) - moment) % TICK


@pytest.fixture(autouse=True)
def _as_here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    # Other tests check all kinds, and have no such transports.
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
    for kind in KINDS:
        declare(kind)
    keep_mails_in_memory(settings)
    settings.NOTIFICATIONS_HUB = {
        **settings.NOTIFICATIONS_HUB,
        "TRANSPORTS": TRANSPORTS,
        "ACK_WINDOW": PAGES.total_seconds(),
        "EMAIL_DELAY": EMAIL.total_seconds(),
        "PUSH_TTL": int(TTL.total_seconds()),
        "SITE_URL": "https://hub.example",
        "EMAIL_FROM": "hub@hub.example",
    }
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    monkeypatch.setattr(presence, "is_cache_shared", lambda: True)
    monkeypatch.setattr(session_binding, "is_bound", lambda person, address: True)
    # No announcement is sent here, and nothing escalates.
    monkeypatch.setattr(bulk, "_planner", [])
    monkeypatch.setattr(worker, "_planners", [])


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
def test_a_person_gets_what_the_model_says(one_worker: Worker) -> None:
    number = int(os.environ.get("SEED", random.SystemRandom().getrandbits(32) if FULL else 6))
    report(f"{EXAMPLES} examples of SEED={number}")

    @seed(number)
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(BEGINNING, st.lists(STEP, min_size=12, max_size=24))
    def tell_one(beginning: tuple[datetime, Nights], steps: list[tuple[str, tuple[Any, ...]]]) -> None:
        tell(one_worker, beginning, steps)

    tell_one()


def tell(worker: Worker, beginning: tuple[datetime, Nights], steps: Iterable[tuple[str, tuple[Any, ...]]]) -> None:
    start, nights = beginning
    with closing(Story(start, worker)) as story:
        story.keep_quiet(nights)
        for name, given in steps:
            getattr(story, name)(*given)
        story.end()


def test_what_no_worker_looks_at_for_a_day_is_out_of_date(one_worker: Worker) -> None:
    tell(one_worker, (STARTS[0], Nights()), [("notify", ([KINDS[0]],)), ("time_passes", (timedelta(hours=26), True))])


@pytest.mark.parametrize("wish", [("pause", (3, True)), ("choose_digest", (PROMPT, DAILY))])
def test_an_email_of_a_killed_worker_may_come_again_in_a_summary(
    one_worker: Worker, wish: tuple[str, tuple[Any, ...]]
) -> None:
    prompt = ("notify", ([PROMPT],))
    passes = ("time_passes", (timedelta(hours=10), False))
    tell(one_worker, (STARTS[-1], Nights()), [prompt, ("a_worker_is_killed_with_sends", ()), wish, prompt, passes])
