"""Insert what a step plans: people's rows of an announcement, and their deliveries.

One statement inserts all of a kind. The ORM would spend longer on the values of each row than the database on the row.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import F
from django.utils import timezone

from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import KIND
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.announcements.rollouts.people import Choice
from notifications_hub.database.insert_select import insert_select
from notifications_hub.database.primary import connection
from notifications_hub.delivery import claiming
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.worker_life import new_claim
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.telemetry import measures

# People's rows


def rows_of(announcement: Announcement, choice: Choice, people: Collection[Any]) -> list[Notification]:
    """Return the row of each person that is still undelivered and unread, created if it is missing."""
    alike: dict[tuple[bool, bool], list[Any]] = {}
    for pk in people:
        methods = choice.methods[pk]
        alike.setdefault((DeliveryMethod.LIVE in methods, DeliveryMethod.FLASH in methods), []).append(pk)
    values = _values(announcement)
    for (toast, flash), its in sorted(alike.items()):
        chosen = get_user_model()._base_manager.filter(pk__in=its).order_by("pk")
        columns = {**values, "recipient": F("pk"), "announcement": announcement.pk, "toast": toast, "flash": flash}
        insert_select(Notification, chosen, columns)
    return list(_waiting_rows(announcement, values, {person.pk: person for person in choice.people}, people))


def _values(announcement: Announcement) -> dict[str, Any]:
    """Return the values that all rows share."""
    at = announcement.announced_at or timezone.now()
    own = {"kind": KIND, "verb": KIND, "level": announcement.level, "timestamp": at, "committed_at": at}
    return {**own, "must_acknowledge": announcement.must_acknowledge}


def _waiting_rows(
    announcement: Announcement, values: Mapping[str, Any], people: Mapping[Any, Any], pks: Collection[Any]
) -> Iterator[Notification]:
    """Yield the rows with what a worker needs of them. Setting each field takes as long as the database."""
    like = Notification(announcement=announcement, **values)
    like._state.adding, like._state.db = False, connection.alias
    waiting = Notification.objects.visible().unread().filter(announcement=announcement, recipient__in=pks)
    found = waiting.filter(delivered_at=None, archived_at=None).values_list("recipient", "pk", "toast", "flash")
    for person, pk, toast, flash in found.order_by("recipient"):
        row = copy(like)
        row.pk, row.recipient, row.toast, row.flash = pk, people[person], toast, flash
        yield row


# Deliveries

_INSERT = """
    INSERT INTO notifications_hub_delivery (notification_id, transport, address, rollout_id, state, reason,
        reason_parameters, due_at, claim, attempts, trail, created)
    SELECT notification, %s, address, %s, 'waiting', '', '{{}}', {due}, {claim}, 0, '[]', %s FROM {planned}
    ON CONFLICT DO NOTHING RETURNING id, notification_id, address"""
# One parameter holds all rows: thousands of parameters take the driver longer than the database.
_PLANNED = {
    "postgresql": "json_to_recordset(CAST(%s AS json)) AS planned(notification bigint, address text, due float8)",
    # Without `WHERE`, SQLite reads `ON` as part of a join.
    "sqlite": """(SELECT value ->> 'notification' AS notification, value ->> 'address' AS address,
        value ->> 'due' AS due FROM json_each(%s)) AS planned WHERE true""",
}
_DUE = {
    "postgresql": "STATEMENT_TIMESTAMP() + due * interval '1 second'",
    "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', due || ' seconds')",
}
_CLAIM = "CASE WHEN due > 0 THEN CAST(%s AS {type}) END"
_UUID = {"postgresql": "uuid", "sqlite": "text"}


def insert_deliveries(rollout: Rollout, planned: Sequence[tuple[Notification, str]], claims: int) -> list[Delivery]:
    """Insert a delivery for each row and address. So many are claimed and returned; the others are due now."""
    lease, claim, now = claiming.LEASE.total_seconds(), new_claim(), timezone.now()
    rows = [
        {"notification": row.pk, "address": address, "due": lease if number < claims else 0}
        for number, (row, address) in enumerate(planned)
    ]
    vendor = connection.vendor
    statement = _INSERT.format(due=_DUE[vendor], claim=_CLAIM.format(type=_UUID[vendor]), planned=_PLANNED[vendor])
    created = connection.ops.adapt_datetimefield_value(now)
    given: list[Any] = [rollout.transport, rollout.pk, claiming.stored("claim", claim), created, json.dumps(rows)]
    with connection.cursor() as sql:
        sql.execute(statement, given)
        inserted = {(notification, address): pk for pk, notification, address in sql.fetchall()}
    like = Delivery(transport=rollout.transport, rollout=rollout, claim=claim, created=now)
    like._state.adding, like._state.db = False, connection.alias
    like.loaded_at = rollout.clock
    return list(_claimed(like, planned[:claims], inserted))


def _claimed(
    like: Delivery, planned: Sequence[tuple[Notification, str]], inserted: Mapping[tuple[int, str], int]
) -> Iterator[Delivery]:
    """Yield the deliveries as a claim would load them."""
    wait = measures.delivery_wait.labels(like.transport)
    for row, address in planned:
        # One that existed is another claim's.
        if (pk := inserted.get((row.pk, address))) is not None:
            one = copy(like)
            one.pk, one.notification, one.address = pk, row, address
            wait.observe(0.0)
            yield one
