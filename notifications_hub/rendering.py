"""Rendering of a stored notification by its kind. No other module calls the code of a kind.

A kind is a host's code, and a row may be older than that code. If a part of a kind raises or returns something invalid,
the row is shown with a plain part instead. The log says so once per process.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from django.utils.functional import Promise
from django.utils.translation import gettext
from notifications.base.models import AbstractNotification

from notifications_hub.grouping.group import NotificationGroup, number
from notifications_hub.kinds import STYLES, Action, Kind, NotificationLike, Privacy, Urgency, get_kind, open_and_read
from notifications_hub.system_actors import actor_label
from notifications_hub.web.site_paths import same_site_path
from notifications_hub.web.text import balanced, is_blank, is_storable, isolated

Row = TypeVar("Row", bound=NotificationLike)
T = TypeVar("T")

log = logging.getLogger(__name__)

_NAMES = ("actor_name", "target_name", "action_object_name")
_logged: set[tuple[str, str]] = set()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """The parts of a notification, as plain text in the active language. With an empty `tag` it replaces no other."""

    title: str
    body: str
    url: str
    level: str
    icon: str
    tag: str
    actions: tuple[Action, ...]
    urgency: Urgency
    ttl: int | None
    privacy: Privacy


def render(kind: Kind, row: NotificationLike) -> Rendered:
    """Return the row as its kind renders it. Errors of the kind are logged, never raised."""
    rendered, faults = render_with_faults(kind, row)
    for part, error in faults.items():
        _log_once(kind.name, part, error)
    return rendered


def render_with_faults(kind: Kind, row: NotificationLike) -> tuple[Rendered, dict[str, Exception]]:
    """Return the row as its kind renders it, and the error of each part that failed, by its name."""
    named = _with_isolated_names(row)
    plain = get_kind("default")
    faults: dict[str, Exception] = {}

    def part(name: str, read: Callable[[], T], plain: Callable[[], T]) -> T:
        try:
            return read()
        except Exception as error:  # noqa: BLE001 -- a host's code may raise anything; the caller logs or shows it
            faults[name] = error
            return plain()

    rendered = Rendered(
        title=part("title", lambda: _title(kind.title(named)), lambda: balanced(plain.title(named))),
        body=part("body", lambda: _words(kind.body(named)), lambda: balanced(plain.body(named))),
        url=part("url", lambda: same_site_path(row.url), str),
        level=part("level", lambda: _level(row.level), lambda: "info"),
        icon=part("icon", lambda: _text(kind.icon), lambda: Kind.icon),
        tag=part("tag", lambda: _text(kind.tag(row)), str),
        actions=part("actions", lambda: tuple(map(_action, kind.actions(row))), lambda: tuple(open_and_read())),
        urgency=part("urgency", lambda: Urgency(kind.urgency), lambda: Kind.urgency),
        ttl=part("ttl", lambda: _seconds(kind.ttl), lambda: None),
        # If the kind's privacy is invalid, a locked screen shows nothing.
        privacy=part("privacy", lambda: Privacy(kind.privacy), lambda: Privacy.NOTHING),
    )
    return rendered, faults


def render_group(kind: Kind, group: NotificationGroup) -> tuple[str, str]:
    """Return the title and body of a group as its kind words it. Errors of the kind are logged, never raised."""
    newest = _with_isolated_names(group.newest)
    named = replace(group, newest=_named(newest, group.who))
    plain = get_kind("default")
    title = _part_of_group(kind, "group_title", lambda: _title(kind.group_title(named)))
    if title is None:
        title = balanced(plain.title(named.newest))
    if title == _part_of_group(kind, "title", lambda: _title(kind.title(newest))):
        # Its words do not tell that there are several.
        title = gettext("%(title)s (%(number)s)") % {"title": title, "number": number(group.count)}
    body = _part_of_group(kind, "group_body", lambda: _words(kind.group_body(named)))
    return title, balanced(plain.body(newest)) if body is None else body


def _named(row: Row, actor: str) -> Row:
    named = copy.copy(row)
    named.actor_name = actor
    return named


def _part_of_group(kind: Kind, name: str, read: Callable[[], str]) -> str | None:
    try:
        return read()
    except Exception as error:  # noqa: BLE001 -- a host's code may raise anything
        _log_once(kind.name, name, error)
        return None


def urgency_of(kind: Kind) -> Urgency:
    """Return the urgency of the kind. An error of the kind is logged, never raised."""
    try:
        return Urgency(kind.urgency)
    except Exception as error:  # noqa: BLE001 -- a host's code may raise anything
        _log_once(kind.name, "urgency", error)
        return Kind.urgency


def _log_once(kind: str, part: str, error: Exception) -> None:
    # Every page shows the same rows again, so logging each time would flood the log.
    if (kind, part) not in _logged:
        _logged.add((kind, part))
        text = "The kind %r failed to render %r of a stored row, so a plain one is shown. This is logged once"
        log.error(text, kind, part, exc_info=error)


def forget_logged_errors() -> None:
    """Log each error once more. For tests."""
    _logged.clear()


def _with_isolated_names(row: Row) -> Row:
    """Return the row, or a copy whose names cannot change the text direction of the words around them."""
    names = {name: getattr(row, name) for name in _NAMES} | {"actor_name": actor_label(row)}
    isolating = {name: isolated(text) for name, text in names.items()}
    changed = {name: text for name, text in isolating.items() if text != getattr(row, name)}
    if not changed:
        return row
    named = copy.copy(row)
    for name, text in changed.items():
        setattr(named, name, text)
    return named


# Validation of each part


def _title(title: object) -> str:
    words = _words(title)
    if is_blank(words):
        raise ValueError("a title must have visible characters")
    return words


def _words(words: object) -> str:
    return balanced(_text(words))


def _text(text: object) -> str:
    if not isinstance(text, str | Promise):
        raise TypeError(f"must be text, not {type(text).__name__}")
    found = str(text)
    if not is_storable(found):
        raise ValueError("contains a NUL character or half of a surrogate pair")
    return found


def _level(level: str) -> str:
    if level not in AbstractNotification.LEVELS.values:
        raise ValueError(f"{level!r} is not a level")
    return level


def _seconds(ttl: object) -> int | None:
    if not isinstance(ttl, int | None):
        raise TypeError(f"must be a number of seconds or None, not {type(ttl).__name__}")
    return ttl


def _action(action: object) -> Action:
    if not isinstance(action, Action):
        raise TypeError(f"must be an Action, not {type(action).__name__}")
    if action.run is not None and not callable(action.run):
        raise TypeError(f"run must be a function, not {type(action.run).__name__}")
    if not isinstance(action.word_length, int):
        raise TypeError(f"word_length must be a number, not {type(action.word_length).__name__}")
    # Converts lazy words in the language that is active now.
    return replace(
        action,
        name=_text(action.name),
        title=_words(action.title),
        url=same_site_path(action.url),
        asks=_words(action.asks),
        done=_text(action.done),
        style=action.style if action.style in STYLES else "",
    )
