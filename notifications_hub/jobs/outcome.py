"""The outcomes of a task.

Exception
└── JobFailed       the message is shown to the person
BaseException
└── JobCancelled    the job was cancelled; `except Exception` must not catch it
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The result of a task. `url` is a path of this site, such as a download. `value` goes to a following task."""

    text: str = ""
    url: str = ""
    value: Any = None


class JobFailed(Exception):
    """A failure with a message for the waiting person. After any other exception they see only that it failed."""


class JobCancelled(BaseException):
    """Raised by `self.progress()` after the job was cancelled. Do not catch it; clean up in a `finally`."""
