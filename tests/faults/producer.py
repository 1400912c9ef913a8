"""A process that notifies people, and writes to the ledger what it committed.

`python -m tests.faults.producer '{"folder": …, "people": ["p0", …], "rate": 20, "seconds": 10, …}'` prints
`{"acknowledged": …, "failed": …, "slowest_seconds": …}`. While the database is away it tries again: nothing is promised
before COMMIT returned. `hold` is the most seconds between INSERT and COMMIT, `rolled_back` the part that is given up.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django

if TYPE_CHECKING:
    from accounts.models import User
    from tests.faults.ledger import Ledger


ENOUGH = "enough"
"""The file in the ledger's folder that ends all producers."""


@dataclass(frozen=True)
class Order:
    folder: str
    people: list[str]
    rate: float
    """Notifications a second, by all threads together."""
    seconds: float
    threads: int = 1
    at_once: int = 1
    """The people that one commit notifies."""
    hold: float = 0.0
    rolled_back: float = 0.0
    seed: int = 0
    kind: str = "default"
    data: dict[str, Any] = field(default_factory=dict)


class _GivenUp(Exception):
    pass


class Producer:
    """Threads that share an order. Each notifies some people in each transaction."""

    def __init__(self, order: Order, ledger: Ledger) -> None:
        self._order, self._ledger = order, ledger
        self.acknowledged = self.failed = 0
        self.slowest = 0.0
        self._lock = threading.Lock()

    def run(self) -> None:
        threads = [threading.Thread(target=self._work, args=(number,)) for number in range(self._order.threads)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, number: int) -> None:
        from django.db import Error, connection

        chance = random.Random(self._order.seed * 1000 + number)
        people = self._people()
        pause = self._order.threads * self._order.at_once / self._order.rate
        begun, tries = time.monotonic(), 0
        end = begun + self._order.seconds
        enough = Path(self._order.folder) / ENOUGH
        # A machine that cannot keep up commits less, and not for longer.
        while (due := begun + tries * pause) < end > time.monotonic() and not enough.exists():
            time.sleep(max(0.0, due - time.monotonic()))
            tries += 1
            try:
                self._notify(chance.sample(people, self._order.at_once), chance)
            except Error:
                # The database is away: what was being written is not promised, and the pause is not made up for.
                with self._lock:
                    self.failed += 1
                connection.close()
                time.sleep(0.1)
                begun, tries = time.monotonic(), 0
        connection.close()

    def _people(self) -> list[User]:
        from accounts.models import User

        found = list(User.objects.filter(username__in=self._order.people))
        assert len(found) == len(self._order.people), "a person of the order does not exist"
        return found

    def _notify(self, people: list[User], chance: random.Random) -> None:
        from django.db import transaction
        from notifications.signals import notify

        from tests.faults.ledger import Acknowledged

        mark = uuid.uuid4().hex
        begun = time.monotonic()
        with suppress(_GivenUp):
            with transaction.atomic():
                notify.send(
                    people[0], recipient=people, verb="wrote", kind=self._order.kind, mark=mark, description=mark,
                    **self._order.data,
                )  # fmt: skip
                begun += _hold(chance.uniform(0, self._order.hold))
                if chance.random() < self._order.rolled_back:
                    raise _GivenUp
            took, now = time.monotonic() - begun, time.time()
            self._ledger.write(*(Acknowledged(person.username, mark, now, round(took, 4)) for person in people))
            with self._lock:
                self.acknowledged += len(people)
                self.slowest = max(self.slowest, took)


def _hold(seconds: float) -> float:
    """Keep the transaction open. Return the seconds that it took, which no statement is to blame for."""
    begun = time.monotonic()
    time.sleep(seconds)
    return time.monotonic() - begun


def main() -> None:
    django.setup()
    from notifications_hub.streams.numberer import numberer
    from tests.faults.ledger import Ledger

    order = Order(**json.loads(sys.argv[1]))
    producer = Producer(order, Ledger(Path(order.folder)))
    producer.run()
    # Its thread numbers what was committed last. If it cannot, a sweeper of another process does.
    numberer.finish(5)
    said = {
        "acknowledged": producer.acknowledged,
        "failed": producer.failed,
        "slowest_seconds": round(producer.slowest, 3),
    }
    print(json.dumps(said), flush=True)  # noqa: T201 -- the result


if __name__ == "__main__":
    main()
