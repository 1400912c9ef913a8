"""An event published exactly while a client connects is not missed. `tests/faults/cluster` does it a thousand times."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest

from tests.live.races import Race, race
from tests.live.support import HURRIED, publish
from tests.support.live import cookie_of
from tests.support.redis import RedisServer
from tests.support.site import Site

TIMES = 10


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-another"])
def test_an_event_published_while_a_client_connects_is_not_missed(
    start_site: Callable[..., Site], redis_server: RedisServer, topic: str, beside: bool
) -> None:
    # With Redis, so that the hint arrives while the client connects and not a sweep later.
    site = start_site(REDIS_URL=redis_server.url, **HURRIED)
    publish(site, topic, 1)
    on_topic = partial(publish, site, topic)
    missed = asyncio.run(race(Race(site.url, cookie_of(site, "alice"), topic, TIMES, on_topic, beside=beside)))
    assert missed == []
