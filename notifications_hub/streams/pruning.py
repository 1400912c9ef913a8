"""Removal of old events from the beginning of each topic's log.

Each step is a short transaction, because nobody can number events of its topics meanwhile, and on SQLite nobody can
write at all. A run reads the log in the order of ids. So it costs what the old events cost, however many topics and
young events there are.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, groupby, takewhile
from operator import attrgetter
from typing import NamedTuple

from django.db.models import BigIntegerField, ExpressionWrapper, F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from notifications_hub.database import transaction
from notifications_hub.database.chunks import chunks
from notifications_hub.database.primary import connection
from notifications_hub.streams.models import Event, Stream

STEP = 250
"""The most events that one transaction removes."""
TOPICS = 100
"""The most topics that one transaction locks, or one statement counts."""


class _Entry(NamedTuple):
    pk: int
    topic: str
    seq: int
    created: datetime


def prune(topic: str, through: int) -> int:
    """Remove a topic's events up to a number, and return how many were removed."""
    return sum(iter(lambda: _remove(_prefixes({topic: STEP}, lambda entry: entry.seq <= through)), 0))


def prune_before(before: datetime) -> int:
    """Remove the events created before a moment, and return how many were removed.

    Only a prefix of a log is ever removed, or readers would meet a hole.
    """
    removed = 0
    # A log's numbers are not always in the order of ids. A later pass removes the few events that were met too early.
    while some := sum(_remove(_prefixes(numbers, lambda entry: entry.created < before)) for numbers in _steps(before)):
        removed += some
    return removed


def count_before(before: datetime) -> int:
    """Count the events that `prune_before` would remove."""
    topics = {topic for numbers in _pages(before) for topic in numbers}
    return sum(_count(some, before) for some in chunks(sorted(topics), TOPICS))


def _steps(before: datetime) -> Iterator[dict[str, int]]:
    for numbers in _pages(before):
        yield from map(dict, chunks(numbers.items(), TOPICS))


def _pages(before: datetime) -> Iterator[Counter[str]]:
    """Yield how many old events each topic has in a page of the log, until a page has none: ids ascend with time."""
    last, rows = 0, Event.objects.order_by("pk").values_list("pk", "topic", "created")
    while page := list(rows.filter(pk__gt=last)[:STEP]):
        last = page[-1][0]
        numbers = Counter(topic for _pk, topic, created in page if created < before)
        if not numbers:
            return
        yield numbers


# Materialized, so that the planner takes both bounds from one table. Otherwise it may use the lower one alone, and read
# a long log to its end.
_PREFIXES = """
    WITH wanted(topic, number) AS (VALUES {wanted}),
    bounds AS MATERIALIZED (
        SELECT stream.topic, stream.pruned_through AS after, stream.pruned_through + wanted.number AS through
        FROM wanted JOIN notifications_hub_stream stream ON stream.topic = wanted.topic
    )
    SELECT event.id, event.topic, event.seq, event.created
    FROM bounds JOIN notifications_hub_event event
        ON event.topic = bounds.topic AND event.seq > bounds.after AND event.seq <= bounds.through
    ORDER BY event.topic, event.seq
"""


def _prefixes(numbers: Mapping[str, int], is_old: Callable[[_Entry], bool]) -> list[_Entry]:
    """Return the first old events of each topic, at most its number, up to the first event that has to stay."""
    wanted = ", ".join(["(%s, CAST(%s AS bigint))"] * len(numbers))
    with connection.cursor() as sql:
        sql.execute(_PREFIXES.format(wanted=wanted), list(chain.from_iterable(numbers.items())))
        found = [_Entry(pk, topic, seq, _aware(created)) for pk, topic, seq, created in sql.fetchall()]
    return [entry for _topic, log in groupby(found, attrgetter("topic")) for entry in takewhile(is_old, log)]


def _aware(moment: datetime) -> datetime:
    # SQLite stores no time zone, and Django writes UTC.
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_MOVE = """
    WITH reached(topic, through) AS (VALUES {reached})
    UPDATE notifications_hub_stream AS stream SET pruned_through = reached.through
    FROM reached WHERE stream.topic = reached.topic AND stream.pruned_through < reached.through
"""


def _remove(entries: Sequence[_Entry]) -> int:
    """Remove these beginnings of logs in one transaction, and return how many events were removed."""
    if not entries:
        return 0
    through = {entry.topic: entry.seq for entry in entries}
    began = time.monotonic()
    with transaction.atomic(), connection.cursor() as sql:
        # Streams first and in ascending order, as every other writer locks them.
        list(Stream.objects.filter(topic__in=through).order_by("pk").select_for_update(no_key=True).values_list("pk"))
        reached = ", ".join(["(%s, CAST(%s AS bigint))"] * len(through))
        sql.execute(_MOVE.format(reached=reached), list(chain.from_iterable(through.items())))
        removed = Event.objects.filter(pk__in=[entry.pk for entry in entries]).delete()[0]
    give_way(time.monotonic() - began)
    return removed


def give_way(seconds: float) -> None:
    """Pause after a transaction that took this long. SQLite has one writer, and those that wait only look at times."""
    if connection.vendor == "sqlite":
        time.sleep(seconds)


def _count(topics: Sequence[str], before: datetime) -> int:
    young = Event.objects.filter(topic=OuterRef("topic"), seq__gt=OuterRef("pruned_through"), created__gte=before)
    first = Subquery(young.order_by("seq").values("seq")[:1])
    last_old = ExpressionWrapper(first - 1, output_field=BigIntegerField())
    streams = Stream.objects.filter(topic__in=topics).annotate(through=Coalesce(last_old, F("top")))
    return sum(through - done for through, done in streams.values_list("through", "pruned_through"))
