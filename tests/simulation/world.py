"""The simulated world: processes that come and go, writers whose transactions overlap, and clients that check it all.

Real are the log and its SQL, the numbering, the hub with its fan-out, connections, frames and cursors. Simulated are
time, threads, the channel layer and the sockets. Storms with faults alternate with calms, in which everybody must soon
know everything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Collection
from hashlib import blake2b

from django.db import OperationalError, transaction

from notifications_hub import streams
from notifications_hub.streams.models import Event, Stream
from tests.simulation.bus import Bus
from tests.simulation.client import Client
from tests.simulation.database import Calls, Pool, in_steps, step
from tests.simulation.faults import BRISK, CALM, Faults, Rates
from tests.simulation.loop import VirtualLoop
from tests.simulation.page import load, written
from tests.simulation.process import Process

SETTLING = 20.0
"""Seconds without a fault after which everybody must know everything. A chore that failed often rests for some."""
BRISK_SECONDS = 1.0
QUIET = 3.0
"""Seconds after a storm until what it began has ended: slow frames, and a hub's pause after a fault."""
PROMPT = 0.3
"""Seconds within which an event reaches a connected page while nothing fails."""


class World:
    """One run. `blamed` lists what went wrong, with the step at which it was noticed."""

    def __init__(self, loop: VirtualLoop, seed: int) -> None:
        self.loop = loop
        self.faults = Faults(seed)
        chance = self.faults.random
        self.topics = [f"post.{number}" for number in range(1, chance.choice([2, 2, 3, 4, 7]))]
        self.bus = Bus(self.faults)
        self.pool = Pool()
        self.acting: Process | None = None
        self.blamed: list[str] = []
        self.processes: list[Process] = []
        self.clients: list[Client] = []
        self.acknowledged: dict[int, float] = {}
        """The written numbers whose commit returned, with the time."""
        self.maybe: set[int] = set()
        """Numbers whose writer was killed before it knew whether they were committed."""
        self.removed: set[int] = set()
        """Numbers that a backup lacks or retention may have removed."""
        self.figures: Counter[str] = Counter()
        self.latest = self.longest = 0.0
        self._written = 0
        self._words: dict[tuple[str, str, int], int] = {}
        self._digest = blake2b(digest_size=8)
        self._upkeep = asyncio.Lock()
        """Held while a backup is restored or old events are removed: nobody does both at once."""

    # What the simulated parts ask

    def calls(self, name: str = "hub", threads: int = 4) -> Calls:
        assert self.acting is not None
        return Calls(self.acting)

    def acting_process(self) -> Process | None:
        return self.acting

    def number_soon(self, topics: Collection[str]) -> None:
        if self.acting is not None:
            self.acting.number_soon(topics)

    def any_process(self) -> Process | None:
        return self.faults.random.choice(self.processes) if self.processes else None

    def some_topics(self) -> list[str]:
        return sorted(self.faults.random.sample(self.topics, self.faults.random.randint(1, len(self.topics))))

    async def happens(self, what: str) -> None:
        """Wait until the next of these acts, by the rate of the present storm."""
        while True:
            rates = self.faults.rates
            rate = getattr(rates, what)
            await asyncio.sleep(self.faults.random.expovariate(rate) if rate else 1)
            if rate and rates is self.faults.rates:
                return

    # What is noted

    def blame(self, fault: str) -> None:
        self.trace("blame", fault)
        self.blamed.append(f"step {self.loop.steps}: {fault}")

    def trace(self, *what: object) -> None:
        """Note what happened. Equal runs have the same digest."""
        self._digest.update(repr((round(self.loop.time(), 6), what)).encode())

    @property
    def digest(self) -> str:
        return self._digest.hexdigest()

    def applied(self, topic: str, epoch: str, seq: int, n: int, *, since: float | None) -> None:
        """Note an event that a client applied. It may not be a different one than others had under this number."""
        self.figures["applied"] += 1
        if self._words.setdefault((topic, epoch, seq), n) != n:
            self.blame(f"{topic}: two events had the number {seq}")
        committed = self.acknowledged.get(n)
        if self.faults.rates is BRISK and since is not None and committed is not None and committed > self._brisk_from:
            late = self.loop.time() - max(since, committed)
            self.latest = max(self.latest, late)
            if late > PROMPT:
                self.blame(f"{topic}: the event {seq} came {late:.2f} s late, though nothing failed")

    # Acting

    async def run(self, steps: int) -> None:
        """Alternate storms and calms for this many steps."""
        chance = self.faults.random
        for _ in range(chance.choice([1, 1, 2, 3])):
            self.processes.append(Process(self))
        self.clients = [Client(self, number) for number in range(1, chance.choice([2, 2, 3, 4, 7]))]
        tasks = [asyncio.create_task(client.live()) for client in self.clients]
        tasks += [asyncio.create_task(self._write_on()) for _ in range(chance.randint(1, 4))]
        tasks += [asyncio.create_task(act()) for act in (self._kill_on, self._restore_on, self._prune_on)]
        while self.loop.steps < steps and not self.blamed:
            await self._storm(steps)
            await self._calm()
            for task in tasks:
                if task.done() and (fault := task.exception()):
                    self.blame(repr(fault))
        for process in self.processes:
            process.kill()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        self.pool.close()

    async def _storm(self, steps: int) -> None:
        self.faults.rates = Rates.drawn(self.faults.random)
        end = self.loop.time() + self.faults.random.uniform(2, 12)
        while self.loop.time() < end and self.loop.steps < steps and not self.blamed:  # noqa: ASYNC110 -- the loop counts steps, and wakes nobody
            await asyncio.sleep(0.25)

    async def _calm(self) -> None:
        await self._settle(QUIET)
        self._brisk_from = self.loop.time()
        self.faults.rates = BRISK
        await asyncio.sleep(BRISK_SECONDS)
        await self._settle(0.5)

    async def _settle(self, quiet: float) -> None:
        """Wait until everybody knows everything, and blame those who do not come to."""
        self.faults.rates = CALM
        began = self.loop.time()
        await asyncio.sleep(quiet)
        end = began + SETTLING
        while (faults := self._unsettled()) and self.loop.time() < end and not self.blamed:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.5)
        self.longest = max(self.longest, self.loop.time() - began)
        self.figures["calms"] += 1
        for fault in faults:
            self.blame(fault)

    async def _kill_on(self) -> None:
        """Kill a process, or stop it in peace, and start another after a while."""
        while True:
            await self.happens("kills")
            process = self.faults.random.choice(self.processes)
            self.processes.remove(process)
            if self.faults.happens(0.2):
                process.hub.drain()
                await asyncio.sleep(0.2)
            process.kill()
            self.figures["kills"] += 1
            self.trace("kill")
            await asyncio.sleep(self.faults.random.uniform(0, 3))
            self.processes.append(Process(self))

    async def _write_on(self) -> None:
        while True:
            await self.happens("writes")
            if process := self.any_process():
                await self._write(process)

    async def _write(self, process: Process) -> None:
        numbers = range(self._written + 1, self._written + 1 + self.faults.random.randint(1, 3))
        self._written = numbers[-1]
        topics = [self.faults.random.choice(self.topics) for _ in numbers]
        rolls_back = self.faults.happens(0.1)
        committed = False

        def write() -> None:
            nonlocal committed
            with transaction.atomic():
                for topic, number in zip(topics, numbers, strict=True):
                    streams.append(topic, "counted", {"n": number})
                    if self.pool.overlaps:
                        step()
                transaction.set_rollback(rolls_back)
            committed = not rolls_back

        with contextlib.suppress(OperationalError):
            await in_steps(process, write)
        if committed:
            self.acknowledged |= dict.fromkeys(numbers, self.loop.time())
            self.figures["acknowledged"] += len(numbers)
        self.trace("write", numbers, committed)

    async def _restore_on(self) -> None:
        """Restore a backup: logs lose their ends, and get a new epoch as `hub_rotate_epochs` gives it."""
        while True:
            await self.happens("restores")
            back = self.faults.random.choice([0, 3, 10])
            async with self._upkeep:
                self._restore_all(back)
            self.figures["restores"] += 1
            self.trace("restore", back)

    def _restore_all(self, back: int) -> None:
        with transaction.atomic():
            for stream in Stream.objects.filter(topic__in=self.topics).order_by("topic"):
                self._restore(stream, max(stream.pruned_through, stream.top - back))

    def _restore(self, stream: Stream, top: int) -> None:
        lost = Event.objects.filter(topic=stream.topic, seq__gt=top)
        self.removed |= {written(data) for data in lost.values_list("data", flat=True)}
        lost.delete()
        stream.top, stream.epoch = top, f"{self.faults.random.getrandbits(32):08x}"
        stream.save()

    async def _prune_on(self) -> None:
        while True:
            await self.happens("prunes")
            async with self._upkeep:
                await self._prune(self.faults.random.choice(self.topics))

    async def _prune(self, topic: str) -> None:
        stream = Stream.objects.filter(topic=topic).first()
        process = self.any_process()
        if stream is None or process is None:
            return
        through = stream.top - self.faults.random.randint(0, 20)
        old = Event.objects.filter(topic=topic, seq__lte=through).values_list("data", flat=True)
        self.removed |= {written(data) for data in old}
        with contextlib.suppress(OperationalError):
            await in_steps(process, streams.prune, topic, through)
            self.figures["prunes"] += 1

    # The verdict

    def _unsettled(self) -> list[str]:
        """Return what is wrong now. In a calm nothing is, after a while."""
        if Event.objects.filter(seq=None).exists():
            return ["events were never numbered"]
        faults: list[str] = []
        logged: Counter[int] = Counter()
        for topic in self.topics:
            loaded = load(topic)
            logged.update(loaded.rows.values())
            pruned_through = self._pruned_through(topic)
            if list(loaded.rows) != list(range(pruned_through + 1, loaded.top + 1)):
                faults.append(f"{topic}: the numbers in the log are not without a gap")
            faults += [
                f"{topic}: client {client.number} does not know the log up to {loaded.top}: {client.page.at.get(topic)}"
                for client in self.clients
                if topic in client.topics and not client.is_equal(topic, loaded, pruned_through)
            ]
        return [*faults, *self._wrong_numbers(logged)]

    def _pruned_through(self, topic: str) -> int:
        stream = Stream.objects.filter(topic=topic).first()
        return stream.pruned_through if stream else 0

    def _wrong_numbers(self, logged: Counter[int]) -> list[str]:
        acknowledged = Counter(self.acknowledged.keys())
        missing = sorted((acknowledged - logged).keys() - self.removed)
        twice = sorted(n for n, times in logged.items() if times > 1)
        unknown = sorted(logged.keys() - acknowledged.keys())
        named = {"acknowledged, but missing": missing, "logged twice": twice, "logged, but rolled back": unknown}
        return [f"{name}: {numbers[:5]}" for name, numbers in named.items() if numbers]

    def report(self) -> str:
        figures = self.figures
        return (
            f"{self.loop.steps:,} steps, {self.loop.time() - 1000:,.0f} virtual seconds, {figures['kills']} kills, "
            f"{figures['restores']} restores, {figures['prunes']} prunes, {figures['calms']} calms: "
            f"{figures['acknowledged']:,} acknowledged, {figures['applied']:,} applied, "
            f"{len(self.blamed)} lost, repeated or out of order; settled within {self.longest:.1f} s, "
            f"at most {self.latest:.2f} s late when nothing failed; trace {self.digest}"
        )
