"""The deadline of a client's request to the hub, for a database that is away or hangs.

A hanging server keeps its connections and answers nothing, so no timeout of PostgreSQL's own ends a statement. The few
threads of the hub wait until it goes on, and everyone else soon hears to come back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from notifications_hub.database.reconnect import CONNECTION_ERRORS, first_line
from notifications_hub.live.admission import Refusal
from notifications_hub.live.close_codes import UNAVAILABLE
from notifications_hub.live.counted_warning import CountedWarning

ANSWER_SECONDS = 5.0

log = logging.getLogger(__name__)

_refused = CountedWarning(log, "The database did not answer clients, who will come back: %d (%s)")


@asynccontextmanager
async def deadline() -> AsyncIterator[None]:
    """Raise `Refusal` if the block takes longer than `ANSWER_SECONDS`, or if the database cannot be reached."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            yield
    except (TimeoutError, *CONNECTION_ERRORS) as error:
        why = "it hangs" if isinstance(error, TimeoutError) else first_line(error)
        _refused.add(why)
        raise Refusal(UNAVAILABLE) from error
