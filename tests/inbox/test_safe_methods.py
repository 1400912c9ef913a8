"""A GET changes nothing, whether it comes from a link, a prefetch or a signed-in crawler."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models import Model
from django.urls import URLPattern, URLResolver

from notifications_hub import urls
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.jobs.models import Job
from notifications_hub.notification import Notification
from notifications_hub.streams import Event
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.support import ClientFor, columns, send_one

if TYPE_CHECKING:
    from accounts.models import User

JOB = "00000000-0000-4000-8000-000000000001"


def addresses(patterns: list[Any], prefix: str = "/") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, prefix + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            path = (prefix + str(pattern.pattern)).replace("<subscription_id>", "1")
            yield re.sub(r"<uuid(str)?:pk>", JOB, path)


ADDRESSES = sorted(set(addresses(urls.urlpatterns)))


def everything() -> list[list[dict[str, Any]]]:
    tables: tuple[type[Model], ...] = (Notification, Delivery, Preference, PushSubscription, Event, Job)
    return [[columns(row) for row in table._default_manager.order_by("pk")] for table in tables]


def test_safe_requests_change_nothing(alice: User, bob: User, client_for: ClientFor) -> None:
    """Try every address with the same rows, because to make them takes longer than to ask."""
    row = send_one(alice, bob)
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address="1")])
    PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x")
    Job.objects.create(pk=JOB, owner=alice, title="Report", task="report")
    client = client_for(alice)
    before = everything()
    query = {"ids": row.item_id, "all": "1", "action": "read", "id": "1", "mark_as_read": "1"}
    for path in ADDRESSES:
        client.head(path, query)
        client.options(path)
        client.get(path, query, headers={"Sec-Purpose": "prefetch"})
        assert everything() == before, path


def test_every_url_was_tried() -> None:
    assert {"/notifications/", "/notifications/mark/", "/api/v1/notifications/read/", "/metrics"} <= set(ADDRESSES)
    assert {"/api/v1/push/subscriptions/1/", f"/api/v1/jobs/{JOB}/", f"/jobs/{JOB}/cancel/"} <= set(ADDRESSES)
