"""A person's inbox as every page asks about it: capped counts, and whether something waits to be flashed.

One statement, which reads a bounded number of rows of an inbox of any size. It is raw SQL, because the ORM takes longer
to compose it than the database takes to answer. `Notification.Meta` says why each part sorts by a column that is NULL.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest

from notifications_hub import audiences
from notifications_hub.conf import hub_settings
from notifications_hub.database.boolean_sql import boolean_sql
from notifications_hub.database.primary import connection
from notifications_hub.inbox_scope import scope_of
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.models import stored_schedule
from notifications_hub.snoozing.waking import wake_for
from notifications_hub.users import Person

CAP = 100
"""Counts stop here. Pages show more than 99 as "99+"."""
_LOOKED_AT = 20
"""The newest undelivered notifications that a page looks at, to tell whether there is anything to flash."""
_KEPT = "_notifications_hub_summary"


@dataclass(frozen=True, slots=True)
class Summary:
    """The counts stop at `CAP`. Announcements without a row of the person count as unread and unseen.

    The person has yet to confirm those that are `unconfirmed`. With `is_due`, the time of something snoozed has come.
    `waiting` notifications can be flashed if no page is open. Those that are `offered` were committed so long ago that
    open pages had their time to acknowledge them.
    """

    unread: int
    unseen: int
    running: int
    without_row: int
    waiting: int
    offered: int
    schedule: Schedule | None
    unconfirmed: int
    is_due: bool

    def shows_toasts(self) -> bool:
        """Return whether pages may show what is new. A person may wish silence in their quiet hours."""
        schedule = self.schedule
        return schedule is None or not schedule.silent or schedule.quiet_until(datetime.now(UTC)) is None


_FREE = "(flash_claimed_until IS NULL OR flash_claimed_until < %(now)s)"

_WAITING = """
    WITH announced AS (
        SELECT own.id, own.committed_at, own.seen_at,
               own.id IS NULL AND (running.seq IS NULL OR running.seq > COALESCE((
                   SELECT seq FROM notifications_hub_rowsthrough through
                   WHERE through.person_id = %(person)s AND through.audience = running.audience
               ), 0)) AS lacking,
               own.unread AND NOT own.deleted AND own.archived_at IS NULL AS unread,
               {asked} AND (own.id IS NULL OR (own.acknowledged_at IS NULL AND NOT own.deleted)) AS unconfirmed,
               own.flash AND own.delivered_at IS NULL AND {free} AND NOT (
                   (running.methods IS NULL OR CAST(running.methods AS text) LIKE '%%"live"%%') AND EXISTS (
                   SELECT 1 FROM notifications_hub_deliveredthrough shown
                   WHERE shown.person_id = %(person)s AND shown.topic = running.audience
                     AND shown.start < running.seq AND shown.seq >= running.seq
               )) AS undelivered
        FROM notifications_hub_announcement running
        LEFT JOIN notifications_hub_notification own ON own.id = (
            SELECT id FROM notifications_hub_notification
            WHERE announcement_id = running.id AND recipient_id = %(person)s
        )
        WHERE running.announced_at IS NOT NULL AND running.withdrawn_at IS NULL AND running.ends_at > %(now)s
          AND {audience}
    ), newest AS (
        SELECT id, committed_at, flash_claimed_until FROM notifications_hub_notification
        WHERE recipient_id = %(person)s AND flash = TRUE AND archived_at IS NULL AND announcement_id IS NULL
          AND delivered_at IS NULL AND {unread} AND {kept}
          AND id >= COALESCE((SELECT before FROM notifications_hub_flashrest WHERE person_id = %(person)s), 0)
        ORDER BY archived_at, id DESC LIMIT {most}
    ), waiting AS (
        SELECT id, committed_at FROM newest WHERE {free}
        UNION ALL SELECT id, committed_at FROM announced WHERE unread AND undelivered
    )
"""

_UNREAD = """(SELECT count(*) FROM (
               SELECT 1 FROM notifications_hub_notification
               WHERE recipient_id = %(person)s AND announcement_id IS NULL AND archived_at IS NULL
                 AND {{unread}} AND {{kept}} {where}
               ORDER BY {order} LIMIT {cap}
           ) AS capped)"""
_UNSEEN = "AND seen_at IS NULL"
# Nothing of a person without any is in this index.
_UNCONFIRMED = """(SELECT count(*) FROM (
               SELECT 1 FROM notifications_hub_notification
               WHERE recipient_id = %(person)s AND acknowledged_at IS NULL AND announcement_id IS NULL
                 AND {{must}} AND {{kept}} {where}
               ORDER BY acknowledged_at, announcement_id LIMIT {cap}
           ) AS capped)"""
_COUNTS = """
    SELECT {unread},
           {unseen},
           count(*),
           count(*) FILTER (WHERE lacking),
           count(*) FILTER (WHERE unread),
           count(*) FILTER (WHERE unread AND seen_at IS NULL),
           (SELECT count(*) FROM waiting),
           (SELECT count(*) FROM waiting WHERE committed_at < %(window)s),
           (SELECT CAST(schedule AS text) FROM notifications_hub_quiethours WHERE person_id = %(person)s),
           {unconfirmed} + count(*) FILTER (WHERE unconfirmed),
           EXISTS (
               SELECT 1 FROM notifications_hub_notification
               WHERE recipient_id = %(person)s AND snoozed_until <= %(now)s
           )
    FROM announced
"""

_IDS = "SELECT id FROM waiting WHERE committed_at < %(until)s ORDER BY id DESC"


_WHOLE = _COUNTS.format(
    unread=_UNREAD.format(where="", order="announcement_id, archived_at", cap=CAP),
    unseen=_UNREAD.format(where=_UNSEEN, order="announcement_id, archived_at, seen_at", cap=CAP),
    unconfirmed=_UNCONFIRMED.format(where="", cap=CAP),
)
_SCOPES = ("nullif(%(scope)s, '')", "''")
# Those of the scope, and those that belong to every scope. Each part has the order of its index.
_SCOPED = _COUNTS.format(
    unread=" + ".join(
        _UNREAD.format(where=f"AND scope = {scope}", order="archived_at, announcement_id", cap=CAP) for scope in _SCOPES
    ),
    unseen=" + ".join(
        _UNREAD.format(where=f"{_UNSEEN} AND scope = {scope}", order="archived_at, announcement_id, seen_at", cap=CAP)
        for scope in _SCOPES
    ),
    unconfirmed=_UNCONFIRMED.format(where=f"AND scope IN ({', '.join(_SCOPES)})", cap=CAP),
)


def summary_of(person: Person, scope: str | None = None) -> Summary:
    """Return the summary, in one statement. With a `scope`, count only what belongs to it, or to every scope."""
    window = timedelta(seconds=hub_settings.ack_window)
    question, given = (_WHOLE, {}) if scope is None else (_SCOPED, {"scope": scope})
    [row] = _ask(person, question, _LOOKED_AT, given, window=datetime.now(UTC) - window)
    (
        unread,
        unseen,
        running,
        without_row,
        announced_unread,
        announced_unseen,
        waiting,
        offered,
        schedule,
        unconfirmed,
        is_due,
    ) = row
    return Summary(
        unread=min(CAP, unread + announced_unread + without_row),
        unseen=min(CAP, unseen + announced_unseen + without_row),
        running=running,
        without_row=without_row,
        waiting=waiting,
        offered=offered,
        schedule=stored_schedule(json.loads(schedule)) if schedule else None,
        unconfirmed=min(CAP, unconfirmed),
        is_due=bool(is_due),
    )


def current_summary(person: Person, scope: str | None = None) -> Summary:
    """Return the summary, and let come back first what was snoozed until now, even if no worker runs."""
    summary = summary_of(person, scope)
    return summary_of(person, scope) if summary.is_due and wake_for(person) else summary


def summary_for(request: HttpRequest) -> Summary:
    """Return the summary of the request's signed-in person. The bell, the flash and the page itself share it."""
    person: Any = request.user
    kept: tuple[Any, Summary] | None = getattr(request, _KEPT, None)
    if kept is None or kept[0] != person.pk:
        kept = (person.pk, current_summary(person, scope_of(request)))
        setattr(request, _KEPT, kept)
    return kept[1]


def waiting_ids(person: Person, until: datetime, most: int) -> list[int]:
    """Return what can be flashed and was committed before `until`, newest first: about `most`, and announcements."""
    return [pk for (pk,) in _ask(person, _IDS, most, {}, until=until)]


def _ask(
    person: Person, question: str, most: int, given: Mapping[str, str], **moments: datetime
) -> list[tuple[Any, ...]]:
    audience, topics = audiences.condition_for(person)
    spelled = {"unread": boolean_sql("unread", True), "kept": boolean_sql("deleted", False)}
    spelled |= {
        "must": boolean_sql("must_acknowledge", True),
        "asked": boolean_sql("running.must_acknowledge", True),
    }
    statement = (_WAITING + question).format(free=_FREE, audience=audience, most=most, **spelled)
    adapt = connection.ops.adapt_datetimefield_value
    times = {name: adapt(at) for name, at in (moments | {"now": datetime.now(UTC)}).items()}
    recipient = Notification._meta.get_field("recipient").get_db_prep_value(person.pk, connection)
    with connection.cursor() as sql:
        sql.execute(statement, {"person": recipient, **times, **topics, **given})
        rows: list[tuple[Any, ...]] = sql.fetchall()
        return rows
