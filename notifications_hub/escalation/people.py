"""Notify other people that somebody has not read a notification."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifications_hub.escalation.models import EscalationStep
from notifications_hub.extension import columns_of, extension_of
from notifications_hub.kinds import get_kind, kind_of
from notifications_hub.notification import Notification
from notifications_hub.notify import active_people, notify_handler
from notifications_hub.own_kinds import UNANSWERED, Escalation

_WORDS = ("kind", "actor_name", "actor_object_id", "actor_content_type_id", "target_name", "action_object_name")
_COLUMNS = (*_WORDS, "verb", "description", "url", "level", "data")


class StepRemoved(Exception):
    """Raised for a step that the kind's code no longer has."""


def choose_people(step: EscalationStep, notification: Notification) -> list[Any]:
    """Return the people that the host's function chooses, without the recipient. It may raise anything."""
    steps = kind_of(notification.kind).escalate
    to = steps[step.number - 1].to if step.number <= len(steps) else None
    if to is None:
        raise StepRemoved
    found = to(notification)
    if found is None:
        return []
    return [person for person in active_people(found) if person.pk != notification.recipient_id]


def notify_people(step: EscalationStep, notification: Notification, people: list[Any]) -> Sequence[Notification]:
    """Notify them in the caller's transaction, each at most once for this step."""
    after = kind_of(notification.kind).escalate[step.number - 1]
    kind = get_kind(after.kind or Escalation.name)
    given: dict[str, Any] = {}
    row = extension_of(notification)
    if kind.has_extension and row is not None and row.pk is not None:
        given = {field.name: getattr(row, field.name) for field in columns_of(type(row))}
    return notify_handler(
        "hasn't answered",
        sender=notification.recipient,
        recipient=people,
        kind=kind.name,
        url=notification.url,
        level=notification.level,
        dedupe_key=f"escalation:{step.pk}",
        data={UNANSWERED: {name: getattr(notification, name) for name in _COLUMNS} | {"data": notification.data or {}}},
        **given,
    )
