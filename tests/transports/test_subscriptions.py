from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.utils import translation
from pytest_django import Settings

from accounts.models import User
from notifications_hub.transports.web_push.subscriptions import (
    BROWSERS_PER_PERSON,
    PushSubscription,
    browser_name,
    forget,
    register,
    renew,
    renewal_token,
)
from notifications_hub.transports.web_push.transport import WebPush
from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.push_lab.reader import Reader
from tests.transports.sending import REPLY, send_one

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="sqlite")]

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0"


def a_reader(path: str = "x") -> Reader:
    return Reader(f"https://updates.push.services.mozilla.com/wpush/v2/{path}")


def registered(person: AbstractBaseUser, reader: Reader) -> PushSubscription:
    return register(person, reader.to_json(), FIREFOX, lookup=lambda host, port: ["8.8.8.8"])


def test_a_browser_is_stored_with_a_readable_name(vapid: VapidKey, alice: User) -> None:
    browser = registered(alice, a_reader())
    assert (browser.owner, browser.name) == (alice, "Firefox on Linux")
    assert browser.key_fingerprint == vapid.fingerprint


def test_the_api_shows_nothing_that_lets_others_send(alice: User) -> None:
    reader = a_reader()
    shown = str(registered(alice, reader).as_json())
    keys = reader.to_json()["keys"]
    assert all(secret not in shown for secret in (reader.endpoint, keys["auth"], keys["p256dh"]))


def test_registering_a_browser_again_keeps_its_row(alice: User) -> None:
    reader = a_reader()
    assert registered(alice, reader).pk == registered(alice, reader).pk


def test_a_browser_used_by_two_people_belongs_to_the_last_one(alice: User, bob: User) -> None:
    reader = a_reader()
    registered(alice, reader)
    taken = registered(bob, reader)
    assert [(row.pk, row.owner) for row in PushSubscription.objects.all()] == [(taken.pk, bob)]


def test_a_push_planned_for_alice_never_reaches_a_browser_that_bob_took_over(
    vapid: VapidKey, alice: User, bob: User
) -> None:
    reader = a_reader()
    planned = str(registered(alice, reader).pk)
    registered(bob, reader)
    error = send_one(WebPush(), REPLY, planned)
    assert error is not None
    assert error.permanent


def test_charlie_cannot_take_alices_browser_by_knowing_its_endpoint(alice: User, charlie: User) -> None:
    registered(alice, a_reader("alices"))
    with pytest.raises(ValueError, match="keys"):
        registered(charlie, a_reader("alices"))
    assert PushSubscription.objects.get().owner == alice


def held_back(browser: PushSubscription) -> bool:
    browser.refresh_from_db()
    return browser.quarantined_at is not None


def test_a_new_password_holds_back_browsers_signed_in_with_the_old_one(alice: User, bob: User) -> None:
    hers, his, reader = registered(alice, a_reader("hers")), registered(bob, a_reader("his")), a_reader("hers")
    alice.set_password("another")
    alice.save(update_fields=["password"])
    assert (held_back(hers), held_back(his)) == (True, False)
    with pytest.raises(ValueError, match="token"):
        renew(renewal_token(his)[:-1], reader.to_json(), lookup=lambda host, port: ["8.8.8.8"])
    renewed = renew(renewal_token(hers), a_reader("moved").to_json(), lookup=lambda host, port: ["8.8.8.8"])
    assert held_back(renewed)


def test_signing_in_again_resumes_push(alice: User) -> None:
    reader = a_reader()
    browser = registered(alice, reader)
    alice.set_password("another")
    alice.save()
    registered(alice, reader)
    assert not held_back(browser)


def test_saving_a_profile_holds_nothing_back(alice: User) -> None:
    browser = registered(alice, a_reader())
    alice.first_name = "Alicia"
    alice.save()
    assert not held_back(browser)


def test_a_browser_of_the_previous_key_gets_pushes_signed_with_that_key(
    vapid: VapidKey, settings: Settings, alice: User
) -> None:
    previous = generate()
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PREVIOUS_KEY": previous}
    given = {**a_reader().to_json(), "key": VapidKey(previous).public}
    browser = register(alice, given, FIREFOX, lookup=lambda host, port: ["8.8.8.8"])
    assert browser.key_fingerprint == VapidKey(previous).fingerprint


def test_a_browser_that_subscribed_with_a_strangers_key_is_refused(vapid: VapidKey, alice: User) -> None:
    given = {**a_reader().to_json(), "key": VapidKey(generate()).public}
    with pytest.raises(ValueError, match="key that is not this site's"):
        register(alice, given, FIREFOX, lookup=lambda host, port: ["8.8.8.8"])


def test_charlie_cannot_forget_alices_browser(alice: User, charlie: User) -> None:
    browser = registered(alice, a_reader())
    assert forget(charlie, browser.pk) is False
    assert forget(charlie, browser.pk + 1) is False
    assert PushSubscription.objects.exists()


def test_alice_forgets_her_browser(alice: User) -> None:
    browser = registered(alice, a_reader())
    assert forget(alice, str(browser.pk)) is True
    assert forget(alice, str(browser.pk)) is False


@pytest.mark.parametrize("nonsense", ["", "a5", "1e3", "-1", "²", "9" * 40, "1; DROP TABLE"])
def test_an_invalid_id_forgets_nothing(alice: User, nonsense: str) -> None:
    registered(alice, a_reader())
    assert forget(alice, nonsense) is False
    assert PushSubscription.objects.exists()


def test_the_oldest_browser_over_the_limit_is_removed(alice: User, bob: User) -> None:
    kept = registered(bob, a_reader("bobs"))
    rows = [registered(alice, a_reader(str(number))).pk for number in range(BROWSERS_PER_PERSON + 2)]
    left = PushSubscription.objects.filter(owner=alice).values_list("pk", flat=True)
    assert sorted(left) == rows[2:]
    assert PushSubscription.objects.filter(pk=kept.pk).exists()


def without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda given: given.pop(name)


def key(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda given: given["keys"].update({name: value})


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (without("endpoint"), "endpoint"),
        (without("keys"), "keys"),
        (lambda given: given.update(endpoint=5), "endpoint"),
        (lambda given: given.update(endpoint="https://127.0.0.1/"), "endpoint"),
        (lambda given: given.update(keys="secret"), "keys"),
        (key("p256dh", None), "p256dh"),
        (key("p256dh", ""), "p256dh"),
        (key("p256dh", "AAAA"), "p256dh"),
        (key("p256dh", "not base64!"), "p256dh"),
        (key("p256dh", "B" + "A" * 86), "p256dh"),
        (key("p256dh", "A" * 100_000), "p256dh"),
        (key("auth", None), "auth"),
        (key("auth", "AAAA"), "auth"),
        (key("auth", "A" * 21), "auth"),
        (key("auth", "A" * 1_000_000), "auth"),
        (key("auth", "é" * 22), "auth"),
    ],
)
def test_an_invalid_subscription_is_refused_with_the_name_of_its_fault(
    alice: User, spoil: Callable[[dict[str, Any]], object], named: str
) -> None:
    given = a_reader().to_json()
    spoil(given)
    with pytest.raises(ValueError, match=named) as refused:
        register(alice, given, FIREFOX, lookup=lambda host, port: ["8.8.8.8"])
    assert len(str(refused.value)) < 200
    assert not PushSubscription.objects.exists()


def test_a_name_that_resolves_into_a_private_network_is_refused(alice: User) -> None:
    with pytest.raises(ValueError, match="private"):
        register(alice, a_reader().to_json(), FIREFOX, lookup=lambda host, port: ["10.0.0.1"])


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 10; K) Chrome/156.0.0.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("curl/8.0", "A browser"),
        ("", "A browser"),
    ],
)
def test_browsers_have_distinct_names(user_agent: str, name: str) -> None:
    assert browser_name(user_agent) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Firefox on Linux", "Linux 上的 Firefox"), ("A browser", "未知浏览器"), ("Linux", "Linux"), ("", "")],
)
def test_a_browser_is_named_in_the_readers_language(name: str, shown: str) -> None:
    with translation.override("zh-hans"):
        assert str(PushSubscription(name=name)) == shown


def test_the_language_in_which_a_browser_registers_is_not_kept(alice: User) -> None:
    with translation.override("zh-hans"):
        browser = register(alice, a_reader().to_json(), FIREFOX, lookup=lambda host, port: ["8.8.8.8"])
    assert str(browser) == "Firefox on Linux"
