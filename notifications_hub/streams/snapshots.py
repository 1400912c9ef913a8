"""Database snapshots: the transactions that one query saw, so that a later one asks only about the others.

Transactions commit out of order, so neither ids nor times tell what is new. PostgreSQL names the transactions that a
snapshot did not see: those that were running, and those that had not begun. A long transaction stays in the list of
running ones, and costs each later question one look into an index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models

SNAPSHOT = "CAST(pg_current_snapshot() AS text)"
SERVER = "CAST(extract(epoch FROM pg_postmaster_start_time()) AS text)"
"""SQL for a text that a standby, a restored backup and a restarted server each have of their own, in any time zone."""
XID = "CAST(CAST(pg_current_xact_id() AS text) AS bigint)"
NEXT_XID = """GREATEST(
    CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint),
    CAST(CAST(pg_current_xact_id_if_assigned() AS text) AS bigint) + 1)"""
"""SQL for an id above those of all transactions that this one sees, its own included."""

LONG_TRANSACTIONS = 10
"""The most running transactions that get a condition of their own. PostgreSQL may read all rows for a list of ids."""
_MAX_XID = 2**62
_EVENTS = "SELECT * FROM notifications_hub_event WHERE {condition} AND {ids}"


class CurrentXid(models.Func):
    """The id of the current transaction on PostgreSQL. On SQLite, which has one writer at a time, it is NULL."""

    template = XID
    arity = 0
    allowed_default = True
    output_field = models.BigIntegerField()

    def as_sqlite(self, *args: Any, **kwargs: Any) -> tuple[str, tuple[str | int, ...]]:
        return "NULL", ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The transactions below `next_xid` that were not `running` are seen. Ids are compared on one `server` only."""

    server: str
    next_xid: int
    running: tuple[int, ...]

    @classmethod
    def parse(cls, text: str, server: str) -> Snapshot:
        """Read `xmin:xmax:xip,xip`, as PostgreSQL writes a `pg_snapshot`."""
        _oldest, next_xid, running = text.split(":")
        return cls(server, int(next_xid), tuple(int(xid) for xid in running.split(",") if xid))

    def precedes(self, later: Snapshot) -> bool:
        """Return False if a server was restored or replaced between the two."""
        return self.server == later.server and self.next_xid <= later.next_xid

    def unseen(self) -> list[str]:
        """Return SQL conditions, one for each range of ids that this snapshot did not see."""
        oldest, younger = self.running[:LONG_TRANSACTIONS], self.running[LONG_TRANSACTIONS:]
        # The upper end lets PostgreSQL take the range for a short one, and read the index, before it has statistics.
        newer = f"xid BETWEEN {min(younger, default=self.next_xid)} AND {_MAX_XID}"
        if younger:
            newer += f" AND (xid >= {self.next_xid} OR xid IN ({', '.join(map(str, younger))}))"
        return [newer, *(f"xid = {one}" for one in oldest)]


def events_unseen(by: Snapshot | None, condition: str) -> str:
    """Return a subquery of the events that a snapshot did not see, or of all, as far as the condition is true.

    Each range is a query of its own, because PostgreSQL reads ranges from an index, but not reliably those of an `OR`.
    """
    ranges = by.unseen() if by else ["1 = 1"]
    parts = (_EVENTS.format(condition=condition, ids=one) for one in ranges)
    return f"({' UNION ALL '.join(parts)})"
