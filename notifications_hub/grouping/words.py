"""The words of a group, for messages and pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from notifications_hub.grouping.group import NotificationGroup
from notifications_hub.kinds import kind_of
from notifications_hub.message import Message
from notifications_hub.rendering import render_group

if TYPE_CHECKING:
    from notifications_hub.notification import Notification

ACTORS = 5
"""The most actors of a group that pages get by name."""


def in_group(message: Message, key: str | None) -> Message:
    """Return the message with the tag of its group, so that a newer push replaces the shown one."""
    return message if key is None else replace(message, tag=f"group:{key}")


def message_of_group(row: Notification) -> Message:
    """Return the message for all of the row's loaded group, or else its own. Actions that run are left out."""
    message = row.message()
    if row.group is None:
        return message
    title, body = _words(row, row.group)
    actions = tuple(action for action in message.actions if action.run is None)
    return replace(message, title=title, body=body, actions=actions, outcome=None)


def group_json(row: Notification) -> dict[str, Any] | None:
    """Return the group as pages get it: its key, and its number and words if it is loaded."""
    if row.group_key is None:
        return None
    if row.group is None:
        return {"key": row.group_key}
    title, body = _words(row, row.group)
    actors = list(row.group.actors[:ACTORS])
    return {"key": row.group_key, "count": row.group.count, "title": title, "body": body, "actors": actors}


def _words(row: Notification, group: NotificationGroup) -> tuple[str, str]:
    return render_group(kind_of(row.kind), replace(group, newest=row.as_kinds_read_it()))
