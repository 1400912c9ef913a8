"""The metrics: how far numbering and sending are behind, and how many connections this process holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.escalation.models import first_due_step
from notifications_hub.streams import Event
from notifications_hub.transports import transport_names
from notifications_hub.transports.web_push.subscriptions import PushSubscription


def exposition(connections: int) -> bytes:
    """Return the metrics as text. Each call has its own registry, apart from the host's; nothing is kept in memory."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now(connections))
    return generate_latest(registry)


class _Now(Collector):
    def __init__(self, connections: int) -> None:
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        yield _gauge("events_unnumbered", "Events committed and not yet numbered.", _unnumbered())
        yield from _deliveries()
        yield _gauge(
            "escalations_late_seconds",
            "Time since the first waiting step of an escalation was due.",
            _since(first_due_step()),
        )
        yield _gauge(
            "push_subscriptions_held_back",
            "Browsers whose push service rejected our key. If above 0, check the VAPID keys.",
            PushSubscription.objects.exclude(quarantined_at=None).count(),
        )
        yield _gauge("connections", "Live connections of the answering process.", self._connections)


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
        gauge = GaugeMetricFamily(f"notifications_hub_deliveries_{name}", documentation, labels=["transport"])
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


def _unnumbered() -> int:
    return Event.objects.filter(seq=None).count()


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"notifications_hub_{name}", documentation, value=value)
