"""Messages of failed assertions: each test is a wrong assertion, and compares the message."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from django.db import transaction
from django.utils import timezone
from notifications.signals import notify
from pytest_django import Settings

from notifications_hub import Announcement, broadcast, publish
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.models import PushSubscription
from notifications_hub.testing import Captured
from notifications_hub.transports.web_push.vapid import generate
from tests.testing import kinds  # noqa: F401 -- declares kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="sqlite")]


@pytest.fixture(autouse=True)
def _a_key(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": generate()}


def says(text: str, assertion: Callable[[], object]) -> None:
    with pytest.raises(AssertionError) as raised:
        assertion()
    assert str(raised.value) == dedent(text).strip("\n")


# Nothing for the person


def test_nobody_was_notified(notified: Captured, alice: User) -> None:
    says(
        """
        Alice was not notified of 'tests.quiet'.
        Nobody was notified of anything.
        """,
        lambda: notified.assert_notified(alice, kind="tests.quiet"),
    )


def test_somebody_else_was_notified_and_the_person_of_another_kind(
    notified: Captured, alice: User, bob: User, charlie: User
) -> None:
    notify.send(bob, recipient=[alice, charlie], verb="waved")
    says(
        """
        Alice was not notified of 'tests.quiet'.
        Alice got:
          default "Bob waved" by flash, live
            not by web_push: no browser of Alice was registered
        Others got:
          Charlie: default "Bob waved" by flash, live
        """,
        lambda: notified.assert_notified(alice, kind="tests.quiet"),
    )


def test_the_transaction_was_rolled_back(notified: Captured, alice: User, bob: User) -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        notify.send(bob, recipient=(one for one in [alice]), verb="waved")
        broadcast(title="Maintenance")
        raise ZeroDivisionError
    says(
        """
        Alice was not notified.
        notify.send(kind='default', verb='waved') to Alice left nothing: its transaction was rolled back.
        The announcement "Maintenance" to everyone was rolled back.
        Nobody was notified of anything.
        """,
        lambda: notified.assert_notified(alice),
    )


@pytest.mark.django_db(transaction=True)
def test_the_transaction_was_rolled_back_for_good(notified: Captured, alice: User, bob: User) -> None:
    with suppress(ZeroDivisionError), transaction.atomic():
        notify.send(bob, recipient=alice, verb="waved")
        raise ZeroDivisionError
    with pytest.raises(AssertionError, match="was rolled back"):
        notified.assert_notified(alice)


@pytest.mark.parametrize("is_committed", [False, pytest.param(True, marks=pytest.mark.django_db(transaction=True))])
def test_the_notification_was_deleted(notified: Captured, alice: User, bob: User, is_committed: bool) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    alice.notifications.all().delete()
    with pytest.raises(AssertionError, match=r"to Alice left nothing: the notification was deleted\."):
        notified.assert_notified(alice)


def test_the_person_already_had_it(notified: Captured, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved", dedupe_key="wave")
    notified.clear()
    notify.send(bob, recipient=[alice, bob], verb="waved", dedupe_key="wave")
    says(
        """
        Alice was not notified.
        notify.send(kind='default', verb='waved') to Alice left nothing: Alice already had one with dedupe_key='wave'.
        Others got:
          Bob: default "Bob waved" by flash, live
        """,
        lambda: notified.assert_notified(alice),
    )


def test_the_kind_allows_only_so_many(notified: Captured, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved", kind="tests.limited")
    notified.clear()
    notify.send(bob, recipient=alice, verb="waved", kind="tests.limited")
    with pytest.raises(AssertionError, match="the kind allows 1 a minute from one actor to one person"):
        notified.assert_notified(alice)


def test_the_person_is_not_active(notified: Captured, alice: User, bob: User) -> None:
    alice.is_active = False
    alice.save()
    notify.send(bob, recipient=[alice, bob], verb="waved")
    with pytest.raises(AssertionError, match="Alice is not active, and nobody who is not active is notified"):
        notified.assert_notified(alice)


def test_an_announcement_is_not_shown_yet_or_any_more(notified: Captured, alice: User) -> None:
    planned = broadcast(title="Later", starts_at=timezone.now() + timedelta(hours=1))
    withdrawn = broadcast(title="Gone")
    Announcement.objects.filter(pk=withdrawn.pk).update(withdrawn_at=timezone.now())
    says(
        """
        Alice was not notified.
        The announcement "Later" to everyone is planned, so no inbox shows it.
        The announcement "Gone" to everyone is withdrawn, so no inbox shows it.
        Nobody was notified of anything.
        """,
        lambda: notified.assert_notified(alice),
    )
    planned.delete()
    with pytest.raises(AssertionError, match='The announcement "Later" to everyone was deleted'):
        notified.assert_notified(alice)


def test_an_announcement_had_another_audience(notified: Captured, alice: User) -> None:
    broadcast(title="Maintenance", audience="staff")
    says(
        """
        Alice was not notified.
        Announced to audiences without Alice:
          staff: "Maintenance"
        """,
        lambda: notified.assert_notified(alice),
    )


# Something else for the person


def test_an_announcement_leaves_methods_out(notified: Captured, alice: User) -> None:
    broadcast(title="Maintenance", methods={"live"})
    says(
        """
        Alice was notified, but not as expected.
        Alice got:
          announcement "Maintenance" by live
            methods: expected flash; got live
            not by flash: the announcement does not use it
            not by web_push: the announcement does not use it
        """,
        lambda: notified.assert_notified(alice, methods={"flash"}),
    )


def test_words_and_methods_differ(notified: Captured, alice: User, bob: User) -> None:
    choose_methods(alice, "default", ["live", "web_push"])
    notify.send(bob, recipient=alice, verb="waved", url="/posts/9/")
    says(
        """
        Alice was notified of 'default', but not as expected.
        Alice got:
          default "Bob waved" by live
            title: expected 'Bob replied', got 'Bob waved'
            url: expected '/posts/10/', got '/posts/9/'
            methods: expected flash, live; got live
            not by flash: Alice has switched it off for 'default'
            not by web_push: no browser of Alice was registered
        """,
        lambda: notified.assert_notified(
            alice, kind="default", title="Bob replied", url="/posts/10/", methods={"live", "flash"}
        ),
    )


def test_a_kind_does_not_use_a_method(notified: Captured, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved", kind="tests.quiet")
    says(
        """
        Alice was notified of 'tests.quiet', but not as expected.
        Alice got:
          tests.quiet "Bob waved" by live
            methods: expected flash; got live
            not by flash: the kind 'tests.quiet' does not use it
            not by web_push: the kind 'tests.quiet' does not use it
        """,
        lambda: notified.assert_notified(alice, kind="tests.quiet", methods={"flash"}),
    )


def test_a_browser_is_paused_or_the_push_was_cancelled(notified: Captured, alice: User, bob: User) -> None:
    notified.register_browser(alice)
    notified.register_browser(bob)
    PushSubscription.objects.filter(owner=bob).update(quarantined_at="2030-01-01 00:00Z")
    notify.send(bob, recipient=[alice, bob], verb="waved")
    alice.notifications.get().mark_as_read()
    with pytest.raises(AssertionError, match=r"not by web_push: cancelled: The person had already read it\."):
        notified.assert_notified(alice, methods={"web_push"})
    with pytest.raises(AssertionError, match="not by web_push: the browsers of Bob are paused"):
        notified.assert_notified(bob, methods={"web_push"})


def test_the_site_has_no_key_or_a_transport_no_address(
    notified: Captured, alice: User, bob: User, settings: Settings
) -> None:
    transports = {"pigeon": f"{__name__}.Pigeon", "gone": "no.such.Transport"}
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": transports}
    notified.register_browser(alice)
    notified.stop()
    choose_methods(alice, "default", ["live", "flash", "web_push", "pigeon", "gone"])
    notify.send(bob, recipient=alice, verb="waved")
    with pytest.raises(AssertionError) as raised:
        notified.assert_notified(alice, methods=set())
    text = str(raised.value)
    assert "not by web_push: the site has no VAPID_PRIVATE_KEY" in text
    assert "not by pigeon: its transport had no address of Alice" in text
    assert "not by gone: its transport cannot be created (ModuleNotFoundError" in text


class Pigeon:
    def addresses(self, person: User) -> list[str]:
        return []

    async def send(self, message: object, address: str) -> None: ...


# Too often, or at all


def test_a_person_was_notified_twice(notified: Captured, alice: User, bob: User) -> None:
    for _ in range(2):
        notify.send(bob, recipient=alice, verb="waved", kind="tests.quiet")
    with pytest.raises(AssertionError, match=r"Alice was notified twice with kind='tests.quiet', not once\."):
        notified.assert_notified(alice, kind="tests.quiet")
    with pytest.raises(AssertionError, match=r"Alice was notified twice, not 3 times\."):
        notified.assert_notified(alice, times=3)
    notified.assert_notified(alice, times=2)


def test_a_person_should_not_have_been_notified(notified: Captured, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    says(
        """
        Alice was notified of 'default' by live, and should not have been.
          default "Bob waved" by flash, live
            not by web_push: no browser of Alice was registered
        """,
        lambda: notified.assert_not_notified(alice, kind="default", method="live"),
    )


def test_nobody_should_have_been_notified(notified: Captured, alice: User, bob: User, charlie: User) -> None:
    notify.send(bob, recipient=[alice, charlie], verb="waved")
    broadcast(title="Maintenance")
    says(
        """
        Nobody should have been notified, but these were:
          Alice: default "Bob waved" by flash, live
          Charlie: default "Bob waved" by flash, live
          audience everyone: "Maintenance"
        """,
        notified.assert_not_notified,
    )
    says(
        """
        Nobody should have been notified of 'default' by live, but these were:
          Alice: default "Bob waved" by flash, live
          Charlie: default "Bob waved" by flash, live
        """,
        lambda: notified.assert_not_notified(kind="default", method="live"),
    )


def test_long_lists_are_cut(notified: Captured, alice: User, bob: User) -> None:
    for number in range(14):
        notify.send(bob, recipient=bob, verb=f"counted {number}")
    with pytest.raises(AssertionError) as raised:
        notified.assert_notified(alice)
    lines = str(raised.value).splitlines()
    assert (len(lines), lines[-1]) == (13, "  and 4 more")


# Events


def test_an_event_was_not_published(notified: Captured) -> None:
    says(
        """
        An event of kind 'comment.created' was not published on 'post.9'.
        Nothing was published. What a transaction published is gone if it was rolled back.
        """,
        lambda: notified.assert_published("post.9", "comment.created"),
    )
    publish("post.9", "comment.created", {"id": 1})
    says(
        """
        An event of kind 'comment.created' with {'id': 2} was not published on 'post.9'.
        Published:
          comment.created on post.9: {'id': 1}
        """,
        lambda: notified.assert_published("post.9", "comment.created", {"id": 2}),
    )
    says(
        """
        Nothing should have been published on 'post.9'.
        Published:
          comment.created on post.9: {'id': 1}
        """,
        lambda: notified.assert_not_published("post.9"),
    )
