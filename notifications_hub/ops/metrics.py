"""The metrics in Prometheus' text format: what this process counted, and what the database knows of late work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from notifications_hub.delivery import heartbeat
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.escalation.models import first_due_step
from notifications_hub.streams import Event
from notifications_hub.telemetry.measures import NAMESPACE, REGISTRY, SHARED
from notifications_hub.transports import transport_names
from notifications_hub.transports.web_push.subscriptions import PushSubscription


def exposition(questions: Iterable[Metric] | None) -> bytes:
    """Return the metrics as text. `questions` are those of the database, or None if it does not answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Given([*_counted(), *_answered(questions)]))
    return generate_latest(registry)


class _Given(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _counted() -> Iterator[Metric]:
    """Yield what this process counted, or all processes that share a folder."""
    if folder := os.environ.get(SHARED):
        _forget_the_dead(Path(folder))
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry = REGISTRY
    for metric in registry.collect():
        # When a series began is of no use, and there is one for each.
        metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
        yield metric
    yield from ProcessCollector(registry=None).collect()


def _forget_the_dead(folder: Path) -> None:
    """Remove the gauges of processes that were killed. Their counters stay, since those still happened."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            continue


def _answered(questions: Iterable[Metric] | None) -> Iterator[Metric]:
    yield _gauge("database_up", "1 if the database answered this scrape in time.", 0.0 if questions is None else 1.0)
    yield from questions or ()


# Questions to the database. Each reads an index.


def ask() -> list[Metric]:
    """Return what the database knows. It is the same in every process."""
    age = heartbeat.age()
    beats = [] if age is None else [_gauge("worker_heartbeat_age_seconds", _HEARTBEAT, age.total_seconds())]
    return [
        _gauge("events_unnumbered", "Events committed and not yet numbered.", Event.objects.filter(seq=None).count()),
        *_deliveries(),
        _gauge(
            "escalations_late_seconds",
            "Time since the first waiting step of an escalation was due.",
            _since(first_due_step()),
        ),
        _gauge(
            "push_subscriptions_held_back",
            "Browsers whose push service rejected our key. If above 0, check the VAPID keys.",
            PushSubscription.objects.exclude(quarantined_at=None).count(),
        ),
        *beats,
    ]


_HEARTBEAT = "Time since the last turn of any worker. There is none before the first."


def _deliveries() -> Iterator[Metric]:
    """Yield the gauges of waiting deliveries, one series for each transport, in one query."""
    waiting = _waiting_by_transport()
    of_all = (
        ("waiting", "Deliveries that are planned but neither sent nor cancelled.", "count"),
        ("oldest_seconds", "Age of the oldest waiting delivery.", "oldest"),
        ("late_seconds", "Time since the first waiting delivery was due.", "due"),
        ("failing", "Waiting deliveries that have failed at least once.", "failing"),
    )
    for name, documentation, column in of_all:
        gauge = GaugeMetricFamily(f"{NAMESPACE}_deliveries_{name}", documentation, labels=["transport"])
        for transport, found in waiting.items():
            value = found.get(column)
            gauge.add_metric([transport], _since(value) if column in ("oldest", "due") else value or 0)
        yield gauge


def _waiting_by_transport() -> dict[str, Any]:
    """Map transports to what waits for them: the configured ones, and those that were removed since."""
    found: dict[str, Any] = {name: {} for name in transport_names()}
    # Each part has an index of its own.
    others = [_waiting(rollout__isnull=True, held_for__isnull=held) for held in (True, False)]
    for one in _waiting(rollout__isnull=False).union(*others, all=True):
        found[one["transport"]] = _added(found.get(one["transport"]), one)
    return found


def _waiting(**part: bool) -> QuerySet[Any, Any]:
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING, **part).order_by().values("transport")
    return waiting.annotate(
        count=Count("pk"), failing=Count("pk", filter=Q(attempts__gt=0)), oldest=Min("created"), due=Min("due_at")
    )


def _added(before: dict[str, Any] | None, one: dict[str, Any]) -> dict[str, Any]:
    if not before:
        return one
    sums = {name: before[name] + one[name] for name in ("count", "failing")}
    return {**sums, **{name: min(before[name], one[name]) for name in ("oldest", "due")}}


def _since(moment: datetime | None) -> float:
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"{NAMESPACE}_{name}", documentation, value=value)
