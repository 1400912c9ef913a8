"""The chore that counts notifications: when they are sent, and again an hour, a day and a week later.

It walks through their keys, so it reads each row once for each age, and `notify.send` and marks pay nothing. A step is
one transaction: it adds to the figures and moves on. A process killed anywhere leaves the step done or not begun.

Transactions commit out of order, so a key may appear below ones that are there already. The first walk waits until
nobody can commit such a key any more, and the others stay behind it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.kinds import IMPORTED
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.streams.snapshots import NEXT_XID, SERVER
from notifications_hub.streams.sweeper import every_few_seconds
from notifications_hub.tallying.folding import TURN_SECONDS, add_sums
from notifications_hub.use.models import KindUse, UseWalk

DAYS = 7
"""Days after which it is decided whether a notification was ignored."""
SENT, LAST = 0, 24 * DAYS
AGES = (SENT, 1, 24, LAST)
"""Hours after which notifications are counted."""
STEP = 2000
"""The most notifications of one transaction, which takes some ten milliseconds."""
PAUSE = timedelta(seconds=4)
"""The time between two turns, of all processes together."""
_MARK = timedelta(seconds=2)
"""The time in which a process that has taken a key surely writes the row, and so gets a transaction's id."""

_KEYS = ("day", "kind", "method", "age")
_OPENED = Q(read_at__isnull=False) | Q(clicked_at__isnull=False)
_PUT_AWAY = Q(archived_at__isnull=False) | Q(deleted=True)
_IGNORED = Q(delivered_at__isnull=False, seen_at=None, acknowledged_at=None) & ~_OPENED & ~_PUT_AWAY
_COUNTS = {
    "seen": Q(seen_at__isnull=False) | _OPENED,
    "opened": _OPENED,
    # A snoozed one is put away too, and comes back.
    "archived": _PUT_AWAY & ~_OPENED & Q(snoozed_until=None),
    "asked": Q(must_acknowledge=True),
    "confirmed": Q(must_acknowledge=True, acknowledged_at__isnull=False),
}


@every_few_seconds
def count_use() -> None:
    """Count the next notifications of each age. Between turns, this is one short question."""
    now = datetime.now(UTC)
    turned = dict(UseWalk.objects.values_list("age", "turned_at"))
    if len(turned) < len(AGES):
        UseWalk.objects.bulk_create([UseWalk(age=age) for age in AGES], ignore_conflicts=True)
    elif turned[SENT] <= now - PAUSE and UseWalk.objects.filter(age=SENT, turned_at=turned[SENT]).update(turned_at=now):
        until = time.monotonic() + TURN_SECONDS
        while sum(map(walk_step, AGES)) and time.monotonic() < until:
            pass


def walk_step(age: int) -> bool:
    """Count the next notifications that have reached an age, and return whether there may be more."""
    with transaction.atomic():
        walk = UseWalk.objects.select_for_update(skip_locked=True, no_key=True).filter(age=age).first()
        if walk is None or (last := _last(walk)) is None:
            return False
        _count(walk, last)
        walk.through = last
        walk.save(update_fields=["through"])
        return True


def first_uncounted() -> date | None:
    """Return the day of the first notification whose last count is missing, or None without any."""
    through = UseWalk.objects.filter(age=LAST).values_list("through", flat=True).first() or 0
    rows = Notification.objects.filter(pk__gt=through).order_by("pk")
    at: datetime | None = rows.values_list("committed_at", flat=True).first()
    return None if at is None else timezone.localtime(at, timezone.get_default_timezone()).date()


def _last(walk: UseWalk) -> int | None:
    """Return the key up to which the next step counts, or None if there is nothing to count.

    It looks at a few rows only, because keys ascend with time.
    """
    ready = _settled(walk) if walk.age == SENT else UseWalk.objects.values_list("through", flat=True).get(age=SENT)
    rows = Notification.objects.filter(pk__gt=walk.through, pk__lte=ready).order_by("pk")
    found, before = rows.values_list("pk", "committed_at"), datetime.now(UTC) - timedelta(hours=walk.age)
    first = found.first()
    if first is None or (walk.age and first[1] > before):
        return None
    end = next(iter(found[STEP - 1 : STEP]), None) or found.last() or first
    if walk.age and end[1] > before:
        end = found.filter(pk__lte=end[0], committed_at__lte=before).last() or first
    return int(end[0])


def _settled(walk: UseWalk) -> int:
    """Return the key up to which no transaction can still add one."""
    now = datetime.now(UTC)
    if walk.ahead <= walk.through:
        newest = Notification.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        if newest <= walk.through:
            return walk.through
        walk.ahead, walk.ahead_at, walk.xid = newest, now, None
        walk.save(update_fields=["ahead", "ahead_at", "xid"])
    if connection.vendor == "sqlite":
        # It has one writer, which takes its keys in the order in which it commits.
        return walk.ahead
    return walk.ahead if walk.ahead_at <= now - _MARK and _are_over(walk) else walk.through


def _are_over(walk: UseWalk) -> bool:
    """Return whether all transactions have ended that may have taken a key up to `ahead`.

    Those of other databases on the server count too, so a long one there delays the figures.
    """
    next_xid, oldest, server = _transactions()
    # Ids of another server, after a restore, say nothing.
    if walk.xid is None or walk.server != server:
        walk.xid, walk.server = next_xid, server
        walk.save(update_fields=["xid", "server"])
        return False
    return oldest >= walk.xid


def _transactions() -> tuple[int, int, str]:
    """Return an id above those of all transactions, that of the oldest one still running, and the server."""
    with connection.cursor() as sql:
        sql.execute(
            f"SELECT {NEXT_XID}, CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint), {SERVER}"
        )
        next_xid, oldest, server = sql.fetchone()
    return next_xid, oldest, server


def _count(walk: UseWalk, last: int) -> None:
    rows = Notification.objects.filter(pk__gt=walk.through, pk__lte=last, announcement=None)
    rows = rows.exclude(delivered_by=IMPORTED).order_by()
    names = ["number"] if walk.age == SENT else ["number", *_COUNTS, *(["ignored"] if walk.age == LAST else [])]
    found = [
        (one["day"].isoformat(), one["kind"], one.get("method", ""), walk.age, *(one[name] for name in names))
        for one in _grouped(rows, names, with_method=walk.age != SENT)
    ]
    add_sums(KindUse._meta.db_table, _KEYS, names, sorted(found))


def _grouped(rows: InboxQuerySet, names: Iterable[str], *, with_method: bool) -> Any:
    conditions = {"number": Q(), "ignored": _IGNORED, **_COUNTS}
    by = rows.annotate(day=TruncDate("committed_at", tzinfo=timezone.get_default_timezone()))
    if with_method:
        by = by.annotate(method=F("delivered_by"))
    keys = ["day", "kind", *(["method"] if with_method else [])]
    return by.values(*keys).annotate(**{name: Count("pk", filter=conditions[name] or None) for name in names})
