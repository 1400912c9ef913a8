"""Waiting as long as `Retry-After` says is enough, for everyone who is refused for a while."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.test import Client
from pytest_django import Settings

from notifications_hub.ingest.tokens import make_service_token
from notifications_hub.transports.web_push.subscriptions import PushSubscription

if TYPE_CHECKING:
    from accounts.models import User

    ClientFor = Callable[[User], Client]

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 12, 0, 37, 400_000, tzinfo=UTC)
Ask = Callable[[], Any]


def requests_of(client: Client, browser: PushSubscription, token: str) -> dict[str, Ask]:
    service = {"Authorization": f"Bearer {token}"}
    wanted = {"recipients": ["alice"], "verb": "was paid"}
    address = {"transport": "webhook", "address": "nonsense"}
    return {
        "api": lambda: client.get("/api/v1/notifications/count/"),
        "service": lambda: Client().post("/api/v1/notify/", wanted, "application/json", headers=service),
        "test push": lambda: client.post("/notifications/preferences/test-device/", {"id": browser.pk}),
        "test push by api": lambda: client.post(f"/api/v1/push/subscriptions/{browser.pk}/test/"),
        "address": lambda: client.post("/notifications/preferences/add-address/", address),
        "poll": lambda: client.get("/live/poll/"),
        "acknowledgement": lambda: client.post("/live/ack/", {"cursor": ""}, "application/json"),
        "stranger": lambda: Client().get("/live/poll/?topic=announcement.banners.public"),
    }


@pytest.mark.parametrize(
    "name", ["api", "service", "test push", "test push by api", "address", "poll", "acknowledgement", "stranger"]
)
def test_waiting_that_long_is_enough(name: str, alice: User, client_for: ClientFor, settings: Settings) -> None:
    rates = {"API_RATE": "5/m", "SERVICE_RATE": "5/m", "LIVE_RATE": "5/m", "LIVE_ANONYMOUS_RATE": "5/m"}
    transports = {"webhook": "notifications_hub.transports.webhook.transport.Webhook"}
    hub = {**settings.NOTIFICATIONS_HUB, **rates, "TRANSPORTS": transports}
    settings.NOTIFICATIONS_HUB = hub
    browser = PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x")
    with time_machine.travel(START, tick=False) as clock:
        ask = requests_of(client_for(alice), browser, make_service_token("Billing", ["default"]))[name]
        answer = ask()
        for _ in range(25):
            if answer.status_code == 429:
                break
            answer = ask()
        assert answer.status_code == 429
        wait = int(answer["Retry-After"])
        assert 0 < wait <= 3600
        clock.shift(timedelta(seconds=wait))
        assert ask().status_code != 429
