"""Checks that run once when a server or a worker starts, and may keep it from starting."""

from __future__ import annotations

from notifications_hub.ops import demo
from notifications_hub.transports.web_push import key_check


def refusal_at_start() -> str:
    """Return the reason not to start this process, with the remedy, or an empty text."""
    return key_check.check_at_start() or demo.check_at_start()
