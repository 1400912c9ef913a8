"""How a task may end: what it says, and to whom.

Exception
└── JobFailed       the words are meant for people, and go to them
BaseException
└── JobCancelled    somebody asked it to stop, and nothing in between may take that for a fault
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What a task may return. `url` is a path of this site, a download say; `value` goes to what follows a group."""

    text: str = ""
    url: str = ""
    value: Any = None


class JobFailed(Exception):
    """Raise it with words for the person who waits. Any other exception tells them only that it went wrong."""


class JobCancelled(BaseException):
    """Raised by `self.progress()` once the job is cancelled. Let it pass; clean up in a `finally`."""
