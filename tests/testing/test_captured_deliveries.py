"""Captured notifications in the words of their person, and the deliveries and pushes that would reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.test import override_settings
from notifications.signals import notify
from pytest_django import Settings

from notifications_hub import Action
from notifications_hub.conf import hub_settings
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.testing import Captured
from notifications_hub.transports.web_push.vapid import generate
from tests.testing import kinds  # noqa: F401 -- declares kinds

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


# Words and methods


def test_words_are_those_of_the_person(notified: Captured, alice: User, bob: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "LANGUAGE_OF": f"{__name__}.language_of"}
    notify.send(bob, recipient=[alice, bob], verb="opened", kind="tests.translated")
    notified.assert_notified(alice, title="打开")
    notified.assert_notified(bob, title="Open")


def language_of(person: User) -> str:
    return "zh-hans" if person.username == "alice" else "en"


def test_methods_are_those_that_would_reach_the_person(notified: Captured, alice: User, bob: User) -> None:
    notified.register_browser(alice)
    choose_methods(bob, "default", ["web_push"])
    notify.send(bob, recipient=[alice, bob], verb="waved")
    notify.send(bob, recipient=[alice, bob], verb="waved", kind="tests.quiet")
    notified.assert_notified(alice, kind="default", methods={"flash", "live", "web_push"})
    # Bob wants pushes alone, and has no browser.
    notified.assert_notified(bob, kind="default", methods=set())
    notified.assert_notified(alice, kind="tests.quiet", methods={"live"})
    notified.assert_not_notified(alice, kind="tests.quiet", method="web_push")
    with pytest.raises(AssertionError):
        notified.assert_not_notified(alice, kind="default", method="web_push")


def test_a_push_is_what_the_browser_shows(notified: Captured, alice: User, bob: User) -> None:
    notified.register_browser(alice)
    notify.send(bob, recipient=[alice, bob], verb="waved", description="Hello", url="/posts/9/")
    [push] = notified.pushes
    assert (push.person, push.title, push.body, push.url) == (alice, "Bob waved", "Hello", "/posts/9/")
    assert push.tag == f"n{alice.notifications.get().pk}"
    # Most devices show the first two, and a click on the push opens it.
    assert [(one.name, one.title) for one in push.actions] == [
        ("read", "Mark as read"),
        ("preferences", "Preferences"),
        ("open", "Open"),
    ]
    assert isinstance(push.actions[0], Action)
    assert (push.language, push.message.token != "") == ("en", True)


def test_a_push_of_a_private_kind_shows_no_words(notified: Captured, alice: User, bob: User) -> None:
    notified.register_browser(alice)
    notify.send(bob, recipient=alice, verb="whispered", description="Psst", kind="tests.secret")
    [push] = notified.pushes
    assert (push.title, push.body) == ("You have a new notification", "")
    notified.assert_notified(alice, title="Bob whispered", body="Psst")


@pytest.mark.parametrize("given", [{}, {"VAPID_PRIVATE_KEY": ""}])
def test_a_site_without_a_key_has_one_while_it_is_captured(
    alice: User, bob: User, settings: Settings, given: dict[str, str]
) -> None:
    settings.NOTIFICATIONS_HUB = given
    captured = Captured()
    captured.start()
    captured.register_browser(alice)
    with override_settings(NOTIFICATIONS_HUB={**given, "ACK_WINDOW": 5}):
        notify.send(bob, recipient=alice, verb="waved")
    assert [push.person for push in captured.pushes] == [alice]
    captured.stop()
    notify.send(bob, recipient=alice, verb="waved")
    assert len(captured.pushes) == 1


def test_a_site_with_a_key_keeps_it(notified: Captured, alice: User, settings: Settings) -> None:
    own = {"VAPID_PRIVATE_KEY": generate(), "VAPID_SUBJECT": "mailto:alice@example.com"}
    settings.NOTIFICATIONS_HUB = own
    notified.register_browser(alice)
    assert (hub_settings.vapid_private_key, hub_settings.vapid_subject) == tuple(own.values())


def test_nothing_can_be_sent_to_a_registered_browser(
    notified: Captured, alice: User, bob: User, settings: Settings
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ACK_WINDOW": 0}
    notified.register_browser(alice)
    notify.send(bob, recipient=alice, verb="waved")
    call_command("hub_worker", "--once")
    [delivery] = notified.deliveries
    assert delivery.state == "waiting"
    assert "browser.invalid" in str(delivery) or delivery.reason


def test_a_read_notification_is_not_pushed_any_more(notified: Captured, alice: User, bob: User) -> None:
    notified.register_browser(alice)
    notify.send(bob, recipient=alice, verb="waved")
    alice.notifications.get().mark_as_read()
    [delivery] = notified.deliveries
    assert (notified.pushes, delivery.state, delivery.reason) == ([], "cancelled", "The person had already read it.")
    notified.assert_notified(alice, methods={"flash", "live"})


# Transports of a host


class Email:
    """A host's transport."""

    on_by_default = True

    def addresses(self, person: User) -> list[str]:
        return [person.email]

    async def send(self, message: object, address: str) -> None:
        raise AssertionError("nothing may be sent")


def test_deliveries_are_those_of_every_transport(
    notified: Captured, alice: User, bob: User, settings: Settings
) -> None:
    transports = {"email": f"{__name__}.Email", "memory": "notifications_hub.transports.memory.Memory"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    choose_methods(alice, "default", ["email", "memory"])
    notify.send(bob, recipient=[alice, bob], verb="waved")
    notified.assert_notified(alice, methods={"email", "memory"})
    assert [(one.person, one.method, one.address) for one in notified.deliveries] == [
        (alice, "email", "alice@example.com"),
        (bob, "email", "bob@example.com"),
        (alice, "memory", str(alice.pk)),
    ]
    assert [(one.address, one.message.title) for one in notified.emails] == [
        ("alice@example.com", "Bob waved"),
        ("bob@example.com", "Bob waved"),
    ]


def test_a_site_without_email_has_no_emails(notified: Captured, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    assert notified.emails == []
    with pytest.raises(ValueError, match="'email' is no delivery method"):
        notified.assert_notified(alice, methods={"email"})
