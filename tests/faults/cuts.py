"""Events for a page whose connections are cut, and a count of what the page made of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tests.support.site import Served

WORDS = "schlaflos — 不眠 🙂"
"""Some characters take several bytes, so that some cuts are inside one."""


def publish(site: Served, topic: str, first: int, last: int, *, times: int = 1) -> None:
    """Publish the events of these numbers, with `WORDS` so many times in each."""
    site.python(f"""
        from notifications_hub import publish_many
        words = {WORDS!r} * {times}
        publish_many(({topic!r}, "counted", {{"n": n, "words": words}}) for n in range({first}, {last} + 1))
    """)


def published(site: Served, topic: str) -> set[int]:
    """Return the numbers that the log holds."""
    return set(
        map(
            int,
            site.python(f"""
                from notifications_hub.streams.models import Event
                print(*Event.objects.filter(topic={topic!r}).values_list("seq", flat=True))
            """).split(),
        )
    )


def wrong(applied: Sequence[int], logged: set[int]) -> tuple[int, int, int]:
    """Count what a page lost, applied again or skipped."""
    gaps = sum(after > before + 1 for before, after in pairwise(applied))
    return len(logged - set(applied)), len(applied) - len(set(applied)), gaps
