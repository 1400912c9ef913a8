"""The settings dict `NOTIFICATIONS_HUB`."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from accounts.models import User
from notifications_hub.conf import HubSettings, hub_settings, known_keys, load, unknown_keys


def test_without_settings_everything_has_its_default(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {}
    assert load() == HubSettings()
    assert hub_settings.ack_window == 10


def test_the_setting_may_be_missing(settings: Settings) -> None:
    del settings.NOTIFICATIONS_HUB
    assert load() == HubSettings()


def test_a_changed_setting_takes_effect_at_once(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ACK_WINDOW": 1}
    assert hub_settings.ack_window == 1
    settings.NOTIFICATIONS_HUB = {"ACK_WINDOW": 2.5}
    assert hub_settings.ack_window == 2.5


def test_every_setting_of_the_contract_is_a_key() -> None:
    promised = {"ACK_WINDOW", "LIVE_ALLOWED_ORIGINS", "LANGUAGE_OF", "TIMEZONE_OF", "LIVE_PER_USER", "LIVE_PER_ADDRESS"}
    promised |= {"VAPID_PRIVATE_KEY", "VAPID_PREVIOUS_KEY", "VAPID_SUBJECT", "PUSH_EXTRA_HOSTS"}
    assert promised <= known_keys()


def test_a_callable_may_be_given_by_its_dotted_path(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {
        "LANGUAGE_OF": "accounts.people.language_of",
        "TIMEZONE_OF": lambda person: "Asia/Tokyo",
    }
    assert hub_settings.language_of(User(language="zh-hans")) == "zh-hans"
    assert hub_settings.timezone_of(User()) == "Asia/Tokyo"


def test_a_list_becomes_a_tuple(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"PUSH_EXTRA_HOSTS": ["push.hub.example:8443"]}
    assert hub_settings.push_extra_hosts == ("push.hub.example:8443",)


def test_an_unknown_key_is_reported_and_ignored(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"ACK_WINDWO": 1, "ack_window": 2, "LIVE_PER_USER": 3}
    assert unknown_keys() == ["ACK_WINDWO", "ack_window"]
    assert (hub_settings.ack_window, hub_settings.live_per_user) == (10, 3)


@pytest.mark.parametrize(
    "given",
    [
        {"ACK_WINDOW": "10"},
        {"LIVE_PER_USER": 1.5},
        {"EMBEDDED_WORKER": "yes"},
        {"VAPID_SUBJECT": None},
        {"PUSH_EXTRA_HOSTS": "push.hub.example"},
        {"LIVE_ALLOWED_ORIGINS": None},
        {"TRANSPORTS": ["host.sms.Sms"]},
        {"AUDIENCES": None},
    ],
    ids=repr,
)
def test_a_value_of_the_wrong_type_is_rejected_by_name(settings: Settings, given: dict[str, Any]) -> None:
    settings.NOTIFICATIONS_HUB = given
    [key] = given
    with pytest.raises(ImproperlyConfigured, match=key):
        load()
