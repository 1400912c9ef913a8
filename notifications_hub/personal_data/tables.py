"""The tables that hold rows of a person, and what an export and an erasure do with each.

A test compares this list with the models, so that no new table is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models

from notifications_hub.actions.models import ActionResult
from notifications_hub.announcements.approval.models import Correction
from notifications_hub.announcements.banners.models import BannerDismissal
from notifications_hub.announcements.models import Announcement, RowsThrough
from notifications_hub.audience_lists import AudienceListMember
from notifications_hub.confirmations.models import Reminder
from notifications_hub.delivery.models import DeliveredThrough, Delivery, FlashRest, Preference
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.following.models import Follow
from notifications_hub.ingest.models import ServiceToken
from notifications_hub.jobs.models import Job
from notifications_hub.live.topic_presence import TopicPresence
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.transports.own_addresses.models import OwnAddress
from notifications_hub.transports.web_push.subscriptions import PushSubscription

Columns = Callable[[Any], dict[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """The rows of a person in one table. `field` leads to the person.

    With `forget`, an erasure keeps the rows and empties that column: they belong to the site. `secret` columns are not
    exported. `more` returns further values of a row, for people to read.
    """

    name: str
    model: type[models.Model]
    field: str
    forget: bool = False
    secret: frozenset[str] = frozenset()
    more: Columns | None = None

    def rows(self, person_pk: Any) -> models.QuerySet[Any]:
        return self.model._base_manager.filter(**{self.field: person_pk}).order_by("pk")

    def values(self, row: models.Model) -> dict[str, Any]:
        """Return a row's columns as JSON takes them, without secrets."""
        shown: dict[str, Any] = {
            field.attname: field.value_from_object(row)
            for field in row._meta.concrete_fields
            if field.name not in self.secret
        }
        return shown | (self.more(row) if self.more else {})


def _words(row: Notification) -> dict[str, Any]:
    message = row.message_without_result()
    return {"title": message.title, "body": message.body}


def _address(row: OwnAddress) -> dict[str, Any]:
    try:
        return {"address": row.destination().address}
    except ValueError:
        # No key of this site opens it any more.
        return {"address": None}


_PUSH_SECRETS = frozenset({"endpoint", "endpoint_hash", "p256dh", "auth", "password_stamp", "key_fingerprint"})

TABLES = (
    Table(name="notifications", model=Notification, field="recipient", more=_words),
    # They go with their notifications.
    Table(name="deliveries", model=Delivery, field="notification__recipient", secret=frozenset({"claim"})),
    Table(
        name="escalation_steps",
        model=EscalationStep,
        field="notification__recipient",
        secret=frozenset({"claim"}),
    ),
    Table(name="preferences", model=Preference, field="person"),
    Table(name="quiet_hours", model=QuietHours, field="person"),
    Table(name="following", model=Follow, field="person"),
    Table(name="browsers", model=PushSubscription, field="owner", secret=_PUSH_SECRETS),
    Table(
        name="own_addresses",
        model=OwnAddress,
        field="owner",
        secret=frozenset({"sealed", "fingerprint"}),
        more=_address,
    ),
    Table(name="jobs", model=Job, field="owner", secret=frozenset({"claim"})),
    Table(name="banners_dismissed", model=BannerDismissal, field="person"),
    Table(name="announcements_shown", model=DeliveredThrough, field="person"),
    Table(name="announcements_listed", model=RowsThrough, field="person"),
    Table(name="flashes", model=FlashRest, field="person"),
    Table(name="audience_lists", model=AudienceListMember, field="person"),
    Table(name="presence", model=TopicPresence, field="person"),
    Table(name="announcements_written", model=Announcement, field="by", forget=True),
    Table(name="announcements_edited", model=Announcement, field="last_editor", forget=True),
    Table(name="announcements_approved", model=Announcement, field="approved_by", forget=True),
    Table(name="service_tokens", model=ServiceToken, field="by", forget=True, secret=frozenset({"token_hash"})),
    Table(name="action_results", model=ActionResult, field="person", forget=True, secret=frozenset({"claim"})),
    Table(name="corrections", model=Correction, field="by", forget=True),
    Table(name="reminders_asked_for", model=Reminder, field="asked_by", forget=True),
)


def fields_covered() -> Iterable[tuple[type[models.Model], str]]:
    """Return the columns that lead to a person, as the list above knows them."""
    return {(table.model, table.field.partition("__")[0]) for table in TABLES}
