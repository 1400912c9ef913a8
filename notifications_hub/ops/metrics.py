"""What is worth watching: how far numbering and sending are behind, and how many connections this process holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.streams import Event
from notifications_hub.transports.web_push.subscriptions import PushSubscription


def exposition(connections: int) -> bytes:
    """A registry of its own each time: nothing is counted in memory, and a host's own metrics stay the host's."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Now(connections))
    return generate_latest(registry)


class _Now(Collector):
    def __init__(self, connections: int) -> None:
        self._connections = connections

    def collect(self) -> Iterator[Metric]:
        waiting = Delivery.objects.filter(state=DeliveryState.WAITING).aggregate(
            count=Count("pk"), failing=Count("pk", filter=Q(attempts__gt=0)), oldest=Min("created"), due=Min("due_at")
        )
        yield _gauge("events_unnumbered", "Events committed and not yet numbered.", _unnumbered())
        yield _gauge(
            "deliveries_waiting", "Deliveries that are planned and neither sent nor cancelled.", waiting["count"]
        )
        yield _gauge("deliveries_oldest_seconds", "Age of the oldest of these.", _since(waiting["oldest"]))
        yield _gauge("deliveries_late_seconds", "How long the first of these has been due.", _since(waiting["due"]))
        yield _gauge("deliveries_failing", "Those of them that were tried and not taken.", waiting["failing"])
        yield _gauge(
            "push_subscriptions_held_back",
            "Browsers that a push service refused us for: above 0, look at the VAPID keys.",
            PushSubscription.objects.exclude(quarantined_at=None).count(),
        )
        yield _gauge("connections", "Live connections of the process that answers.", self._connections)


def _since(moment: datetime | None) -> float:
    return max(0.0, (timezone.now() - moment).total_seconds()) if moment else 0.0


def _unnumbered() -> int:
    return Event.objects.filter(seq=None).count()


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"notifications_hub_{name}", documentation, value=value)
