"""The HTTP status of each reason that an action did not run, alike for the API, the pages and the service worker."""

from __future__ import annotations

from notifications_hub.actions.running import (
    ActionFailed,
    ActionProblem,
    ActionRefused,
    AlreadyDone,
    BadWord,
    BeingDone,
    NoSuchAction,
    NotAllowed,
)

_STATUSES: list[tuple[type[ActionProblem], int]] = [
    (NoSuchAction, 404),
    (NotAllowed, 403),
    (BadWord, 422),
    (AlreadyDone, 409),
    (BeingDone, 409),
    (ActionRefused, 409),
    (ActionFailed, 500),
]


def status_of(problem: ActionProblem) -> int:
    return next(status for kind, status in _STATUSES if isinstance(problem, kind))
