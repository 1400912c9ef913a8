"""A small model of what a person gets, by which delivery method and when. It knows no table, no worker and no Django.

A notification waits for each method that is sent to an address. Whatever falls due is looked at: something may have
made it pointless, quiet hours may hold it back, or it is sent. What quiet hours have held back is sent together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.properties.choices import (
    AT_ONCE,
    DIGEST,
    EMAILS,
    FLASH,
    LIVE,
    PAGES,
    PHONE,
    QUIET,
    SENT,
    SMS,
    KindOf,
    Nights,
)

AWAY = timedelta(seconds=3)
TTL = timedelta(days=1)
LEASE = timedelta(seconds=55)
TOGETHER = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=1)
RETRY = timedelta(minutes=50)
PRESENT = timedelta(seconds=40)
CLAIM = timedelta(seconds=30)


@dataclass
class Wait:
    """One notification that waits to be sent by one method."""

    due: datetime
    is_held: bool = False
    reason: str = ""
    """The reason that it waits at present: quiet hours, a digest, or something else."""
    delay: timedelta = timedelta()
    until: datetime | None = None
    is_claimed: bool = False
    """A worker that was killed holds it."""
    group: int = 0
    """The newest of those that one message is to sum up. A group that has begun never grows."""


@dataclass(eq=False)
class Item:
    number: int
    kind: KindOf
    at: datetime
    methods: frozenset[str]
    waits: dict[str, Wait] = field(default_factory=dict)
    is_unread: bool = True
    is_archived: bool = False
    delivered_by: str = ""
    flashed_until: datetime | None = None

    @property
    def is_listed(self) -> bool:
        return self.is_unread and not self.is_archived

    def cancel(self) -> None:
        """Cancel what waits. What a worker holds is looked at when its lease is over."""
        self.waits = {method: wait for method, wait in self.waits.items() if wait.is_claimed}

    def deliver(self, method: str) -> None:
        self.delivered_by = self.delivered_by or method
        self.cancel()

    def expires(self, wait: Wait) -> datetime:
        if self.kind.ttl is not None:
            return self.at + self.kind.ttl
        return max(self.at, wait.until or self.at) + TTL


@dataclass(frozen=True, order=True)
class Reach:
    """One message to the person: by a method, about notifications in the order in which they were made."""

    method: str
    items: tuple[int, ...]


class Reference:
    """One person: what they chose, where they are, and what they are to get."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.items: dict[int, Item] = {}
        self.chosen: dict[str, frozenset[str]] = {}
        self.digests: dict[str, str] = {}
        self.nights = Nights()
        self.present_until = now
        self.is_active = self.has_email = True
        self.is_phone_down = False

    @property
    def is_present(self) -> bool:
        return self.now < self.present_until

    @property
    def quiet_until(self) -> datetime | None:
        return self.nights.until(self.now)

    @property
    def is_silent(self) -> bool:
        return self.nights.silent and self.quiet_until is not None

    def methods_of(self, kind: KindOf) -> frozenset[str]:
        return self.chosen.get(kind.name, kind.methods) | kind.locked

    def digest_of(self, kind: KindOf) -> str:
        return self.digests.get(kind.name, kind.digest)

    def delivered(self) -> dict[int, str]:
        """Return by which method each was delivered, if it was."""
        return {number: item.delivered_by for number, item in self.items.items()}

    # What happens

    def notify(self, number: int, kind: KindOf) -> None:
        if not self.is_active:
            return
        item = Item(number, kind, self.now, self.methods_of(kind))
        for method in item.methods.intersection(SENT if self.has_email else (PHONE, SMS)):
            delay = kind.delay(method)
            if AWAY < delay <= PAGES and not self.is_present:
                delay = AWAY
            item.waits[method] = Wait(self.now + delay)
        self.items[number] = item

    def read(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if self.items[number].is_listed:
                self.items[number].is_unread = False
                self.items[number].cancel()

    def unread(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.items[number].is_unread = True

    def archive(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            if not self.items[number].is_archived:
                self.items[number].is_archived = True
                self.items[number].cancel()

    def unarchive(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self.items[number].is_archived = False

    def deliver(self, numbers: Iterable[int], method: str) -> None:
        for number in numbers:
            if number in self.items and not self.items[number].delivered_by:
                self.items[number].deliver(method)

    def change_nights(self, nights: Nights) -> None:
        self.nights = nights
        self.look_again()

    def look_again(self) -> None:
        """Give what waits another time after a change, unless a worker holds it.

        What quiet hours held back waits its delay from now on, and what waited for a digest waits for the next one.
        """
        for item in self.items.values():
            for wait in item.waits.values():
                if wait.is_claimed:
                    continue
                if wait.reason == QUIET:
                    wait.due = self.now + wait.delay
                elif wait.reason == DIGEST and self.digest_of(item.kind) == AT_ONCE:
                    wait.due = self.now + PAGES
                elif wait.reason == DIGEST:
                    wait.due = wait.until = self.nights.next_digest(self.digest_of(item.kind), self.now)

    # What the person gets on pages

    def flash(self, answer: str) -> list[int]:
        """Return what a page claims that is opened now, newest first.

        A redirect leaves it for the next page, and a process that is lost with its answer for a page after a while.
        """
        before = self.now - PAGES if self.is_present else self.now
        found = [
            item.number
            for item in reversed(self.items.values())
            if item.is_listed
            and not item.delivered_by
            and FLASH in item.methods
            and item.at < before
            and (item.flashed_until is None or item.flashed_until < self.now)
            and (item.kind.is_critical or not self.is_silent)
        ]
        for number in found:
            if answer == "lost":
                self.items[number].flashed_until = self.now + CLAIM
            elif answer == "page":
                self.items[number].deliver(FLASH)
        return found

    def shown_after(self, number: int) -> list[int]:
        """Return what a visible page that showed everything up to a notification has shown by now.

        It acknowledges in order. In silent quiet hours it stops at the first that waits.
        """
        shown: list[int] = []
        for item in self.items.values():
            if item.number > number:
                waits = item.is_listed and not item.delivered_by and LIVE in item.methods
                if waits and self.is_silent and not item.kind.is_critical:
                    break
                shown.append(item.number)
        return shown

    # What is sent

    def next_due(self) -> datetime | None:
        return min((wait.due for item in self.items.values() for wait in item.waits.values()), default=None)

    def work(self, *, is_recorded: bool = True) -> list[Reach]:
        """Look at all that is due, and return what is sent. Nothing is recorded if the worker is killed afterwards."""
        sent: dict[tuple[str, int], list[Item]] = defaultdict(list)
        for item, method in self._claimed():
            wait = item.waits[method]
            if self._is_pointless(item, method, wait):
                del item.waits[method]
            elif waits := self._must_wait(item, method, wait):
                item.waits[method] = waits
            else:
                sent[method, wait.group or -item.number].append(item)
                continue
            if not is_recorded:
                item.waits[method] = wait
        if is_recorded:
            # What is accepted cancels the rest, so a phone that fails comes before it.
            for (method, _group), items in sorted(sent.items(), key=lambda one: one[0], reverse=True):
                self._record(method, items)
        reached = [Reach(method, tuple(item.number for item in items)) for (method, _group), items in sent.items()]
        return sorted(one for one in reached if self._reaches(one.method))

    def claim(self) -> None:
        """Let a worker claim what is due, and be killed before it does anything."""
        for item in self.items.values():
            for wait in item.waits.values():
                if wait.due <= self.now:
                    wait.due, wait.is_claimed = self.now + LEASE, True

    def _claimed(self) -> list[tuple[Item, str]]:
        """Claim what is due, and return it. What has waited is claimed by groups.

        A group begins with what falls due within a minute. If a killed worker holds its oldest, it waits for that.
        """
        due = [(item, method, wait) for item, method, wait in self._waits() if wait.due <= self.now]
        found = [(item, method) for item, method, wait in due if not (wait.is_held and self.quiet_until is None)]
        for method, group in sorted(
            {(method, wait.group) for item, method, wait in due if (item, method) not in found}
        ):
            members = [
                (item, wait)
                for item, other, wait in self._waits()
                if other == method and wait.is_held and wait.group == group and wait.due <= self.now + TOGETHER
            ]
            oldest = members[0][1]
            if not oldest.is_claimed or oldest.due <= self.now:
                found += [(item, method) for item, _wait in members]
                for _item, wait in members:
                    wait.due, wait.group = self.now, group or members[-1][0].number
        for _item, _method, wait in due:
            wait.due = self.now
        for _item, _method, wait in self._waits():
            if wait.due == self.now:
                wait.due, wait.is_claimed = self.now + LEASE, True
        return found

    def _waits(self) -> Iterator[tuple[Item, str, Wait]]:
        for item in self.items.values():
            for method, wait in item.waits.items():
                yield item, method, wait

    def _is_pointless(self, item: Item, method: str, wait: Wait) -> bool:
        may_have_changed = wait.is_held or item.kind.delay(method) > PAGES
        return (
            not self.is_active
            or not item.is_listed
            or bool(item.delivered_by)
            or (may_have_changed and method not in self.methods_of(item.kind))
            or item.expires(wait) <= self.now
        )

    def _must_wait(self, item: Item, method: str, wait: Wait) -> Wait | None:
        """Return the wait for the next digest, or for the end of the quiet hours.

        After quiet hours it goes on waiting for pages or a push, as long as it had waited before.
        """
        digest = self.digest_of(item.kind) if method == EMAILS else AT_ONCE
        if item.kind.is_critical:
            return None
        if digest != AT_ONCE and not wait.is_held:
            at = self.nights.next_digest(digest, self.now)
            return Wait(at, True, DIGEST, PAGES, until=at)
        if until := self.quiet_until:
            delay = wait.delay if wait.is_held else max(PAGES, min(self.now - item.at, LONGEST_DELAY))
            return Wait(until + delay, True, QUIET, delay, until=until, group=wait.group)
        return None

    def _record(self, method: str, items: list[Item]) -> None:
        if self._reaches(method):
            for item in items:
                item.waits.pop(method, None)
                if method != PHONE:
                    item.deliver(method)
            return
        expires = max(item.expires(item.waits[method]) for item in items)
        for item in items:
            if method == PHONE and self.now + RETRY <= expires:
                wait = item.waits[method]
                wait.due, wait.reason, wait.is_claimed = self.now + RETRY, "", False
            else:
                del item.waits[method]

    def _reaches(self, method: str) -> bool:
        return {PHONE: not self.is_phone_down, SMS: True, EMAILS: self.has_email}[method]
