"""Clients of all four kinds that write to the ledger what they applied."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp

from tests.faults.ledger import Applied, Ledger, Reset
from tests.support.live import EVERY
from tests.support.live_many import Wanderer

CHANGING = "changing"
"""The kind of a page that takes another kind of connection, at random, after each stay."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a person that is open by one kind of connection, or by all in turn."""

    name: str
    person: str
    kind: str


class LedgerClient(Wanderer):
    """A page that listens to the inbox of its person."""

    def __init__(
        self,
        ledger: Ledger,
        page: Page,
        session: aiohttp.ClientSession,
        at: Callable[[], str],
        cookie: str,
        *,
        stays: tuple[float, float],
        chance: random.Random,
    ) -> None:
        kinds = EVERY if page.kind == CHANGING else (page.kind,)
        super().__init__(session, at, cookie, "inbox", kinds=kinds, stays=stays, chance=chance)
        self.name, self.person = page.name, page.person
        self.marks: set[str] = set()
        self._ledger = ledger

    def _hear(self, text: str | bytes) -> None:
        frame = json.loads(text)
        now = time.time()
        for topic in frame["reset"]:
            self._ledger.write(Reset(self.name, topic, now))
        events = frame["events"]
        applied = [Applied(self.name, self.person, one["topic"], one["seq"], _mark(one), now) for one in events]
        if applied:
            self._ledger.write(*applied)
        self.seqs += [event.seq for event in applied]
        self.marks.update(event.mark for event in applied)
        # Only a frame that was applied as a whole moves the cursor.
        self.cursor = frame["cursor"]
        self.reset += frame["reset"]
        self.ready.set()
        self._news.set()

    async def has_all(self, marks: set[str]) -> None:
        """Return once all these have been applied."""
        while marks - self.marks:
            self._news.clear()
            await self._news.wait()


def _mark(event: dict[str, object]) -> str:
    item = event["data"]
    if event["kind"] != "notification.created" or not isinstance(item, dict):
        return ""
    return str((item.get("data") or {}).get("mark", ""))
