"""The next people of a rollout, in the order of their primary keys, and those of them who get a delivery."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from notifications_hub import audiences
from notifications_hub.announcements.methods import methods_for
from notifications_hub.announcements.queryset import KIND
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.database.primary import connection
from notifications_hub.delivery import preferences
from notifications_hub.delivery.shown import shown_to
from notifications_hub.kinds import kind_of
from notifications_hub.transports import AddressTable, get_transport, keeps_table


@dataclass(frozen=True, slots=True)
class Page:
    """Some people: how many were looked at, the key of the last one as text, and those in the audience."""

    looked_at: int
    last: str
    members: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Choice:
    """The people of a page who get a delivery, each with the delivery methods that reach them, and the others."""

    methods: dict[Any, frozenset[str]]
    people: Sequence[Any]
    shown: int
    unwanted: int


def next_page(rollout: Rollout, most: int) -> Page:
    """Return the people after the rollout's position. An empty page means that there are none."""
    members = audiences.members(rollout.announcement.audience)
    transport = get_transport(rollout.transport)
    if keeps_table(transport):
        table = transport.address_table()
        owners = _owners_after(table, rollout, most) if table else []
        return _page(owners, rollout, members.filter(pk__in=owners).order_by("pk") if owners else [])
    found = _after(members, rollout, most)
    return _page([person.pk for person in found], rollout, found)


def count_people(rollout: Rollout) -> int:
    """Count the people whom all pages together look at."""
    transport = get_transport(rollout.transport)
    if not keeps_table(transport):
        return audiences.members(rollout.announcement.audience).count()
    table = transport.address_table()
    if table is None:
        return 0
    with connection.cursor() as sql:
        sql.execute(f"SELECT count(DISTINCT {table.owner}) FROM {table.name} AS address WHERE address.{table.usable}")  # noqa: S608 -- a transport's own names
        return int(sql.fetchone()[0])


def choose(rollout: Rollout, people: Collection[Any]) -> Choice:
    """Leave out people whom a page showed it, and people who do not want it by this transport."""
    announcement = rollout.announcement
    preferred = preferences.methods_of([person.pk for person in people], kind_of(KIND))
    methods = {pk: methods_for(announcement.methods, announcement.urgency, its) for pk, its in preferred.items()}
    unwanted = {pk for pk, its in methods.items() if rollout.transport not in its}
    shown = shown_to(announcement, methods.keys() - unwanted)
    chosen = {person.pk: person for person in people if person.pk not in unwanted | shown}
    return Choice(methods, list(chosen.values()), len(shown), len(unwanted))


def _page(looked_at: Sequence[Any], rollout: Rollout, members: Iterable[Any]) -> Page:
    return Page(len(looked_at), str(looked_at[-1]) if looked_at else rollout.position, list(members))


def _after(members: QuerySet[Any], rollout: Rollout, most: int) -> list[Any]:
    later = members.filter(pk__gt=_key(rollout.position)) if rollout.position else members
    return list(later.order_by("pk")[:most])


def _owners_after(table: AddressTable, rollout: Rollout, most: int) -> list[Any]:
    """Return people with an address, from the transport's table. It may be far smaller than the audience."""
    beyond = f" AND address.{table.owner} > %s" if rollout.position else ""
    statement = (
        f"SELECT DISTINCT address.{table.owner} FROM {table.name} AS address WHERE address.{table.usable}{beyond}"  # noqa: S608 -- a transport's own names
        f" ORDER BY address.{table.owner} LIMIT %s"
    )
    key = get_user_model()._meta.pk
    with connection.cursor() as sql:
        position = [key.get_db_prep_value(_key(rollout.position), connection)] if rollout.position else []
        sql.execute(statement, [*position, most])
        return [key.to_python(owner) for (owner,) in sql.fetchall()]


def _key(text: str) -> Any:
    return get_user_model()._meta.pk.to_python(text)
