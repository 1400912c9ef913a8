"""Drafts: saved, duplicated, never announced by themselves, and announced once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.db import connections

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.streams.sweeper import sweep
from tests.announcements.support import (
    ADD,
    LIST,
    ClientFor,
    change,
    filled_in,
    kinds_on,
    said,
    trail,
    translated,
)

if TYPE_CHECKING:
    from django.test import Client

both_databases = pytest.mark.both_databases
pytestmark = pytest.mark.django_db


def as_draft(**changes: str) -> dict[str, object]:
    form = filled_in(_draft="Save as draft", **changes)
    del form["_save"]
    return form


def only() -> Announcement:
    return Announcement.objects.get()


@both_databases
def test_a_draft_is_announced_when_its_form_is(writer: Client) -> None:
    answer = writer.post(ADD, as_draft())
    assert said(answer)[-1] == "“Closed on Sunday” is saved as a draft. Nobody has got it yet."
    sweep()
    assert (only().state, kinds_on("everyone")) == (AnnouncementState.DRAFT, [])
    assert [one.title for one in writer.get(f"{LIST}?state=draft").context["cl"].result_list] == ["Closed on Sunday"]

    answer = writer.post(change(only()), filled_in(title="Closed on Monday", was="draft"))
    assert said(answer)[-1] == "“Closed on Monday” has been announced to 1 person."
    assert kinds_on("everyone") == ["announcement.created"]
    assert [step for step, _name, _source in trail()] == ["written", "edited", "announced"]


def test_its_form_leaves_times_empty_that_would_be_stale(writer: Client) -> None:
    with time_machine.travel(datetime(2026, 11, 1, 12, tzinfo=UTC), tick=False) as clock:
        writer.post(ADD, as_draft())
        clock.shift(timedelta(days=10))
        form = writer.get(change(only())).context["adminform"].form
        assert (form["starts_at"].value(), form["ends_at"].value()) == (None, None)
        writer.post(change(only()), filled_in(was="draft"))
        assert only().ends_at - only().starts_at == timedelta(days=30)
    assert kinds_on("everyone") == ["announcement.created"]


def test_a_planned_one_can_become_a_draft_again(writer: Client) -> None:
    announcement = broadcast(title="Hello", starts_at=datetime.now(UTC) + timedelta(days=1))
    writer.post(change(announcement), as_draft())
    assert only().state is AnnouncementState.DRAFT


def test_who_takes_a_plan_back_and_who_plans_a_draft_is_on_record(writer: Client) -> None:
    later = {"starts_at_0": "2099-01-01", "starts_at_1": "12:00", "ends_at_0": "2099-01-02", "ends_at_1": "12:00"}
    writer.post(ADD, as_draft(**later))
    writer.post(change(only()), filled_in(was="draft", **later))
    writer.post(change(only()), filled_in(**later))
    writer.post(change(only()), as_draft(title="Later", **later))
    edits = AnnouncementStep.objects.filter(step="edited").order_by("pk")
    assert [step for step, _name, _source in trail()] == ["written", "edited", "edited"]
    assert [step.details["changes"]["is_draft"] for step in edits] == [[True, False], [False, True]]
    assert "title" in edits[1].details["changes"]


def test_a_draft_sent_twice_opens_the_first_one(writer: Client) -> None:
    writer.post(ADD, as_draft())
    answer = writer.post(ADD, as_draft())
    assert answer["Location"] == change(only())
    assert "already saved as a draft" in said(answer)[-1]


@both_databases
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_admins_who_announce_a_draft_at_once_announce_it_once(client_for: ClientFor, admin: User) -> None:
    clients = [client_for(admin), client_for(admin)]
    clients[0].post(ADD, as_draft())
    draft = only()
    start = threading.Barrier(2)
    answers: list[str] = []

    def press(client: Client, title: str) -> None:
        start.wait()
        try:
            answers.append(said(client.post(change(draft), filled_in(title=title, was="draft")))[-1])
        finally:
            connections.close_all()

    pressing = [threading.Thread(target=press, args=pair) for pair in zip(clients, ("One", "Two"), strict=True)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()

    assert kinds_on("everyone") == ["announcement.created"]
    [slower] = [answer for answer in answers if "no draft any more" in answer]
    assert only().title in slower


def test_a_draft_can_be_discarded(writer: Client) -> None:
    writer.post(ADD, as_draft())
    assert announce.withdraw(only())
    assert (only().state, kinds_on("everyone")) == (AnnouncementState.WITHDRAWN, [])


@both_databases
def test_a_duplicate_has_everything_but_the_times_and_the_approval(writer: Client, alice: User, bob: User) -> None:
    writer.post(
        ADD, filled_in(url="/posts/1/", level="warning", urgency="high", methods=["live"], **translated("闭馆"))
    )
    original = only()
    Announcement.objects.filter(pk=original.pk).update(
        by=alice, approved_by=alice, approved_at=datetime.now(UTC), is_banner=True, banner_paths="/shop/*"
    )
    announce.withdraw(original)
    answer = writer.post(f"{LIST}{original.pk}/duplicate/")

    draft = Announcement.objects.get(is_draft=True)
    assert answer["Location"] == change(draft)
    assert (draft.title, draft.body, draft.url) == (original.title, original.body, "/posts/1/")
    assert (draft.level, draft.urgency, draft.methods) == ("warning", "high", ["live"])
    assert (draft.is_banner, draft.banner_paths, draft.by) == (True, "/shop/*", bob)
    assert (draft.approved_at, draft.announced_at, draft.withdrawn_at) == (None, None, None)
    assert draft.translations.get().title == "闭馆"
    assert draft.submission != original.submission
    assert kinds_on("everyone").count("announcement.created") == 1
    assert trail()[-2:] == [("duplicated", "bob", "admin"), ("written", "bob", "admin")]


def test_a_link_duplicates_nothing(writer: Client) -> None:
    announcement = broadcast(title="Hello")
    assert writer.get(f"{LIST}{announcement.pk}/duplicate/").status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert writer.post(f"{LIST}987654/duplicate/").status_code == HTTPStatus.NOT_FOUND
    assert Announcement.objects.count() == 1
