"""A process that publishes: `python -m tests.support.publisher TOPIC RATE SECONDS`.

It rolls a third of its transactions back, and prints the number of events that it committed.
"""

from __future__ import annotations

import random
import sys
import time
from contextlib import suppress

import django


class _GivenUp(Exception):
    pass


def main() -> None:
    django.setup()
    topic, rate, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    chance, committed = random.Random(5), 0
    begun = time.monotonic()
    attempts = 0
    while time.monotonic() - begun < seconds:
        committed += _one_transaction(topic, committed, chance)
        attempts += 1
        time.sleep(max(0.0, begun + attempts / rate - time.monotonic()))
    print(committed, flush=True)  # noqa: T201 -- the result


def _one_transaction(topic: str, committed: int, chance: random.Random) -> int:
    from django.db import transaction

    from notifications_hub import publish

    count = chance.choice([1, 1, 2])
    with suppress(_GivenUp), transaction.atomic():
        for number in range(count):
            publish(topic, "counted", {"n": committed + number + 1, "sent": time.time()})
        if chance.random() < 1 / 3:
            raise _GivenUp
        return count
    return 0


if __name__ == "__main__":
    main()
