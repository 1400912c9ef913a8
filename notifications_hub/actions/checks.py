"""System checks of declared actions, on the samples of their kinds: report mistakes at start-up, with the remedy."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from inspect import iscoroutinefunction
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register

from notifications_hub.kinds import STYLES, Action, Kind, Sample, all_kinds
from notifications_hub.notification import Notification

RESERVED = ("acknowledge", "open", "read", "unfollow")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)


@register(Tags.compatibility)
def check_actions(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    return [problem for kind in all_kinds() for problem in problems_of(kind)]


def problems_of(kind: Kind) -> Iterator[CheckMessage]:
    """Yield the mistakes in a kind's actions. A kind without a sample, or whose code fails with it, is left out."""
    if type(kind).actions is Kind.actions or kind.sample is None:
        return
    try:
        actions = list(kind.actions(_row(kind.sample)))
    except Exception:  # noqa: BLE001 -- check_kinds() reports what fails with a sample
        return
    for name, count in Counter(one.name for one in actions).items():
        if count > 1:
            yield _error(kind, f"has {count} actions named {name!r}", "Give each a name of its own.", 77)
    for action in actions:
        if action.run is not None:
            yield from _problems_of_one(kind, action)


def _problems_of_one(kind: Kind, action: Action) -> Iterator[CheckMessage]:
    found = f"has an action named {action.name!r} that runs"
    if action.name in RESERVED or not _NAME.fullmatch(action.name):
        hint = f"Use letters, digits, `_`, `.` and `-`, but not {', '.join(RESERVED)}."
        yield _error(kind, f"{found}, which cannot have this name", hint, 78)
    for fault, hint in _faults(action):
        yield _error(kind, f"{found}, but {fault}", hint, 79)


def _faults(action: Any) -> Iterator[tuple[str, str]]:
    if not callable(action.run):
        yield "`run` is no function", "Write run=approve, without parentheses."
    for name in ("run", "allowed"):
        if iscoroutinefunction(getattr(action, name)):
            yield f"`{name}` is asynchronous", "Leave out `async`; use `asgiref.sync.async_to_sync` inside."
    if action.url:
        yield "it also has a `url`", "Leave out the `url`; let `run` do the work."
    if action.allowed is not None and not callable(action.allowed):
        yield "`allowed` is no function", "Write allowed=may_approve, without parentheses, or leave it out."
    if not isinstance(action.word_length, int) or action.word_length < 1:
        yield f"its `word_length` is {action.word_length!r}", "Write a number of characters, like 200."
    if action.style not in STYLES:
        yield f"its style is {action.style!r}", "Write `primary`, `danger` or nothing."
    try:
        str(action.done) % {"person": "", "action": ""}
    except (KeyError, TypeError, ValueError):
        yield "its `done` has another placeholder than %(person)s and %(action)s", "Write % as %%."


def _row(sample: Sample) -> Any:
    names = {"actor_name": str(sample.actor), "target_name": str(sample.target), "verb": str(sample.verb)}
    names |= {"action_object_name": str(sample.action_object), "description": str(sample.description)}
    return Notification(url=str(sample.url), level=sample.level, data=dict(sample.data), **names)


def _error(kind: Kind, fault: str, hint: str, number: int) -> Error:
    return Error(f"The kind {kind.name!r} {fault}.", hint=hint, obj=type(kind), id=f"notifications_hub.E0{number}")
