"""Helpers for the inbox's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from notifications.signals import notify

from notifications_hub.inbox.preference_table import listed_kinds
from notifications_hub.inbox.queries import InboxPage
from notifications_hub.notification import Notification
from notifications_hub.streams import Event

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User

API = "/api/v1/"
NEVER = "987654"
"""A number that no row has."""


class ClientFor(Protocol):
    def __call__(self, person: User) -> Client: ...


class Answer(NamedTuple):
    """Everything about a response that an outsider can observe."""

    status: int
    text: str
    queries: int


def send_one(person: User, by: User, verb: str = "replied", **given: Any) -> Notification:
    """Send one notification the way a host does."""
    made: Any = notify.send(by, recipient=person, verb=verb, **given)
    row: Notification = made[0][1][0]
    return row


def columns(row: Model) -> dict[str, Any]:
    """Return all stored columns of the row."""
    row.refresh_from_db()
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def events_of(person: User, kind: str) -> list[dict[str, Any]]:
    logged = Event.objects.filter(topic=f"inbox.{person.pk}", kind=kind).order_by("pk")
    return list(logged.values_list("data", flat=True))


def ids(page: InboxPage) -> list[str]:
    return [item.message.id for item in page.items]


def post(client: Client, path: str, body: object, **headers: str) -> Any:
    return client.post(API + path, body, content_type="application/json", headers=headers)


def queries_of(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        act()
    return len(captured)


def answer_of(act: Callable[[], Any]) -> Answer:
    with CaptureQueriesContext(connection) as captured:
        response = act()
    return Answer(response.status_code, response.content.decode(), len(captured))


def shown_kinds() -> dict[str, Any]:
    """Return the fields by which the form of the preferences names the kinds that it shows."""
    return {"shown": [kind.name for kind in listed_kinds()]}
