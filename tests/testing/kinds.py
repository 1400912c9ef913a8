"""Kinds of a host, for the tests of its helpers."""

from __future__ import annotations

from django.utils.translation import gettext

from notifications_hub import DeliveryMethod, Kind, NotificationLike, Privacy


class Quiet(Kind):
    name = "tests.quiet"
    label = "Quiet"
    methods = frozenset({DeliveryMethod.LIVE})


class Limited(Kind):
    name = "tests.limited"
    label = "Limited"
    per_minute = 1


class Secret(Kind):
    name = "tests.secret"
    label = "Secret"
    privacy = Privacy.NOTHING


class Translated(Kind):
    name = "tests.translated"
    label = "Translated"

    def title(self, notification: NotificationLike) -> str:
        return gettext("Open")


class Personal(Kind):
    """A kind whose words differ by person, so PostgreSQL inserts it row by row."""

    name = "tests.testing.personal"
    label = "Personal"

    def title(self, notification: NotificationLike) -> str:
        recipient = getattr(notification, "recipient")  # noqa: B009 -- no kind should read it
        return f"For {recipient}"
