"""The unread notifications of a group: the newest stands for all in lists, with their number and actors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from notifications_hub.database.primary import connection
from notifications_hub.grouping.group import MOST, NotificationGroup
from notifications_hub.grouping.keys import storm_key
from notifications_hub.kinds import kind_of
from notifications_hub.notification import InboxQuerySet, Notification
from notifications_hub.system_actors import actor_label
from notifications_hub.web.text import isolated

_WAITING: dict[str, Any] = {"unread": True, "deleted": False, "archived_at": None}
_NEWEST = ("-timestamp", "-pk")
_ACTOR = ("actor_name", "actor_object_id", "actor_content_type_id")


def heads(rows: InboxQuerySet) -> InboxQuerySet:
    """Leave out unread rows that a newer one of their group stands for.

    It looks up the newest of a group for each unread row of one. Other rows cost nothing.
    """
    same = Notification.objects.filter(recipient=OuterRef("recipient_id"), group_key=OuterRef("group_key"), **_WAITING)
    newest = Subquery(same.order_by(*_NEWEST).values("pk")[:1])
    return rows.filter(Q(group_key=None) | Q(unread=False) | Q(pk=newest))


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
