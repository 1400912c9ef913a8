"""Every way to notify is captured, inside and outside a transaction, as its people would see it."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import transaction
from notifications.signals import notify
from pytest_django import Settings

from notifications_hub import BadTopic, UnknownKind, broadcast, publish, publish_many
from notifications_hub.testing import Captured
from tests.testing import kinds  # noqa: F401 -- declares kinds

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]
in_a_transaction_or_not = pytest.mark.parametrize(
    "commits",
    [
        pytest.param(False, id="wrapped"),
        pytest.param(True, id="committed", marks=pytest.mark.django_db(transaction=True)),
    ],
)


class Undone(Exception):
    pass


@contextmanager
def undone() -> Iterator[None]:
    """Roll back what the block did."""
    with pytest.raises(Undone), transaction.atomic():  # noqa: PT012 -- the block may do anything
        yield
        raise Undone


# Who is notified


@in_a_transaction_or_not
def test_one_person_is_notified(notified: Captured, alice: User, bob: User, charlie: User, commits: bool) -> None:
    notify.send(bob, recipient=alice, verb="waved", description="Hello", url="/posts/9/", level="success")
    one = notified.assert_notified(
        alice,
        kind="default",
        title="Bob waved",
        body="Hello",
        url="/posts/9/",
        level="success",
        methods={"live", "flash"},
    )
    assert (one.person, one.row.pk) == (alice, alice.notifications.get().pk)
    notified.assert_not_notified(charlie)


@pytest.mark.parametrize("given", ["list", "queryset", "generator", "group", "words of each person"])
def test_many_people_are_notified(notified: Captured, alice: User, bob: User, charlie: User, given: str) -> None:
    group = Group.objects.create(name="editors")
    group.user_set.add(alice, bob)
    people = {
        "queryset": type(alice).objects.filter(pk__in=[alice.pk, bob.pk]),
        "generator": (one for one in [alice, bob]),
        "group": group,
    }
    kind = "tests.testing.personal" if given.startswith("words") else "default"
    notify.send(charlie, recipient=people.get(given, [alice, bob]), verb="waved", kind=kind)
    assert {one.person for one in notified.notifications} == {alice, bob}
    assert len(notified.notifications) == 2
    for person in (alice, bob):
        notified.assert_notified(person, kind=kind)
    notified.assert_not_notified(charlie)


def test_what_was_there_before_is_not_captured(alice: User, bob: User, request: pytest.FixtureRequest) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    publish("post.9", "comment.created", {})
    broadcast(title="Hello")
    notified: Captured = request.getfixturevalue("notified")
    notified.assert_not_notified()
    notify.send(bob, recipient=alice, verb="waved again")
    notified.assert_notified(alice, title="Bob waved again")
    notified.clear()
    notified.assert_not_notified()
    assert (notified.events, notified.announcements, notified.deliveries) == ([], [], [])


@in_a_transaction_or_not
def test_what_was_rolled_back_is_not_captured(
    notified: Captured, alice: User, bob: User, charlie: User, commits: bool
) -> None:
    notified.register_browser(alice)
    with undone():
        notify.send(bob, recipient=[alice, bob], verb="waved")
        broadcast(title="Maintenance")
        publish("post.9", "comment.created", {})
        notified.assert_notified(alice, kind="default")
    for person in (alice, bob, charlie):
        notified.assert_not_notified(person)
    notified.assert_not_notified()
    assert (notified.events, notified.announcements, notified.deliveries) == ([], [], [])


@in_a_transaction_or_not
def test_of_two_savepoints_only_the_kept_one_counts(notified: Captured, alice: User, bob: User, commits: bool) -> None:
    with transaction.atomic():
        with transaction.atomic():
            notify.send(bob, recipient=alice, verb="waved")
        with undone():
            notify.send(alice, recipient=bob, verb="waved")
    notified.assert_notified(alice)
    notified.assert_not_notified(bob)


def test_callbacks_after_the_commit_are_not_needed_and_do_no_harm(
    notified: Captured, alice: User, bob: User, django_capture_on_commit_callbacks: object
) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    notified.assert_notified(alice)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        notify.send(alice, recipient=bob, verb="waved")
    notified.assert_notified(bob)


# Events


@in_a_transaction_or_not
def test_published_events_are_captured(notified: Captured, alice: User, commits: bool) -> None:
    publish("post.9", "comment.created", {"id": 1})
    publish_many([("post.10", "comment.created", {"id": 2})])
    publish("room.lobby", "typing", {"who": "alice"}, ephemeral=True)
    event = notified.assert_published("post.9", "comment.created", {"id": 1})
    assert (event.topic, event.data, event.ephemeral) == ("post.9", {"id": 1}, False)
    assert notified.assert_published("room.lobby").ephemeral
    notified.assert_not_published("post.11")
    notified.assert_not_published("post.9", "comment.deleted")
    assert [one.topic for one in notified.events] == ["post.9", "post.10", "room.lobby"]


def test_events_of_inboxes_are_no_published_events(notified: Captured, alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    assert notified.events == []


@pytest.mark.parametrize("topic", ["inbox", "inbox.1", "post 9", ""])
def test_a_topic_that_nothing_publishes_on_is_an_error_and_not_a_test_that_always_passes(
    notified: Captured, topic: str
) -> None:
    with pytest.raises(BadTopic):
        notified.assert_not_published(topic)


# Databases


def test_reads_go_where_the_hub_writes(
    notified: Captured, alice: User, bob: User, charlie: User, settings: Settings
) -> None:
    settings.DATABASE_ROUTERS = ["tests.support.routers.PrimaryReplicaRouter"]
    notified.register_browser(alice)
    notify.send(bob, recipient=[alice], verb="waved")
    broadcast(title="Hello")
    publish("post.9", "comment.created", {})
    notified.assert_notified(alice, kind="default", methods={"flash", "live", "web_push"})
    notified.assert_notified(charlie, kind="announcement")
    assert (len(notified.pushes), len(notified.events), len(notified.announcements)) == (1, 2, 1)
    with pytest.raises(AssertionError, match="not by web_push: no browser of Charlie was registered"):
        notified.assert_notified(charlie, title="Other")
    with pytest.raises(AssertionError, match="audience everyone"):
        notified.assert_not_notified()


# A changed clock, and names that do not exist


def test_a_frozen_clock_changes_nothing(notified: Captured, alice: User, bob: User) -> None:
    notified.register_browser(alice)
    with time_machine.travel("2031-02-03 04:05", tick=False):
        notify.send(bob, recipient=alice, verb="waved")
    notified.assert_notified(alice, methods={"flash", "live", "web_push"})
    assert len(notified.pushes) == 1


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"kind": "coment.reply"}, UnknownKind),
        ({"method": "web_psh"}, ValueError),
    ],
)
def test_a_misspelt_name_is_an_error_and_not_a_test_that_always_passes(
    notified: Captured, alice: User, given: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error, match="known"):
        notified.assert_not_notified(alice, **given)


def test_a_name_or_an_unsaved_person_is_no_person(notified: Captured, alice: User) -> None:
    # A primary key that is a UUID is set before the row exists.
    for person in ("alice", type(alice)(username="dora"), type(alice)(pk=alice.pk + 9, username="dora")):
        with pytest.raises(TypeError, match="not a saved person"):
            notified.assert_not_notified(person)  # type: ignore[arg-type]


def test_it_can_be_pickled_with_a_failed_subtest(notified: Captured, alice: User, bob: User) -> None:
    """Django's parallel runner does so."""
    notify.send(bob, recipient=alice, verb="waved")
    pickle.loads(pickle.dumps(notified)).assert_notified(alice)
