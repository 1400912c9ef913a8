"""The simulated world: processes that come and go, writers whose transactions overlap, and clients that check it all.

Real are the log and its SQL, the numbering, the hub with its fan-out, connections, frames and cursors. Simulated are
time, threads, the channel layer and the sockets.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from notifications_hub import streams
from notifications_hub.streams.models import Event, Stream
from tests.simulation.client import Client
from tests.simulation.loop import VirtualLoop
from tests.simulation.network import CALM, Bus, Calls, Faults, using
from tests.simulation.process import Process

RESTORES = 0.01
"""New epochs a second."""
PRUNES = 0.05
SETTLING = 60.0
"""Seconds without a fault after which everybody must know everything."""


class World:
    """One run. `blamed` lists what went wrong, with the step at which it was noticed."""

    def __init__(self, loop: VirtualLoop, seed: int) -> None:
        self.loop = loop
        self.faults = Faults(seed)
        self.topics = [f"post.{number}" for number in range(1, self.faults.random.randint(2, 7))]
        self.bus = Bus(self.faults)
        self.is_calm = False
        self.blamed: list[str] = []
        self.processes: list[Process] = []
        self.clients: list[Client] = []
        self.committed: Counter[int] = Counter()
        self._written = 0
        self._words: dict[tuple[str, str, int], Any] = {}
        self._acting: Process | None = None
        self._spare: list[BaseDatabaseWrapper] = []
        self.kills = 0

    # What the simulated parts ask

    def calls(self, threads: int = 4) -> Calls:
        process = self._making
        return Calls(self.faults, lambda: self.acting(process()))

    @contextmanager
    def acting(self, process: Process | None) -> Iterator[None]:
        """Let numbers that are given in the block be announced by this process."""
        before, self._acting = self._acting, process
        try:
            yield
        finally:
            self._acting = before

    def acting_process(self) -> Process | None:
        return self._acting

    def number_soon(self, topics: Any) -> None:
        if self._acting is not None:
            self._acting.number_soon(topics)

    def any_process(self) -> Process | None:
        return self.faults.random.choice(self.processes) if self.processes else None

    def some_topics(self) -> Sequence[str]:
        return sorted(self.faults.random.sample(self.topics, self.faults.random.randint(1, len(self.topics))))

    def blame(self, fault: str) -> None:
        self.blamed.append(f"step {self.loop.steps}: {fault}")

    def heard(self, topic: str, epoch: str, seq: int, data: Any) -> None:
        """Compare what different clients heard under one number."""
        if self._words.setdefault((topic, epoch, seq), data) != data:
            self.blame(f"{topic}: two events had the number {seq}")

    async def happens(self, what: str) -> None:
        """Wait until the next of these. Nothing of them happens while the world is calm."""
        await self.faults.wait(getattr(self.faults.rates, what) or 1e-9)
        while self.is_calm:
            await asyncio.sleep(3600)

    # Acting

    async def run(self, steps: int) -> None:
        """Run for this many steps, then without faults until everybody should know everything. Check that they do."""
        chance = self.faults.random
        for _ in range(chance.randint(1, 3)):
            self._start_process()
        self.clients = [Client(self, f"192.0.2.{one}", self.some_topics()) for one in range(chance.randint(1, 6))]
        living = [asyncio.create_task(client.live()) for client in self.clients]
        acting = [asyncio.create_task(self._write_on()) for _ in range(chance.randint(1, 4))]
        acting += [asyncio.create_task(step()) for step in (self._kill_on, self._restore_on, self._prune_on)]
        while self.loop.steps < steps and not self.blamed:
            await asyncio.sleep(1)
            for task in [*living, *acting]:
                if task.done():
                    task.result()
        for task in acting:
            task.cancel()
        self.is_calm, self.faults.rates = True, CALM
        if not self.processes:
            self._start_process()
        await asyncio.sleep(SETTLING)
        self._check_everybody()
        for task in living:
            task.cancel()
        for process in list(self.processes):
            process.kill()
        for spare in self._spare:
            spare.close()

    def _start_process(self) -> None:
        made: list[Process] = []
        self._making = lambda: made[0] if made else None
        made.append(Process(self))
        self.processes.append(made[0])

    async def _kill_on(self) -> None:
        while True:
            await self.happens("kills")
            process = self.faults.random.choice(self.processes)
            self.processes.remove(process)
            process.kill()
            self.kills += 1
            await asyncio.sleep(self.faults.random.uniform(0, 3))
            self._start_process()

    async def _write_on(self) -> None:
        while True:
            await self.happens("writes")
            if process := self.any_process():
                await self._write(process)

    async def _write(self, process: Process) -> None:
        """Insert events and commit or roll back, with other transactions in between. SQLite has one at a time."""
        own = self._borrow()
        numbers: list[int] = []
        with ExitStack() as stack:
            open_transaction = transaction.atomic()
            try:
                with using(own):
                    open_transaction.__enter__()
                for _ in range(self.faults.random.randint(1, 3)):
                    with using(own):
                        numbers.append(self._insert())
                    if own.vendor != "sqlite":
                        await asyncio.sleep(self.faults.delay())
            except BaseException as error:
                with using(own):
                    open_transaction.__exit__(type(error), error, None)
                raise
            stack.enter_context(using(own))
            if self.faults.happens(0.1):
                transaction.set_rollback(True)
                numbers.clear()
            stack.enter_context(self.acting(process))
            open_transaction.__exit__(None, None, None)
        self.committed.update(numbers)
        self._spare.append(own)

    def _insert(self) -> int:
        self._written += 1
        streams.append(self.faults.random.choice(self.topics), "counted", {"n": self._written})
        return self._written

    def _borrow(self) -> BaseDatabaseWrapper:
        if connection.vendor == "sqlite":
            return connections["default"]
        return self._spare.pop() if self._spare else connections["default"].copy()

    async def _restore_on(self) -> None:
        """Give a stream a new epoch, as `hub_rotate_epochs` does after a backup was restored."""
        while True:
            await self.faults.wait(RESTORES)
            epoch = f"{self.faults.random.getrandbits(32):08x}"
            Stream.objects.filter(topic=self.faults.random.choice(self.topics)).update(epoch=epoch)

    async def _prune_on(self) -> None:
        while True:
            await self.faults.wait(PRUNES)
            topic = self.faults.random.choice(self.topics)
            if stream := Stream.objects.filter(topic=topic).first():
                streams.prune(topic, stream.top - self.faults.random.randint(0, 20))

    # The verdict

    def _check_everybody(self) -> None:
        tops = dict(Stream.objects.filter(topic__in=self.topics).values_list("topic", "top"))
        for number, client in enumerate(self.clients):
            for topic in client.topics:
                known, top = client.last.get(topic, 0), tops.get(topic, 0)
                if known != top:
                    self.blame(f"{topic}: client {number} knows {known} of {top}")
        self._check_log()

    def _check_log(self) -> None:
        logged: Counter[int] = Counter()
        for stream in Stream.objects.filter(topic__in=self.topics):
            rows = list(Event.objects.filter(topic=stream.topic).order_by("seq").values_list("seq", "data"))
            if [seq for seq, _data in rows] != list(range(stream.pruned_through + 1, stream.top + 1)):
                self.blame(f"{stream.topic}: the numbers in the log are not without a gap")
            logged.update(self._number_of(data) for _seq, data in rows)
        if unknown := logged - self.committed:
            self.blame(f"logged, but not committed or twice: {sorted(unknown)[:5]}")

    @staticmethod
    def _number_of(data: Any) -> int:
        read = json.loads(data) if isinstance(data, str) else data
        return int(read["n"])
