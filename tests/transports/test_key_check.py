"""Checks for a key that no browser knows, with which every push would be refused."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from notifications_hub.asgi import live_application
from notifications_hub.checks import check_key, check_settings
from notifications_hub.ops import push_checks
from notifications_hub.transports.web_push.key_check import LOST, check_at_start
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.vapid import VapidKey, generate

pytestmark = pytest.mark.django_db

OLD, NEW = generate(), generate()


@pytest.fixture
def browser(alice: User) -> PushSubscription:
    """Return a browser that subscribed with the old key."""
    return PushSubscription.objects.create(owner=alice, key_fingerprint=VapidKey(OLD).fingerprint)


def with_keys(settings: Settings, current: str = "", previous: str = "") -> None:
    keys = {"VAPID_PRIVATE_KEY": current, "VAPID_PREVIOUS_KEY": previous, "VAPID_SUBJECT": "mailto:ops@hub.example"}
    settings.NOTIFICATIONS_HUB = keys


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize(("current", "previous"), [(OLD, ""), (NEW, OLD), (OLD, NEW)])
def test_a_key_that_browsers_know_is_accepted(settings: Settings, current: str, previous: str) -> None:
    with_keys(settings, current, previous)
    assert check_at_start() == ""
    assert check_key(None, ["default"]) == []


@pytest.mark.usefixtures("browser")
def test_a_key_unknown_to_all_browsers_stops_the_start_with_advice(settings: Settings) -> None:
    with_keys(settings, NEW)
    assert check_at_start() == LOST
    assert [message.id for message in check_key(None, ["default"])] == ["notifications_hub.E006"]
    with pytest.raises(CommandError, match="VAPID_PREVIOUS_KEY"):
        call_command("hub_worker", "--once")
    assert push_checks.push() == (LOST, False)
    assert NEW not in LOST


def test_any_key_is_accepted_before_the_first_subscription(settings: Settings) -> None:
    with_keys(settings, NEW)
    assert check_at_start() == ""


@pytest.mark.usefixtures("browser")
def test_the_old_key_may_go_once_some_browsers_have_moved_over(settings: Settings, alice: User) -> None:
    PushSubscription.objects.create(owner=alice, endpoint_hash="x", key_fingerprint=VapidKey(NEW).fingerprint)
    with_keys(settings, NEW)
    assert check_at_start() == ""


@pytest.mark.usefixtures("browser")
def test_a_missing_key_is_allowed_and_logged(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with_keys(settings)
    with caplog.at_level(logging.WARNING):
        assert check_at_start() == ""
    assert "Push is off" in caplog.text


def test_the_checks_report_an_invalid_key_without_quoting_it(settings: Settings) -> None:
    with_keys(settings, "SECRET")
    [message] = check_settings(None)
    assert message.id == "notifications_hub.E005"
    assert "SECRET" not in message.msg


@pytest.mark.django_db(transaction=True)
def test_a_server_with_a_lost_key_does_not_start(settings: Settings, browser: PushSubscription) -> None:
    with_keys(settings, NEW)

    async def page(scope: Any, receive: Any, send: Any) -> None: ...

    async def start() -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "lifespan.startup"}

        async def send(message: dict[str, Any]) -> None:
            messages.append(message)

        await live_application(page)({"type": "lifespan"}, receive, send)
        return messages

    assert asyncio.run(start()) == [{"type": "lifespan.startup.failed", "message": LOST}]
