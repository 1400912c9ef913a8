"""What is looked after each second in every hub and worker, so that no promise hangs on a process that was killed."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from notifications_hub import streams

Chore = Callable[[], object]

log = logging.getLogger(__name__)

_chores: list[Chore] = [streams.number_everything]


def every_second(chore: Chore) -> Chore:
    """Registers a chore. It must be cheap when there is nothing to do, and safe to run in several processes at once."""
    if chore not in _chores:
        _chores.append(chore)
    return chore


def sweep() -> None:
    """Raises `OperationalError` or `InterfaceError` where the database is away; other faults stay with their chore."""
    for chore in _chores:
        try:
            chore()
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("The chore %r failed", chore)
