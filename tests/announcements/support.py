"""Helpers for the tests of announcements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from django.contrib.messages import get_messages

from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.methods import all_methods
from notifications_hub.announcements.models import Announcement
from notifications_hub.streams.models import Event

if TYPE_CHECKING:
    from django.test import Client

    from accounts.models import User

ADD = "/admin/notifications_hub/announcement/add/"
LIST = "/admin/notifications_hub/announcement/"
ONCE = "6f1c1b57-6d6f-4d41-8a3c-1df1f0a1b7c2"


class ClientFor(Protocol):
    def __call__(self, person: User) -> Client: ...


class Grant(Protocol):
    def __call__(self, *codenames: str) -> User: ...


def change(announcement: Announcement) -> str:
    return f"{LIST}{announcement.pk}/change/"


def withdrawal(announcement: Announcement) -> str:
    return f"{LIST}{announcement.pk}/withdraw/"


def approval(announcement: Announcement) -> str:
    return f"{LIST}{announcement.pk}/approval/"


def history(announcement: Announcement) -> str:
    return f"{LIST}{announcement.pk}/history/"


def trail() -> list[tuple[str, str, str]]:
    """Return step, person and source of each entry of the audit trail, oldest first."""
    return list(AnnouncementStep.objects.order_by("pk").values_list("step", "person_name", "source"))


def log_of(topic: str) -> list[tuple[str, Any]]:
    """Return kind and data of each event of a topic, in order."""
    return list(Event.objects.filter(topic=topic).order_by("pk").values_list("kind", "data"))


def kinds_on(topic: str) -> list[str]:
    return [kind for kind, _data in log_of(topic)]


def filled_in(**changes: Any) -> dict[str, Any]:
    """Return the form's fields as a browser sends them."""
    form = {
        "title": "Closed on Sunday",
        "body": "We move the **shelves**.",
        "url": "",
        "level": "info",
        "urgency": "normal",
        "audience": "everyone",
        "methods": all_methods(),
        "starts_at_0": "",
        "starts_at_1": "",
        "ends_at_0": "",
        "ends_at_1": "",
        "once": ONCE,
        "translations-TOTAL_FORMS": "0",
        "translations-INITIAL_FORMS": "0",
        "_save": "Announce",
    }
    return form | changes


def translated(title: str, body: str = "", language: str = "zh-hans") -> dict[str, str]:
    """Return the fields that a first translation adds to the form."""
    prefix = "translations-0-"
    words = {f"{prefix}language": language, f"{prefix}title": title, f"{prefix}body": body}
    return {"translations-TOTAL_FORMS": "1", **words}


def said(answer: Any) -> list[str]:
    """Return the messages on the page that a response leads to."""
    return [str(message) for message in get_messages(answer.wsgi_request)]
