"""The cost of processes: idle, and for each event. Database, Redis and the connections held."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import psycopg
import redis

from bench.client import Client
from bench.stage import Stage
from bench.table import Table

EVENTS, EVENTS_PER_SECOND = 1000, 50.0
SETTLE_SECONDS = 20.0
"""Longer than a hub waits before it first refreshes what it wrote when its pages connected."""


def measure(stage: Stage, *, quick: bool) -> Table:
    people, seconds = (50, 20.0) if quick else (400, 60.0)
    table = Table(
        title=f"Idle processes, with a page of each of {people} people in every one",
        wanted="no more than in proportion to processes; commands for a page, far below one a minute",
        method=f"Over {seconds:g} s in which nothing happens, {SETTLE_SECONDS:g} s after the last page has connected. "
        "Transactions and the database's active time are those of pg_stat_database; commands those of Redis's own "
        "count, without the channel layer's blocking reads. An event goes to one person, who has a page in each "
        f"process: {EVENTS_PER_SECOND:g} are logged a second, and what the idle processes cost is taken off.",
        columns=(
            "processes",
            "transactions/s",
            "database ms/s",
            "Redis commands/s",
            "Redis KB/s",
            "database connections",
            "Redis connections",
            "database ms an event",
            "Redis commands an event",
        ),
        bound="a hub's chores each second, and its checks of each page once a minute.",
    )
    counts = (1, 2) if quick else (1, 4, 8)
    rates = {count: _rates(stage, count, people, seconds) for count in counts}
    for count, figures in rates.items():
        table.add(str(count), *figures.values())
    first, last = (rates[count]["commands"] / count for count in (counts[0], counts[-1]))
    table.judge(last <= 1.2 * first + 1, f"{first:.1f} and {last:.1f} Redis commands a second for a process")
    return table


def _rates(stage: Stage, processes: int, people: int, seconds: float) -> dict[str, float]:
    with ExitStack() as running:
        for _ in range(processes):
            server = running.enter_context(stage.product())
            client = running.enter_context(Client(stage.lines(server, people), at_once=50))
            client.connected().check()
        time.sleep(SETTLE_SECONDS)
        idle = _while(stage, lambda: time.sleep(seconds))
        pks = [pk for pk, _cookies in stage.people[:people]]
        busy = _while(
            stage, lambda: stage.inside("to_inboxes", pks=pks, count=EVENTS, per_second=EVENTS_PER_SECOND, threads=1)
        )
    rates = {name: idle[name] / idle["seconds"] for name in ("transactions", "active_ms", "commands", "kb")}
    held = {name: idle[name] for name in ("database_connections", "redis_connections")}
    each = {f"{name}_each": (busy[name] - rates[name] * busy["seconds"]) / EVENTS for name in ("active_ms", "commands")}
    return rates | held | each


def _while(stage: Stage, act: Callable[[], object]) -> dict[str, float]:
    """Return what is counted while the function runs, its seconds, and the connections held at the end."""
    before, began = _counts(stage.environment), time.monotonic()
    act()
    # Sessions report their statistics within a second.
    time.sleep(2)
    seconds, after = time.monotonic() - began, _counts(stage.environment)
    held = {name: value for name, value in after.items() if name.endswith("connections")}
    return {name: after[name] - before[name] for name in after} | held | {"seconds": seconds}


def _counts(environment: Mapping[str, str]) -> dict[str, float]:
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as database:
        row = database.execute(
            "SELECT xact_commit, active_time, numbackends - 1 FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()
    assert row is not None
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        commands, stats, clients = client.info("commandstats"), client.info("stats"), client.info("clients")
    return {
        "transactions": row[0],
        "active_ms": row[1],
        "commands": sum(one["calls"] for name, one in commands.items() if not name.startswith("cmdstat_b")),
        "kb": (stats["total_net_input_bytes"] + stats["total_net_output_bytes"]) / 1024,
        "database_connections": row[2],
        "redis_connections": clients["connected_clients"] - 1,
    }
