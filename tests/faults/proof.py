"""A row of the table of faults, and the short names that the rows use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Promise(StrEnum):
    """Promises of the hub to its users, whatever fails."""

    NOTHING_LOST = "Nothing that was committed is lost."
    ONCE = "Nobody is shown or sent anything twice."
    IN_ORDER = "Every topic is applied in order and without a gap."
    IN_TIME = "It arrives in seconds, or once the failed part is back."
    COUNTS = "Open pages end up with the rows and counts of the database."
    BOUNDED = "Memory, threads and connections stay bounded."
    OTHERS = "One person, client or service delays no other."
    PRIVATE = "Nobody sees what belongs to somebody else."


class Runs(StrEnum):
    """Places where a proof runs. The full size is the size that the design names."""

    ALWAYS = "bin/test"
    SMALLER = "bin/test, in full by make faults or make exhaustive"
    FAULTS = "make faults"


@dataclass(frozen=True)
class Proof:
    """One fault, the promises that it puts at risk, and the tests that show that they hold.

    A test of Python is named as pytest names it. A test of a script is named by its file and a part of its title.
    `runs` is where the most expensive of them runs.
    """

    number: int
    fault: str
    promises: tuple[Promise, ...]
    tests: tuple[str, ...]
    runs: Runs = Runs.ALWAYS


LOST, ONCE, ORDER, TIME = Promise.NOTHING_LOST, Promise.ONCE, Promise.IN_ORDER, Promise.IN_TIME
COUNTS, BOUNDED, OTHERS, PRIVATE = Promise.COUNTS, Promise.BOUNDED, Promise.OTHERS, Promise.PRIVATE

FAULTS, STREAMS = "tests/faults/", "tests/streams/test_streams_faults.py::"
CLUSTER = FAULTS + "cluster/"
LIVE, JS, BROWSER = "tests/live/", "tests/js/", "tests/browser/"
SERVERS, CLAIMING = LIVE + "test_servers.py::", "tests/delivery/test_claiming.py::"
RESTORED, NESTED = FAULTS + "test_restored_backup.py::", FAULTS + "test_nested_transactions.py::"
SUBSCRIPTIONS = "tests/transports/test_subscriptions.py::"
ADMIN = "tests/announcements/"
