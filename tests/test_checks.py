"""Settings mistakes, said at start-up."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import Settings

from notifications_hub.checks import check_settings


def found(settings: Settings, **given: Any) -> list[str | None]:
    settings.NOTIFICATIONS_HUB = given
    return [message.id for message in check_settings(None)]


def test_the_sites_own_settings_are_sound() -> None:
    assert check_settings(None) == []


def test_an_unknown_key_is_an_error_that_says_what_was_meant(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ACK_WINDWO": 1, "XYZ": 1}
    near, far = check_settings(None)
    assert near.id == far.id == "notifications_hub.E001"
    assert "ACK_WINDOW" in str(near.hint)
    assert "Known keys" in str(far.hint)


def test_a_value_of_the_wrong_type_is_an_error(settings: Settings) -> None:
    assert found(settings, ACK_WINDOW="10") == ["notifications_hub.E002"]


def test_a_path_to_nothing_is_an_error(settings: Settings) -> None:
    assert found(settings, LANGUAGE_OF="accounts.nothing.here") == ["notifications_hub.E002"]


def test_another_notification_model_is_an_error(settings: Settings) -> None:
    settings.NOTIFICATIONS_NOTIFICATION_MODEL = "notifications.Notification"
    assert [message.id for message in check_settings(None)] == ["notifications_hub.E003"]


@pytest.mark.parametrize("origin", ["*", "https://*.hub.example", "hub.example", "https://hub.example/", ""])
def test_what_is_no_origin_is_an_error(settings: Settings, origin: str) -> None:
    assert found(settings, LIVE_ALLOWED_ORIGINS=[origin]) == ["notifications_hub.E004"]


def test_an_origin_is_none(settings: Settings) -> None:
    assert found(settings, LIVE_ALLOWED_ORIGINS=["https://hub.example", "http://127.0.0.1:8001"]) == []


def test_moments_without_a_zone_are_an_error(settings: Settings) -> None:
    settings.USE_TZ = False
    assert [message.id for message in check_settings(None)] == ["notifications_hub.E007"]
