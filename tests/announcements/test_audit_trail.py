"""The audit trail of announcements: every step and who took it, which nobody can change or delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce, audit
from notifications_hub.announcements.audit import AnnouncementStep, AppendOnlyError, Source, Step
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts import control
from notifications_hub.streams.sweeper import sweep
from tests.announcements.support import trail
from tests.support.deliveries import use_memory

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

HOUR = timedelta(hours=1)


@pytest.fixture
def step(alice: User) -> AnnouncementStep:
    audit.record(Announcement.objects.create(title="Hello"), Step.WRITTEN, by=alice)
    return AnnouncementStep.objects.get()


def test_code_is_recorded_with_the_person_it_names(settings: Any, alice: User, bob: User) -> None:
    use_memory(settings, ack_window=0)
    announcement = broadcast(title="Hello", by=alice)
    control.pause(announcement, by=bob)
    control.pause(announcement, by=bob)
    control.resume(announcement)
    control.stop(announcement, by=alice)
    announce.withdraw(announcement, by=bob)
    announce.withdraw(announcement, by=bob)
    assert trail() == [
        ("written", "alice", "code"),
        ("announced", "alice", "code"),
        ("paused", "bob", "code"),
        ("resumed", "", "code"),
        ("stopped", "alice", "code"),
        ("withdrawn", "bob", "code"),
    ]


def test_a_person_whose_user_name_is_a_number_is_named(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(User, "get_username", lambda _person: 4711)
    broadcast(title="Hello", by=alice)
    assert {name for _step, name, _source in trail()} == {"4711"}


def test_the_clock_is_recorded_as_such(alice: User) -> None:
    later = broadcast(title="Hello", by=alice, starts_at=datetime.now(UTC) + HOUR)
    Announcement.objects.filter(pk=later.pk).update(starts_at=datetime.now(UTC) - HOUR)
    sweep()
    Announcement.objects.filter(pk=later.pk).update(ends_at=datetime.now(UTC) - timedelta(minutes=1))
    sweep()
    assert trail() == [("written", "alice", "code"), ("announced", "", "system"), ("ended", "", "system")]


def test_a_source_holds_for_its_block_only(alice: User) -> None:
    with audit.coming_from(Source.COMMAND):
        broadcast(title="One", starts_at=datetime.now(UTC) + HOUR)
    broadcast(title="Two", starts_at=datetime.now(UTC) + HOUR)
    assert [source for _step, _name, source in trail()] == ["command", "code"]


def test_a_step_rolls_back_with_what_it_is_about() -> None:
    with transaction.atomic():
        broadcast(title="Hello")
        transaction.set_rollback(True)
    assert trail() == []


def test_it_survives_the_announcement_and_the_person(step: AnnouncementStep, alice: User) -> None:
    Announcement.objects.get().delete()
    alice.delete()
    assert trail() == [("written", "alice", "code"), ("deleted", "", "code")]
    assert {one.title for one in AnnouncementStep.objects.all()} == {"Hello"}


CHANGES: dict[str, Callable[[AnnouncementStep], object]] = {
    "save": lambda step: step.save(),
    "save of some columns": lambda step: step.save(update_fields=["title"]),
    "forced update": lambda step: step.save(force_update=True),
    "delete": lambda step: step.delete(),
    "update of many": lambda _: AnnouncementStep.objects.update(title="x"),
    "update of a filter": lambda step: AnnouncementStep.objects.filter(pk=step.pk).update(title="x"),
    "delete of many": lambda _: AnnouncementStep.objects.all().delete(),
    "raw delete": lambda _: AnnouncementStep.objects.all()._raw_delete(using="default"),
    "base manager": lambda _: AnnouncementStep._base_manager.update(title="x"),
    "bulk update": lambda step: AnnouncementStep.objects.bulk_update([step], ["title"]),
    "update or create": lambda step: AnnouncementStep.objects.update_or_create({"title": "x"}, pk=step.pk),
    "upsert": lambda step: AnnouncementStep.objects.bulk_create(
        [AnnouncementStep(pk=step.pk, title="x")], update_conflicts=True, unique_fields=["pk"], update_fields=["title"]
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_stored_step_is_refused(step: AnnouncementStep, change: str) -> None:
    step.title = "Changed"
    with pytest.raises(AppendOnlyError, match=r"append-only.*audit\.record"), transaction.atomic():
        CHANGES[change](step)
    assert AnnouncementStep.objects.get().title == "Hello"


def test_a_new_step_does_not_replace_one_of_the_same_key(step: AnnouncementStep) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        AnnouncementStep(pk=step.pk, title="x", announcement_key="1", step="edited", source="code").save()
    assert AnnouncementStep.objects.get().title == "Hello"


def test_details_are_cut_and_stored_on_every_database(alice: User) -> None:
    announcement = Announcement.objects.create(title="Hello")
    long = {f"field{number}": ["a\0" * 5000, "b" * 5000] for number in range(3)}
    audit.record(announcement, Step.EDITED, by=alice, changes=long)
    audit.record(announcement, Step.EDITED, changes={f"field{number}": "c" * 5000 for number in range(300)})
    first, second = (one.details for one in AnnouncementStep.objects.order_by("pk"))
    assert [len(value) for value in first["changes"]["field2"]] == [200, 200]
    assert len(second["changes"]) == 100
