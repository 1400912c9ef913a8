from __future__ import annotations

import pytest
from pytest_django import Settings

from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.push_lab.fixtures import push_service
from tests.push_lab.service import LocalPushService

__all__ = ["push_service"]


@pytest.fixture
def private_key() -> str:
    return generate()


@pytest.fixture
def vapid(settings: Settings, private_key: str) -> VapidKey:
    """Give the site a key, so that push is on."""
    hub = {"VAPID_PRIVATE_KEY": private_key, "VAPID_SUBJECT": "mailto:ops@hub.example"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **hub}
    return VapidKey(private_key)


@pytest.fixture
def push_site(settings: Settings, vapid: VapidKey, push_service: LocalPushService) -> LocalPushService:
    """Return a push service that the site may use, although it is private and speaks plain http."""
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_EXTRA_HOSTS": [push_service.host]}
    return push_service
