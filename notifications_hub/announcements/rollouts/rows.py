"""Insert what a step plans: people's rows of an announcement, and their deliveries.

One statement inserts all of a kind. The ORM would spend longer on the values of each row than the database on the row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F
from django.utils import timezone

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import KIND
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.database.insert_select import insert_select
from notifications_hub.database.primary import connection
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification


def rows_of(
    announcement: Announcement, methods: Mapping[Any, frozenset[str]], people: Collection[Any]
) -> dict[Any, int]:
    """Return the row of each person that is still undelivered and unread, created if it is missing."""
    alike: dict[tuple[bool, bool], list[Any]] = {}
    for pk in people:
        key = DeliveryMethod.LIVE in methods[pk], DeliveryMethod.FLASH in methods[pk]
        alike.setdefault(key, []).append(pk)
    for (toast, flash), its in sorted(alike.items()):
        _insert_rows(announcement, its, toast=toast, flash=flash)
    waiting = Notification.objects.visible().unread().filter(announcement=announcement, recipient__in=people)
    return dict(waiting.filter(delivered_at=None, archived_at=None).values_list("recipient", "pk"))


def _insert_rows(announcement: Announcement, people: Collection[Any], *, toast: bool, flash: bool) -> None:
    at = announcement.announced_at or timezone.now()
    insert_select(
        Notification,
        get_user_model()._base_manager.filter(pk__in=people).order_by("pk"),
        {
            "recipient": F("pk"),
            "announcement": announcement.pk,
            "kind": KIND,
            "level": announcement.level,
            "verb": KIND,
            "timestamp": at,
            "committed_at": at,
            "toast": toast,
            "flash": flash,
            "must_acknowledge": announcement.must_acknowledge,
        },
    )


_INSERT = """
    INSERT INTO notifications_hub_delivery (notification_id, transport, address, rollout_id, state, reason,
        reason_parameters, due_at, attempts, trail, created)
    SELECT notification, %s, address, %s, 'waiting', '', '{{}}', {now}, 0, '[]', %s FROM {planned}
    ON CONFLICT DO NOTHING"""
# One parameter holds all rows: thousands of parameters take the driver longer than the database.
_PLANNED = {
    "postgresql": "json_to_recordset(CAST(%s AS json)) AS planned(notification bigint, address text)",
    # `WHERE` keeps SQLite from reading `ON` as part of a join.
    "sqlite": """(SELECT value ->> 'notification' AS notification, value ->> 'address' AS address
        FROM json_each(%s)) AS planned WHERE true""",
}
_NOW = {"postgresql": "STATEMENT_TIMESTAMP()", "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"}


def insert_deliveries(rollout: Rollout, planned: Iterable[tuple[int, str]]) -> None:
    """Insert a delivery for each notification and address, due now."""
    rows = json.dumps([{"notification": notification, "address": address} for notification, address in planned])
    created = connection.ops.adapt_datetimefield_value(timezone.now())
    vendor = connection.vendor
    with connection.cursor() as sql:
        sql.execute(
            _INSERT.format(now=_NOW[vendor], planned=_PLANNED[vendor]), [rollout.transport, rollout.pk, created, rows]
        )
