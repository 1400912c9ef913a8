"""Announcements are captured for everyone in their audience, by the methods that would reach each person."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, TypedDict

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.utils import timezone

from notifications_hub import broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.delivery.models import DeliveredThrough
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.testing import Captured

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="sqlite")]


class Given(TypedDict, total=False):
    methods: list[str]
    urgency: str


def test_an_announcement_is_seen_by_its_audience(notified: Captured, alice: User, bob: User, charlie: User) -> None:
    group = Group.objects.create(name="editors")
    broadcast(title="To editors", body="**Soon**", url="/posts/9/", audience=f"group.{group.pk}")
    notified.assert_not_notified(alice)
    # A person who joins sees it, whatever this object remembers of her.
    group.user_set.add(alice)
    notified.assert_notified(
        alice, kind="announcement", title="To editors", body="Soon", url="/posts/9/", methods={"flash", "live"}
    )
    notified.assert_not_notified(bob)
    assert [one.title for one in notified.announcements] == ["To editors"]
    # Her own row, which her first page makes, is not a second notification.
    assert len(notified.to(alice)) == 1
    with pytest.raises(AssertionError, match="audience group"):
        notified.assert_not_notified()


def test_an_announcement_reaches_people_by_the_transports_that_its_rollouts_use(
    notified: Captured, alice: User, bob: User, charlie: User
) -> None:
    notified.register_browser(alice)
    notified.register_browser(bob)
    choose_methods(bob, "announcement", ["live"])
    broadcast(title="Hello")
    notified.assert_notified(alice, methods={"flash", "live", "web_push"})
    notified.assert_notified(bob, methods={"live"})
    # Charlie has no browser.
    notified.assert_notified(charlie, methods={"flash", "live"})
    notified.assert_not_notified(bob, method="web_push")
    with pytest.raises(AssertionError, match="Alice was notified by web_push"):
        notified.assert_not_notified(alice, method="web_push")
    with pytest.raises(AssertionError, match="audience everyone"):
        notified.assert_not_notified(method="web_push")


@pytest.mark.parametrize(
    ("given", "reached"),
    [
        ({"methods": ["web_push"]}, [{"web_push"}, set()]),
        ({"methods": ["flash", "web_push"], "urgency": "critical"}, [{"flash", "web_push"}] * 2),
        ({"methods": ["live"], "urgency": "critical"}, [{"live"}] * 2),
    ],
)
def test_the_author_of_an_announcement_chooses_its_methods(
    notified: Captured, alice: User, bob: User, given: Given, reached: list[set[str]]
) -> None:
    for person in (alice, bob):
        notified.register_browser(person)
    choose_methods(bob, "announcement", ["live"])
    broadcast(title="Hello", **given)
    for person, methods in zip((alice, bob), reached, strict=True):
        notified.assert_notified(person, methods=methods)


def test_nobody_is_notified_by_a_transport_that_an_announcement_does_not_use(notified: Captured, alice: User) -> None:
    notified.register_browser(alice)
    broadcast(title="Hello", methods=["live"])
    notified.assert_not_notified(method="web_push")
    with pytest.raises(AssertionError, match="not by web_push: the announcement does not use it"):
        notified.assert_notified(alice, title="Other")


@pytest.mark.django_db(transaction=True)
def test_an_announcement_that_a_page_showed_is_not_sent_any_more(notified: Captured, alice: User, bob: User) -> None:
    for person in (alice, bob):
        notified.register_browser(person)
    announcement = broadcast(title="Hello")
    Announcement.objects.record_numbers()
    announcement.refresh_from_db()
    assert announcement.seq is not None
    topic = announcement.audience
    DeliveredThrough.objects.create(person=alice, topic=topic, start=announcement.seq - 1, seq=announcement.seq)
    notified.assert_notified(alice, methods={"flash", "live"})
    notified.assert_notified(bob, methods={"flash", "live", "web_push"})


def test_a_later_announcement_is_captured_once_it_starts(notified: Captured, alice: User) -> None:
    start = timezone.now() + timedelta(hours=1)
    broadcast(title="Later", starts_at=start)
    notified.assert_not_notified(alice)
    with time_machine.travel(start + timedelta(seconds=1), tick=False):
        call_command("hub_worker", "--once")
        notified.assert_notified(alice, kind="announcement")
