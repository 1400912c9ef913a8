"""The system checks of emails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from notifications_hub import Kind
from notifications_hub.checks import check_settings
from notifications_hub.kinds import _kinds

EMAIL = "notifications_hub.transports.email.transport.Email"


class Slow(Kind):
    name = "test.slow"


@pytest.fixture(autouse=True)
def _only_here() -> Iterator[None]:
    before = dict(_kinds)
    # Other tests declare kinds too, which may be out of date sooner than an email.
    for name, kind in before.items():
        if type(kind).__module__.startswith("tests."):
            del _kinds[name]
    _kinds["test.slow"] = Slow()
    yield
    _kinds.clear()
    _kinds.update({name: kind for name, kind in before.items() if name != "test.slow"})


def found(settings: Settings, **hub: object) -> set[str]:
    given = {"SITE_URL": "https://hub.example", "EMAIL_FROM": "hub@hub.example", "TRANSPORTS": {"email": EMAIL}, **hub}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **given}
    return {str(message.id).removeprefix("notifications_hub.") for message in check_settings(None)}


def test_a_site_that_is_set_up_has_nothing_to_report(settings: Settings) -> None:
    assert found(settings) == set()


def test_emails_need_the_address_of_the_site(settings: Settings) -> None:
    assert found(settings, SITE_URL="") == {"E060"}
    assert found(settings, SITE_URL="", TRANSPORTS={}) == set()


def test_a_sender_at_localhost_is_reported(settings: Settings) -> None:
    settings.DEBUG = False
    assert found(settings, EMAIL_FROM="") == {"W061"}


def test_no_connection_is_too_few(settings: Settings) -> None:
    assert found(settings, EMAIL_CONNECTIONS=0) == {"E062"}


@pytest.mark.parametrize("secret", ["whsec_", "not base64!"])
def test_a_secret_that_verifies_nothing_is_reported(settings: Settings, secret: str) -> None:
    assert found(settings, EMAIL_WEBHOOK_SECRET=secret) == {"E064"}
    assert found(settings, EMAIL_WEBHOOK_SECRET="whsec_c2VjcmV0") == set()


@pytest.mark.parametrize("delays", [{"email": -1}, {"email": "600"}, {"email": float("nan")}, [("email", 1)]])
def test_delays_are_seconds(settings: Settings, monkeypatch: pytest.MonkeyPatch, delays: object) -> None:
    monkeypatch.setattr(Slow, "delays", delays)
    assert found(settings) == {"E061"}


def test_an_email_that_is_always_out_of_date_is_reported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Slow, "ttl", 60)
    assert found(settings) == {"W062"}
    monkeypatch.setattr(Slow, "delays", {"email": 0})
    assert found(settings) == set()


def test_a_user_model_without_addresses_is_reported(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from accounts.models import User

    monkeypatch.setattr(User, "EMAIL_FIELD", "mail")
    assert found(settings) == {"W060"}
