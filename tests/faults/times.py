"""Times for which a fault was felt: by those who write, and by each client."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from statistics import median

from tests.faults.ledger import Acknowledged, Applied, Ledger


def commits(ledger: Ledger, *, since: float = 0.0, until: float = math.inf) -> list[float]:
    """Return how long each commit between these times took, in seconds, the shortest first."""
    return sorted(line.took for line in ledger.read(Acknowledged) if since <= line.at - line.took <= until)


def commits_per_second(ledger: Ledger) -> float:
    """Return the rate of commits. One commit may be acknowledged for many people."""
    return len({line.mark for line in ledger.read(Acknowledged)}) / elapsed(ledger)


def median_per_second(ledger: Ledger) -> float:
    """Return the notifications acknowledged in the median second. Outages weigh less than in a mean."""
    moments = [line.at for line in ledger.read(Acknowledged)]
    first = min(moments)
    of_second = Counter(int(at - first) for at in moments)
    return float(median(of_second[second] for second in range(max(of_second) + 1)))


def elapsed(ledger: Ledger) -> float:
    """Return the seconds from the first commit to the last."""
    moments = [line.at for line in ledger.read(Acknowledged)]
    return max(moments) - min(moments)


def recovery(ledger: Ledger, *, clients: Mapping[str, str], since: float) -> float:
    """Return the seconds until every client has applied a notification that was committed after this time.

    `clients` are names to people. A client is left out if its person was notified of nothing in that time.
    """
    later = {(line.person, line.mark) for line in ledger.read(Acknowledged) if line.at >= since}
    notified = {person for person, _ in later}
    first = {name: math.inf for name, person in clients.items() if person in notified}
    for event in ledger.read(Applied):
        if (event.person, event.mark) in later and event.client in first:
            first[event.client] = min(first[event.client], event.at)
    return max(first.values(), default=math.inf) - since


def worst_delay(ledger: Ledger, *, since: float, until: float = math.inf) -> float:
    """Return the longest time from a commit between these times to any client."""
    committed = {line.mark: line.at for line in ledger.read(Acknowledged) if since <= line.at <= until}
    return max((one.at - committed[one.mark] for one in ledger.read(Applied) if one.mark in committed), default=0.0)
