"""The messages of failed assertions: what was expected, and what happened instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from django.contrib.auth.models import AbstractBaseUser

from notifications_hub.announcements.models import Announcement
from notifications_hub.testing import left_out, reading
from notifications_hub.testing.attempts import AttemptLog, NotifyAttempt
from notifications_hub.testing.captured_rows import CapturedEvent, CapturedNotification
from notifications_hub.testing.expectation import Expectation

MOST_LINES = 10
"""The most entries of one list."""

T = TypeVar("T")


class FailureText:
    """The texts about one person, from everything that was captured."""

    def __init__(
        self,
        person: AbstractBaseUser,
        own: Sequence[CapturedNotification],
        others: Sequence[CapturedNotification],
        announcements: Sequence[Announcement],
        log: AttemptLog,
    ) -> None:
        self._person = person
        self._own = own
        self._others = others
        self._announcements = announcements
        self._log = log

    def not_as_expected(self, expectation: Expectation, times: int, found: int) -> str:
        concerned = [one for one in self._own if expectation.concerns(one)]
        what = f" of {expectation.kind!r}" if expectation.kind else ""
        if found:
            how = f" with {expectation}" if str(expectation) else ""
            head = f"{self._person} was notified {_times(found)}{how}, not {_times(times)}."
        elif concerned:
            head = f"{self._person} was notified{what}, but not as expected."
        else:
            head = f"{self._person} was not notified{what}."
        return _lines([head, *self._listed(expectation), *self._reasons(expectation), *self._elsewhere()])

    def unexpected(self, found: Sequence[CapturedNotification], why: str) -> str:
        head = f"{self._person} was notified{why}, and should not have been."
        return _lines([head, *_some(found, self._entry)])

    def _listed(self, expectation: Expectation) -> Iterator[str]:
        if self._own:
            yield f"{self._person} got:"
            yield from _some(self._own, lambda one: self._entry(one, expectation))

    def _entry(self, captured: CapturedNotification, expectation: Expectation | None = None) -> Iterator[str]:
        yield f"  {captured}"
        if expectation is not None and expectation.concerns(captured):
            yield from (f"    {difference}" for difference in expectation.differences(captured))
        reasons = left_out.reasons(captured, reading.deliveries_of(captured))
        yield from (f"    not by {method}: {reason}" for method, reason in reasons.items())

    def _reasons(self, expectation: Expectation) -> Iterator[str]:
        """Yield why calls that were meant for this person left no notification."""
        if not self._person.is_active:
            yield f"{self._person} is not active, and nobody who is not active is notified."
        for attempt in self._log.notifications:
            if reason := attempt.reason_for(self._person):
                yield f"notify.send({_call(attempt)}) to {self._person} left nothing: {reason}."
        for announced in self._log.announcements:
            if reason := announced.reason():
                one = announced.announcement
                yield f'The announcement "{one.title}" to {one.audience} {reason}.'

    def _elsewhere(self) -> Iterator[str]:
        if self._others:
            yield "Others got:"
            yield from _some(self._others, lambda one: [f"  {one.person}: {one}"])
        seen = {one.row.pk for one in self._own if isinstance(one.row, Announcement)}
        missed = [one for one in self._announcements if one.pk not in seen]
        if missed:
            yield f"Announced to audiences without {self._person}:"
            yield from _some(missed, lambda one: [f'  {one.audience}: "{one.title}"'])
        if not (self._own or self._others or self._announcements):
            yield "Nobody was notified of anything."


def of_nobody(found: Sequence[CapturedNotification], announcements: Sequence[Announcement], why: str) -> str:
    """Return the text for people who should not have been notified, whoever they are."""
    announced = _some(announcements, lambda one: [f'  audience {one.audience}: "{one.title}"'])
    people = _some(found, lambda one: [f"  {one.person}: {one}"])
    return _lines([f"Nobody should have been notified{why}, but these were:", *people, *announced])


def of_events(head: str, events: Sequence[CapturedEvent]) -> str:
    if not events:
        return _lines([head, "Nothing was published. What a transaction published is gone if it was rolled back."])
    return _lines([head, "Published:", *_some(events, lambda one: [f"  {one}"])])


def _call(attempt: NotifyAttempt) -> str:
    draft = attempt.draft
    return f"kind={draft.kind.name!r}, verb={draft.columns['verb']!r}"


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _some(listed: Sequence[T], entry: Callable[[T], Iterable[str]]) -> Iterator[str]:
    for one in listed[:MOST_LINES]:
        yield from entry(one)
    if len(listed) > MOST_LINES:
        yield f"  and {len(listed) - MOST_LINES} more"


def _lines(lines: Iterable[str]) -> str:
    return "\n".join(lines)
