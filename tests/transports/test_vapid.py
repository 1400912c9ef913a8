from __future__ import annotations

import logging
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings
from time_machine import TimeMachineFixture

from notifications_hub.transports.web_push.vapid import VapidKey, current_key, from_b64url, generate, key_for
from tests.push_lab.checks import check_vapid, decode

SUBJECT = "mailto:ops@hub.example"
MOZILLA = "https://updates.push.services.mozilla.com"


def test_a_push_service_accepts_the_header() -> None:
    key = VapidKey(generate())
    header = key.authorization(MOZILLA, SUBJECT)
    claims = check_vapid(header, audience=MOZILLA, key=decode(key.public), now=time.time())
    assert claims["sub"] == SUBJECT


def test_a_header_is_signed_once_for_each_push_service() -> None:
    key = VapidKey(generate())
    first = key.authorization(MOZILLA, SUBJECT)
    assert key.authorization(MOZILLA, SUBJECT) == first
    assert key.authorization("https://fcm.googleapis.com", SUBJECT) != first
    assert key.authorization(MOZILLA, "mailto:other@hub.example") != first


def test_a_header_is_renewed_before_it_expires(time_machine: TimeMachineFixture) -> None:
    time_machine.move_to("2026-11-20T00:00:00Z", tick=False)
    key = VapidKey(generate())
    first = key.authorization(MOZILLA, SUBJECT)
    time_machine.move_to("2026-11-20T09:00:00Z", tick=False)
    assert key.authorization(MOZILLA, SUBJECT) == first
    time_machine.move_to("2026-11-20T10:30:00Z", tick=False)
    second = key.authorization(MOZILLA, SUBJECT)
    assert second != first
    check_vapid(second, audience=MOZILLA, key=None, now=time.time())


def test_the_cache_of_headers_is_bounded() -> None:
    key = VapidKey(generate())
    for number in range(300):
        key.authorization(f"https://{number}.notify.windows.com", SUBJECT)
    assert len(key._signed) <= 256


def test_two_keys_are_kept_apart() -> None:
    one, two = VapidKey(generate()), VapidKey(generate())
    assert one.public != two.public
    assert one.fingerprint != two.fingerprint


@pytest.mark.parametrize("private", ["nonsense", "AAAA", "A" * 43, "-" * 200, "é" * 43, "_" * 43])
def test_an_invalid_key_is_refused_without_quoting_it(private: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        VapidKey(private)
    assert private not in str(refused.value)


def test_an_invalid_subject_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="VAPID_SUBJECT"):
        VapidKey(generate()).authorization(MOZILLA, "ops")


def test_the_private_key_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    private = generate()
    with caplog.at_level(logging.DEBUG):
        key = VapidKey(private)
        header = key.authorization(MOZILLA, SUBJECT)
    shown = f"{key!r} {key} {header} {caplog.text}"
    number = int.from_bytes(from_b64url(private))
    assert not [form for form in (private, f"{number:d}", f"{number:x}", "PRIVATE KEY") if form in shown]


def test_a_browser_keeps_the_key_it_subscribed_with_while_it_is_ours(settings: Settings) -> None:
    old, new = generate(), generate()
    settings.NOTIFICATIONS_HUB = {"VAPID_PRIVATE_KEY": new, "VAPID_PREVIOUS_KEY": old}
    for private, used in ((old, old), (new, new), (generate(), new)):
        key = key_for(VapidKey(private).fingerprint)
        assert key is not None
        assert key.public == VapidKey(used).public


def test_without_a_key_push_is_off(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {}
    assert current_key() is None
