"""Rights to the package's own topics: its own rules decide, and hosts cannot override them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, Group

from accounts.models import User
from notifications_hub.checks import check_topics
from notifications_hub.jobs.models import Job
from notifications_hub.live import topics
from notifications_hub.live.topics import TopicRefused, are_public, may_listen, stored_topics, topic

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

BROAD = ["<str:room>", "<path:room>", "inbox.<int:pk>", "audience.<path:rest>"]


@pytest.fixture(autouse=True)
def _rules_of_the_test_end_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))


def allow(pattern: str) -> None:
    @topic(pattern)
    def anyone(user: Any, **captured: Any) -> bool:
        return True


@pytest.mark.parametrize("pattern", BROAD)
def test_a_hosts_broad_rule_opens_none_of_the_packages_topics(pattern: str, alice: User, bob: User) -> None:
    group = Group.objects.create(name="Staff of Alice's")
    job = Job.objects.create(owner=alice, task="any.task")
    allow(pattern)
    for name in (f"inbox.{alice.pk}", f"inbox.{bob.pk}", "staff", f"group.{group.pk}", "audience.vips", job.topic):
        assert not may_listen(bob, name), name
        with pytest.raises(TopicRefused):
            stored_topics(bob, [name])


@pytest.mark.parametrize("name", ["inbox.", "inbox.x", "task.1", "group.", "group.x", "audience."])
def test_names_like_the_packages_own_are_refused(name: str, bob: User) -> None:
    allow("<str:anything>")
    assert not may_listen(bob, name)


def test_a_broad_rule_opens_other_topics_with_similar_names(bob: User) -> None:
    allow("<str:anything>")
    assert stored_topics(bob, ["inboxes", "staff.lounge", "tasks.1"]) == ["inboxes", "staff.lounge", "tasks.1"]


def test_the_packages_own_rules_hold_beside_a_broad_one(alice: User, bob: User) -> None:
    bob.groups.add(group := Group.objects.create(name="Readers"))
    job = Job.objects.create(owner=bob, task="any.task")
    allow("<str:anything>")
    assert stored_topics(bob, ["everyone", f"group.{group.pk}", job.topic]) == [
        "everyone",
        f"group.{group.pk}",
        job.topic,
    ]
    assert stored_topics(bob, ["inbox"])[0] == f"inbox.{bob.pk}"
    assert not may_listen(bob, f"task.{uuid4()}")


def test_only_a_public_rule_is_asked_about_strangers(bob: User) -> None:
    asked: list[Any] = []

    @topic("private.<str:name>")
    @topic("shown.<str:name>", public=True)
    def rule(user: Any, name: str) -> bool:
        asked.append(user)
        return name != "closed"

    stranger = AnonymousUser()
    assert not may_listen(stranger, "private.tea")
    assert asked == []
    assert may_listen(stranger, "shown.tea")
    assert asked == [stranger]
    assert not may_listen(stranger, "shown.closed")
    assert may_listen(bob, "private.tea")
    for name in ("inbox", "everyone", "staff", "group.1", "audience.vips", f"task.{uuid4()}", "missing.tea"):
        assert not may_listen(stranger, name)
        assert not are_public([name])
    assert are_public(["shown.tea", "shown.closed"])
    assert not are_public(["shown.tea", "private.tea"])


def test_the_first_matching_pattern_decides_whether_a_topic_is_public() -> None:
    topic("first.<int:pk>")(lambda user, pk: True)
    topic("first.<str:name>", public=True)(lambda user, name: True)
    assert not are_public(["first.1"])
    assert are_public(["first.tea"])


def test_an_invalid_topic_name_reaches_no_rule(bob: User) -> None:
    allow("<path:anything>")
    assert may_listen(bob, "x" * 200)
    for name in ("x" * 201, "room.\0", "room..lobby", "room/lobby", "Room.lobby", ""):
        assert not may_listen(bob, name)


def test_a_rule_that_could_never_be_called_is_an_error() -> None:
    assert check_topics(None) == []
    allow("<str:room>")
    assert check_topics(None) == []
    allow("staff")
    allow("inbox.<int:pk>")
    staff, inbox = check_topics(None)
    assert staff.id == inbox.id == "notifications_hub.E015"
    assert "'staff'" in staff.msg
    assert "'inbox.<int:pk>'" in inbox.msg
