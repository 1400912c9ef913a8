"""Claim what has waited for the same address of a person, as groups of any size. One message sums up each.

A group begins with all that is due for an address, and keeps the name of one of its deliveries in `summary`. It never
grows, also if its worker is killed or the message fails for now. So a repeated message is about the same notifications,
and has the same name. What falls due later begins another group.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import Now, RowNumber

from notifications_hub.database import transaction
from notifications_hub.database.primary import connection
from notifications_hub.delivery import claiming
from notifications_hub.delivery.models import Delivery, DeliveryState

SOON = timedelta(minutes=1)
"""Time within which later deliveries join a group that begins. It outlasts a lease, so what another worker has claimed
is found, and left to it."""
NEWEST = 50
"""The most deliveries of a group that are loaded at once, and the most lines of a digest."""


@dataclass(frozen=True, slots=True)
class Group:
    """A claimed group: its newest deliveries in the order of their keys, and the number of all."""

    name: int
    claim: UUID
    newest: Sequence[Delivery]
    number: int

    @property
    def rest(self) -> int:
        return self.number - len(self.newest)


def claim_groups(released: Collection[Delivery]) -> list[Group]:
    """Claim the groups of claimed deliveries, with what another worker has claimed of them. They have one claim.

    The worker that has a group's oldest delivery gets it. Others get nothing: the lease of what they claimed passes to
    that worker, or ends. It takes a few queries for any number of groups.
    """
    first = {_key(one): one for one in released}
    claim = next((one.claim for one in released), None)
    if claim is None:
        return []
    with transaction.atomic():
        names = _lock(first.values(), claim)
        _take(names, claim)
    members = Delivery.objects.filter(summary__in=names.values(), claim=claim, state=DeliveryState.WAITING)
    return list(_loaded(members, claim, {one.pk: one for one in released}))


def _key(one: Delivery) -> tuple[str, str, str, int | None]:
    return str(one.held_for_id), one.transport, one.address, one.summary_id


# The names of a group's deliveries are compared too, so a group that has begun stays as it is.
_MEMBERS = """one JOIN notifications_hub_delivery member
    ON member.held_for_id = one.held_for_id AND member.transport = one.transport AND member.address = one.address
        AND member.state = 'waiting' AND COALESCE(member.summary_id, 0) = COALESCE(one.summary_id, 0)
        AND member.due_at <= {soon}
    WHERE one.claim = %(claim)s AND one.id IN ({ids})"""
_LOCK = """
    SELECT one, MAX(name), MAX(id) FROM (
        SELECT one.id AS one, member.summary_id AS name, member.id AS id,
            member.claim IS NULL OR member.claim = one.claim OR member.due_at <= {now} AS is_free
        FROM notifications_hub_delivery {members}
        ORDER BY member.id {for_update}
    ) AS locked GROUP BY one HAVING MIN(id) = MIN(CASE WHEN is_free THEN id END)
"""
_TAKE = """
    UPDATE notifications_hub_delivery AS member
    SET claim = one.claim, due_at = {leased}, summary_id = COALESCE(member.summary_id, begun.name)
    FROM {begun} JOIN notifications_hub_delivery one ON one.id = begun.one
    WHERE one.claim = %(claim)s AND one.id IN ({ids})
        AND member.held_for_id = one.held_for_id AND member.transport = one.transport AND member.address = one.address
        AND member.state = 'waiting' AND member.due_at <= {soon}
        AND COALESCE(member.summary_id, 0) = COALESCE(one.summary_id, 0)
"""
_BEGUN = {
    "postgresql": "jsonb_to_recordset(CAST(%(begun)s AS jsonb)) AS begun(one bigint, name bigint)",
    "sqlite": "(SELECT value ->> 'one' AS one, value ->> 'name' AS name FROM json_each(%(begun)s)) AS begun",
}


def _lock(first: Collection[Delivery], claim: UUID) -> Mapping[int, int]:
    """Lock the groups that are free. Return the name of each, by the delivery that found it."""
    statement = _LOCK.format(
        members=_MEMBERS.format(soon=_moment("soon"), ids=_listed(one.pk for one in first)),
        now=_moment("now"),
        for_update="FOR NO KEY UPDATE OF member" if connection.features.has_select_for_update else "",
    )
    with connection.cursor() as sql:
        sql.execute(statement, _parameters(claim))
        return {one: name or newest for one, name, newest in sql.fetchall()}


def _take(names: Mapping[int, int], claim: UUID) -> None:
    if not names:
        return
    statement = _TAKE.format(
        begun=_BEGUN[connection.vendor], ids=_listed(names), soon=_moment("soon"), leased=_moment("leased")
    )
    begun = json.dumps([{"one": one, "name": name} for one, name in names.items()])
    with connection.cursor() as sql:
        sql.execute(statement, {**_parameters(claim), "begun": begun})


def _listed(ids: Iterable[int]) -> str:
    # Written out, so that the planner sees how few they are.
    return ", ".join(map(str, ids))


def _moment(name: str) -> str:
    """Return the SQL of a moment. PostgreSQL's clock decides; SQLite's is this machine's."""
    return f"statement_timestamp() + %({name})s" if connection.vendor == "postgresql" else f"%({name})s"


def _parameters(claim: UUID) -> dict[str, Any]:
    spans = {"now": timedelta(), "soon": SOON, "leased": claiming.LEASE}
    now = datetime.now(UTC)
    if connection.vendor == "postgresql":
        return {**spans, "claim": claim}
    return {name: claiming.stored("due_at", now + span) for name, span in spans.items()} | {
        "claim": claiming.stored("claim", claim)
    }


def _loaded(members: QuerySet[Delivery], claim: UUID, at_hand: Mapping[int, Delivery]) -> Iterator[Group]:
    ranked = members.annotate(
        rank=Window(RowNumber(), partition_by=F("summary"), order_by=F("pk").desc()),
        number=Window(Count("*"), partition_by=F("summary")),
    )
    listed = ranked.filter(rank__lte=NEWEST).order_by("summary", "pk").values_list("pk", "summary", "number")
    others = claiming.whole([pk for pk, _name, _number in listed if pk not in at_hand], claim)
    loaded = {**at_hand, **{one.pk: one for one in others}}
    for (name, number), its in groupby(listed, key=itemgetter(1, 2)):
        newest = [loaded[pk] for pk, _name, _number in its if pk in loaded]
        for one in newest:
            one.summary_id = name
        if newest:
            yield Group(name, claim, newest, number)


# What is not loaded at once


CHUNK = 500


def rest_of(group: Group) -> Iterator[list[Delivery]]:
    """Yield the deliveries of a group that were not loaded, newest first, some at a time."""
    before = group.newest[0].pk
    while chunk := _chunk(group, before):
        yield chunk
        before = chunk[0].pk


def _chunk(group: Group, before: int) -> list[Delivery]:
    ids = _waiting(group).filter(pk__lt=before).order_by("-pk").values_list("pk", flat=True)[:CHUNK]
    return claiming.whole(list(ids), group.claim)


def give_back_rest(group: Group) -> None:
    """Make due what was not loaded. It stays a group of the same name."""
    rest = _waiting(group).filter(pk__lt=group.newest[0].pk)
    rest.update(claim=None, due_at=Now())


def _waiting(group: Group) -> QuerySet[Delivery]:
    return Delivery.objects.filter(summary=group.name, claim=group.claim, state=DeliveryState.WAITING)
