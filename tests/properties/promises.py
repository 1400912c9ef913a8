"""The promises that hold whatever happens, without the model of delays, checked against what really arrived."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from tests.properties.choices import EMAILS
from tests.properties.model import LONGEST_DELAY, TTL, Item, Reach, Reference
from tests.properties.person import Seen


class Promises:
    """Look at each message as it arrives, and at everything in the end."""

    def __init__(self, model: Reference) -> None:
        self.model = model
        self.emails: dict[int, set[str]] = defaultdict(set)
        self.reached: set[int] = set()
        self.excused: set[int] = set()
        """Those that something may have kept from being emailed: read, switched off, or no address for a while."""
        self.in_vain: set[int] = set()
        """Those that a killed worker emailed by themselves. A summary may repeat them if they then have to wait."""
        self.unattended: dict[int, timedelta] = defaultdict(timedelta)
        """How long no worker ran while each existed."""

    def excuse_all(self) -> None:
        self.excused |= self.model.items.keys()

    def no_worker_runs(self, wait: timedelta) -> None:
        """Excuse what may be out of date once a worker runs again."""
        for number in self.model.items:
            self.unattended[number] += wait
            if self.unattended[number] + LONGEST_DELAY >= TTL:
                self.excused.add(number)

    def look_at(self, seen: Sequence[tuple[Seen, Reach]], before: dict[int, str], *, is_recorded: bool) -> None:
        """Check what has arrived. `before` says which had been delivered by then, and how."""
        for one, reach in seen:
            if reach.method == EMAILS and len(reach.items) == 1 and not is_recorded:
                self.in_vain.update(reach.items)
            for item in map(self.model.items.__getitem__, reach.items):
                assert not before[item.number], "nobody is notified twice"
                assert item.is_listed, "what was read or archived is not sent"
                assert reach.method in item.methods | self.model.methods_of(item.kind), "it is switched on"
                assert item.kind.is_critical or self.model.quiet_until is None, "quiet hours are quiet"
                self._note(item, one)

    def _note(self, item: Item, one: Seen) -> None:
        self.reached.add(item.number)
        if one.method == EMAILS:
            self.emails[item.number].add(one.identity)
            most = 2 if item.number in self.in_vain else 1
            assert len(self.emails[item.number]) <= most, "each is in one email, or in a repeat of the same"

    def look_back(self) -> None:
        """Check that nothing is lost: whatever no page and no phone showed was emailed."""
        for item in self.model.items.values():
            if item.number not in self.excused and item.is_listed and item.kind.ttl is None and EMAILS in item.methods:
                assert item.delivered_by or item.number in self.emails, "nothing is lost"
