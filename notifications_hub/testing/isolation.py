"""The state that a process keeps between two tests, such as who had a page open, and how to forget it.

A test's transaction is rolled back, so the next test's people often have the primary keys of this one's.
"""

from __future__ import annotations

from notifications_hub.announcements.banners import current as banners
from notifications_hub.cache_keys import forget_cache_entries
from notifications_hub.delivery.worker_wakeup import forget_wake_ups
from notifications_hub.guarded_cache import forget_failures
from notifications_hub.rendering import forget_logged_errors
from notifications_hub.streams.numberer import numberer
from notifications_hub.transports.memory import clear_memories

END_SECONDS = 10.0
"""The longest wait for the thread that numbers events on PostgreSQL."""


def forget_earlier_tests() -> None:
    """Forget presence, rates, memberships and banners that are kept, sent messages in memory, and what was logged once.

    It uses neither the cache nor the database.
    """
    banners.forget()
    forget_cache_entries()
    forget_failures()
    forget_logged_errors()
    forget_wake_ups()
    clear_memories()


def end_background_work() -> None:
    """Wait for work after commits. Its connection would keep Django from emptying or dropping the test's database."""
    numberer.end(END_SECONDS)
