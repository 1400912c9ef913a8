"""T30: an event is published exactly while a client connects, a thousand times, behind nginx.

Half of the clients are alone at their topic. The others are beside one for which the process reads meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import ExitStack, closing

import pytest

from tests.faults.figures import record
from tests.live.races import Race, race
from tests.support.cluster import Cluster
from tests.support.live import cookie_of
from tests.support.site import Shell

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True), pytest.mark.usefixtures("_no_traceback")]

TIMES, LANES = 1_000, 4


def test_an_event_published_while_a_client_connects_is_not_missed(cluster: Cluster, topic: str) -> None:
    cookie, began = cookie_of(cluster, "alice"), time.monotonic()
    with ExitStack() as shells:
        races = [
            Race(
                cluster.url, cookie, f"{topic}-{lane}", TIMES // LANES,
                Publisher(shells.enter_context(closing(Shell(cluster.environment))), f"{topic}-{lane}"),
                beside=lane % 2 == 1, seed=lane,
            )
            for lane in range(LANES)
        ]  # fmt: skip
        for one in races:
            one.publish(1)
        missed = asyncio.run(all_of(races))
    record("T30", races=TIMES, missed=len(missed), seconds=time.monotonic() - began)
    assert missed == []


class Publisher:
    """Publishes numbers on a topic, in a process of its own."""

    def __init__(self, shell: Shell, topic: str) -> None:
        self._shell, self._topic = shell, topic
        shell.python("from notifications_hub import publish")

    def __call__(self, number: int) -> None:
        self._shell.python(f'publish({self._topic!r}, "counted", {{"n": {number}}})')


async def all_of(races: list[Race]) -> list[int]:
    return [number for missed in await asyncio.gather(*map(race, races)) for number in missed]
