"""The metrics that a process counts by itself. `docs/reference/metrics.md` lists them.

They have a registry of their own, apart from the host's. With `PROMETHEUS_MULTIPROC_DIR`, prometheus-client keeps them
in files that several processes share. Labels take their values from code and settings, never from a request.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable of prometheus-client: a folder in which several processes of a machine share metrics."""
if os.environ.get(SHARED):
    # Without the folder, the import below would fail for a reason that names no setting.
    Path(os.environ[SHARED]).mkdir(parents=True, exist_ok=True)

NAMESPACE = "notifications_hub"
REGISTRY = CollectorRegistry(auto_describe=False)

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_LONG = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


def _counter(name: str, words: str, *labels: str) -> Counter:
    return Counter(name, words, labels, namespace=NAMESPACE, registry=REGISTRY)


def _histogram(name: str, words: str, *labels: str, buckets: tuple[float, ...] = _QUICK) -> Histogram:
    return Histogram(name, words, labels, namespace=NAMESPACE, registry=REGISTRY, buckets=buckets)


# Writing

notifications = _counter("notifications", "Notifications that notify.send inserted.", "kind")
notify_time = _histogram("notify_seconds", "Time of a call of notify.send.")
events = _counter("events", "Events that were logged.")
numbering_time = _histogram(
    "numbering_seconds", "Time from a commit until its events have their numbers, in the process that committed."
)

# Connections

connections = Gauge(
    "connections",
    "Live connections.",
    ["kind"],
    namespace=NAMESPACE,
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
opened = _counter("connections_opened", "Connections that were admitted.", "kind")
closed = _counter(
    "connections_closed", "Connections that ended. The code 0 means that the client left.", "kind", "code"
)
refused = _counter("connections_refused", "Handshakes that were refused.", "kind", "code")
rate_limited = _counter("rate_limited", "Requests beyond a rate, which are answered 429.", "limit")
resets = _counter("resets", "Topics that a client has to refetch.")
sent_events = _counter("events_sent", "Events handed to connections, counted once for each.")
fanout_time = _histogram("fanout_seconds", "Age of an event when it was handed to this process's connections.")
dropped_hints = _counter("hints_dropped", "Hints that the channel layer did not take. Hubs then poll the log.", "cause")

# Deliveries

deliveries = _counter("deliveries", "Attempts and other outcomes of deliveries.", "transport", "outcome")
delivery_wait = _histogram(
    "delivery_wait_seconds", "Time from when a delivery fell due until a worker claimed it.", "transport", buckets=_LONG
)
send_time = _histogram(
    "delivery_send_seconds", "Time that a transport took for one attempt.", "transport", buckets=_LONG
)
push_answers = _counter("push_answers", "Answers of push services.", "host", "answer")

# The process itself

database_wait = _histogram("database_wait_seconds", "Time that a call of the hub waited for a thread.", "threads")
database_time = _histogram("database_call_seconds", "Time of a call of the hub, with its queries.", "threads")
sweep_time = _histogram("sweep_seconds", "Time of the chores of each second.")
failed_chores = _counter("chores_failed", "Chores, and plans of a worker, that raised.")
loop_lag = _histogram("loop_lag_seconds", "Delay of the hub's event loop, measured each second.")
loop_tasks = Gauge(
    "event_loop_tasks",
    "Tasks of the event loop that answered this scrape.",
    namespace=NAMESPACE,
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
turn_time = _histogram("worker_turn_seconds", "Time of a worker's turn: record, plan, claim and render.")

for _kind in ("ws", "sse", "poll"):
    # A series that starts at its first count has no increase there.
    connections.labels(_kind)
    opened.labels(_kind)


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Observe how long the block took, also if it raises."""
    began = time.perf_counter()
    try:
        yield
    finally:
        histogram.observe(time.perf_counter() - began)
