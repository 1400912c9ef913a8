"""A kind with actions, whose work is one row of Django's own for each run."""

from __future__ import annotations

import time
from typing import Any

from django.contrib.auth.models import Group
from django.test import Client
from notifications.signals import notify

from notifications_hub import Action, ActionRefused, Kind
from notifications_hub.notification import Notification

PAUSE = 0.3
"""Seconds that a run takes, so that clicks at the same time overlap."""


def approve(notification: Any, person: Any, word: str) -> None:
    Group.objects.create(name=f"approved {Group.objects.count()}")
    time.sleep(PAUSE)


def decline(notification: Any, person: Any, word: str) -> str:
    Group.objects.create(name=f"declined {Group.objects.count()}")
    return f"“{word}”"


def fail(notification: Any, person: Any, word: str) -> None:
    Group.objects.create(name="failed")
    if not Request.mended:
        raise RuntimeError("a fault of the host")


def refuse(notification: Any, person: Any, word: str) -> None:
    raise ActionRefused("The garden is full.")


def is_approver(notification: Any, person: Any) -> bool:
    return Request.allows


class Request(Kind):
    name = "tests.request"
    label = "Requests to join"
    mended = True
    allows = True

    def actions(self, notification: Any) -> list[Action]:
        return [
            Action("approve", "Approve", run=approve, allowed=is_approver, style="primary"),
            Action("decline", "Decline", run=decline, asks="Why not?", style="danger", done="No, says %(person)s"),
            Action("break", "Break", run=fail),
            Action("refuse", "Refuse", run=refuse, asks="Anything?", word_required=False, word_length=5),
            Action("look", "Look", url="/look/"),
        ]


class Invitation(Kind):
    name = "tests.invitation"
    personal_actions = True

    def actions(self, notification: Any) -> list[Action]:
        return [Action("accept", "Accept", run=approve)]


class Repeated(Kind):
    name = "tests.repeated"

    def actions(self, notification: Any) -> list[Action]:
        return [Action("approve", "Approve", run=approve)]

    def action_key(self, notification: Any) -> str:
        return f"request {notification.data['request']}"


def ask(people: list[Any], by: Any, kind: str = "tests.request", **given: Any) -> list[Notification]:
    """Notify everyone in one call. Return the rows in the order of the people."""
    made: Any = notify.send(by, recipient=people, verb="asks to join", kind=kind, **given)
    rows = {row.recipient_id: row for row in made[0][1]}
    return [rows[person.pk] for person in people]


def click(client: Client, row: Notification, action: str, word: str | None = None) -> Any:
    body = {} if word is None else {"word": word}
    return client.post(f"/api/v1/notifications/{row.pk}/actions/{action}/", body, content_type="application/json")


def runs() -> list[str]:
    return sorted(Group.objects.values_list("name", flat=True))
