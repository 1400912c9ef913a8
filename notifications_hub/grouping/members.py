"""The unread notifications of a group: the newest stands for all in lists, with their number and actors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from notifications_hub.database.primary import connection
from notifications_hub.grouping.group import MOST, NotificationGroup
from notifications_hub.grouping.keys import storm_key
from notifications_hub.kinds import kind_of
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.system_actors import actor_label
from notifications_hub.web.text import isolated

WINDOW = 100
"""Rows of a list that are looked at in one go."""

_WAITING: dict[str, Any] = {"unread": True, "deleted": False, "archived_at": None}
_NEWEST = ("-timestamp", "-pk")
_ACTOR = ("actor_name", "actor_object_id", "actor_content_type_id")


def waits_in_group(row: Notification) -> bool:
    """Return whether the row is one of a group's, all of which its newest stands for."""
    return row.group_key is not None and row.unread and row.archived_at is None and not row.deleted


def older_than(at: datetime, pk: int) -> Q:
    # The first condition adds nothing to the second, but the index can start from it.
    return Q(timestamp__lte=at) & (Q(timestamp__lt=at) | Q(timestamp=at, pk__lt=pk))


def newer_than(at: datetime, pk: int) -> Q:
    return Q(timestamp__gte=at) & (Q(timestamp__gt=at) | Q(timestamp=at, pk__gt=pk))


def newest_of_groups(rows: InboxQuerySet, number: int, *, is_upward: bool = False) -> InboxQuerySet:
    """Return so many of an ordered list in the inbox, without those that a newer one of their group stands for.

    It goes through the list in windows. A group is looked up once, and then its rows are passed over by their key.
    With `is_upward`, the list begins with the oldest.
    """
    found: list[int] = []
    newest: dict[str | None, int] = {}
    window = list(_window(rows))
    while window:
        waiting = {row.group_key: row.pk for row in window if waits_in_group(row) and row.group_key not in newest}
        newest |= _newest(waiting.values(), rows.db)
        found += [row.pk for row in window if not waits_in_group(row) or newest.get(row.group_key) == row.pk]
        if len(found) >= number or len(window) < WINDOW:
            break
        last = window[-1]
        beyond = newer_than(last.timestamp, last.pk) if is_upward else older_than(last.timestamp, last.pk)
        known = ~Q(group_key__in=[*newest]) | Q(pk__in=[*newest.values()])
        window = list(_window(rows.filter(Q(group_key=None) | Q(unread=False) | known, beyond)))
    return Notification.objects.using(rows.db).filter(pk__in=found[:number])


def _window(rows: InboxQuerySet) -> InboxQuerySet:
    return rows.only("pk", "timestamp", "group_key", "unread", "archived_at", "deleted")[:WINDOW]


def _newest(pks: Collection[int], alias: str) -> dict[str | None, int]:
    """Return the newest of the groups of these unread rows, by their keys."""
    if not pks:
        return {}
    rows = Notification.objects.using(alias)
    same = rows.filter(recipient=OuterRef("recipient_id"), group_key=OuterRef("group_key"), **_WAITING)
    newest = Subquery(same.order_by(*_NEWEST).values("pk")[:1])
    found = rows.filter(pk__in=pks).annotate(newest=newest).order_by()
    return dict(found.values_list("group_key", "newest"))


def members(rows: InboxQuerySet, key: str) -> InboxQuerySet:
    """Return those of a person's rows that are unread and have the key."""
    return rows.filter(group_key=key, **_WAITING)


def load_groups(rows: Iterable[Notification]) -> None:
    """Load the groups of unread rows that have one, in one query. Without any, ask nothing."""
    waiting = [row for row in rows if row.group_key and row.unread and row.archived_at is None]
    keys = list(dict.fromkeys((row.recipient_id, row.group_key) for row in waiting))
    if not keys:
        return
    found: dict[int, list[Any]] = {number: [] for number in range(len(keys))}
    for number, *actor in _newest_of(keys):
        found[number].append(actor)
    by_key = dict(zip(keys, found.values(), strict=True))
    for row in waiting:
        row.group = _group(row, by_key[row.recipient_id, row.group_key])


def _newest_of(keys: Sequence[tuple[Any, str | None]]) -> list[tuple[Any, ...]]:
    """Return the actors of each group's newest, beside the group's place in `keys`."""
    parts, parameters = [], []
    for number, (person, key) in enumerate(keys):
        rows = Notification.objects.filter(recipient=person, group_key=key, **_WAITING)
        listed = rows.order_by(*_NEWEST).values_list(*_ACTOR)[:MOST]
        statement, its_parameters = listed.query.get_compiler(listed.db).as_sql()
        parts.append(f"SELECT {number}, part.* FROM ({statement}) AS part")  # noqa: S608 -- composed by Django
        parameters += its_parameters
    with connection.cursor() as sql:
        sql.execute(" UNION ALL ".join(parts), parameters)
        return list(sql.fetchall())


def _group(row: Notification, actors: Sequence[Sequence[Any]]) -> NotificationGroup | None:
    """Return the group in which the row is not alone, or None."""
    if len(actors) < 2:
        return None
    # By their keys, as two people may have one name. The newest name counts.
    named: dict[tuple[Any, Any], str] = {}
    for name, key, kind in actors:
        label = actor_label(_Actor(name, key, kind))
        if label:
            named.setdefault((kind, key), isolated(label))
    return NotificationGroup(
        newest=row,
        count=len(actors),
        actors=tuple(named.values()),
        is_storm=row.group_key == storm_key(kind_of(row.kind), row.scope),
    )


class _Actor:
    """The columns that name an actor."""

    def __init__(self, name: str, key: str, kind: Any) -> None:
        self.actor_name, self.actor_object_id, self.actor_content_type_id = name, key, kind
