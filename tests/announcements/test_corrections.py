"""Edits of a running announcement that a second person approves before people see them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.approval import corrections
from notifications_hub.announcements.approval.decision import approve, version_of
from notifications_hub.announcements.approval.models import Correction
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from tests.announcements.support import LIST, approval, change, filled_in, kinds_on, log_of, said, translated
from tests.announcements.test_approval import notified, press_approve

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

both_databases = pytest.mark.both_databases(short="postgresql")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("above_one")]

END = {"ends_at_0": "2099-01-01", "ends_at_1": "12:00"}


@pytest.fixture
def running(alice: User, bob: User, charlie: User) -> Announcement:
    """Return an announcement that Charlie approved."""
    announcement = broadcast(title="Clsoed", body="We move the **shelves**.", by=alice)
    approve(announcement, by=charlie, version=version_of(announcement))
    return Announcement.objects.get()


def correct(client: Client, **changes: Any) -> str:
    answer = client.post(change(Announcement.objects.get()), filled_in(title="Closed", **{**END, **changes}))
    return said(answer)[-1]


@both_databases
def test_a_correction_reaches_open_pages_once_a_second_person_approved(
    writer: Client, second: Client, running: Announcement, alice: User, bob: User
) -> None:
    assert "waits for a second person" in correct(writer, **translated("闭馆"))
    assert (Announcement.objects.get().title, kinds_on("everyone")) == ("Clsoed", ["announcement.created"])
    assert notified(alice)[-1] == "A correction of “Clsoed” needs your approval"
    assert [one.title for one in writer.get(f"{LIST}?correction=awaiting").context["cl"].result_list] == ["Clsoed"]

    page = second.get(approval(running)).content.decode()
    assert all(words in page for words in ("Clsoed", "Closed", "闭馆"))
    press_approve(second, running)
    assert kinds_on("everyone") == ["announcement.created", "announcement.updated"]
    item = log_of("everyone")[-1][1]
    assert (item["title"], item["translations"]) == ("Closed", {"zh-hans": {"title": "闭馆", "body": ""}})
    edited = Announcement.objects.get()
    assert (edited.title, edited.ends_at, edited.last_editor) == ("Closed", datetime(2099, 1, 1, 12, tzinfo=UTC), bob)
    assert not Correction.objects.exists()
    assert notified(bob)[-1] == "Your correction of “Closed” was approved by Alice"

    steps = AnnouncementStep.objects.order_by("-pk")[:2]
    assert [(step.step, step.person_name) for step in steps] == [("edited", "alice"), ("proposed", "bob")]
    assert steps[0].details["proposed_by"] == "bob"
    assert steps[0].details["changes"]["title"] == ["Clsoed", "Closed"]


@both_databases
def test_the_person_who_proposed_it_may_not_approve_it(writer: Client, running: Announcement) -> None:
    correct(writer)
    page = writer.get(approval(running)).content.decode()
    assert 'value="approve"' not in page
    answer = writer.post(approval(running), {"decision": "approve", "version": "x"})
    assert "somebody else has to approve it" in said(answer)[-1]
    assert Announcement.objects.get().title == "Clsoed"


def test_a_later_correction_replaces_an_earlier_one(writer: Client, second: Client, running: Announcement) -> None:
    correct(writer)
    [version] = re.findall(r'name="version" value="(\w+)"', second.get(approval(running)).content.decode())
    correct(writer, body="And more")
    answer = second.post(approval(running), {"decision": "approve", "version": version})
    assert "changed meanwhile" in said(answer)[-1]
    press_approve(second, running)
    assert Announcement.objects.get().body == "And more"


def test_a_refused_one_changes_nothing_and_says_why(
    writer: Client, second: Client, running: Announcement, bob: User
) -> None:
    correct(writer)
    second.post(approval(running), {"decision": "send-back", "reason": "It was right."})
    assert notified(bob)[-1] == "Your correction of “Clsoed” was refused by Alice"
    assert kinds_on("everyone") == ["announcement.created"]
    assert not Correction.objects.exists()
    assert AnnouncementStep.objects.order_by("-pk")[0].details == {"reason": "It was right."}


def test_a_correction_that_does_not_fit_any_more_is_not_applied(
    writer: Client, second: Client, running: Announcement
) -> None:
    correct(writer, ends_at_0="2098-01-01")
    Announcement.objects.update(starts_at=datetime(2098, 6, 1, tzinfo=UTC), ends_at=datetime(2099, 6, 1, tzinfo=UTC))
    assert "does not fit" in said(press_approve(second, running))[-1]
    assert Announcement.objects.get().title == "Clsoed"


def test_a_correction_whose_end_has_passed_does_not_end_it(
    writer: Client, second: Client, running: Announcement
) -> None:
    correct(writer)
    Correction.objects.update(columns={"ends_at": "2020-01-01T12:00:00Z"})
    Announcement.objects.update(starts_at=datetime(2019, 1, 1, tzinfo=UTC))
    assert "does not fit" in said(press_approve(second, running))[-1]
    assert Announcement.objects.get().state == AnnouncementState.RUNNING


def customers() -> QuerySet[User]:
    """Return a query that the database refuses."""
    return User.objects.filter(pk__in=RawSQL("SELECT customer FROM no_such_table", ()))


@both_databases
def test_an_audience_that_the_database_refuses_keeps_the_edit_as_a_correction(
    writer: Client, second: Client, settings: Settings
) -> None:
    hub = settings.NOTIFICATIONS_HUB
    audience = {"AUDIENCES": {"customers": f"{__name__}.customers"}}
    settings.NOTIFICATIONS_HUB = {**hub, **audience, "ANNOUNCEMENT_APPROVAL_ABOVE": None}
    announcement = broadcast(title="Clsoed", audience="audience.customers")
    settings.NOTIFICATIONS_HUB = {**hub, **audience}

    assert "waits for a second person" in correct(writer)
    assert "cannot be counted now" in second.get(approval(announcement)).content.decode()


def test_an_audience_that_shrinks_during_the_save_loses_no_edit(
    writer: Client, running: Announcement, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True])
    monkeypatch.setattr(corrections, "needs_correction", lambda _edited: next(answers, False))
    assert "waits for a second person" in correct(writer)
    assert Correction.objects.get().columns["title"] == "Closed"


def test_one_that_is_over_is_not_corrected(writer: Client, second: Client, running: Announcement) -> None:
    correct(writer)
    announce.withdraw(running)
    page = second.get(approval(running)).content.decode()
    assert 'value="approve"' not in page
    assert "withdrawn" in said(second.post(approval(running), {"decision": "approve", "version": "x"}))[-1]
    assert Announcement.objects.get().title == "Clsoed"


@both_databases
def test_making_a_small_one_critical_needs_a_second_person(writer: Client, second: Client, bob: User) -> None:
    group = Group.objects.create(name="Readers")
    group.user_set.add(bob)
    announcement = broadcast(title="Hello", audience=f"group.{group.pk}")
    assert "on open pages too" in correct(writer)
    correct(writer, urgency="critical")
    assert re.search(r"<dd>\s*critical\b", second.get(approval(Announcement.objects.get())).content.decode())
    assert Announcement.objects.get().urgency == "normal"
    press_approve(second, announcement)
    assert Announcement.objects.get().urgency == "critical"
    # One person alone may not undo what two have decided.
    assert "waits for a second person" in correct(writer, urgency="normal", body="Something else")


def test_without_the_setting_an_edit_applies_at_once_and_replaces_the_proposal(
    settings: Any, writer: Client, running: Announcement
) -> None:
    correct(writer)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_APPROVAL_ABOVE": None}
    assert "on open pages too" in correct(writer, body="Now")
    assert Announcement.objects.get().body == "Now"
    assert not Correction.objects.exists()


def test_saving_without_a_change_proposes_nothing(writer: Client, running: Announcement) -> None:
    Announcement.objects.update(ends_at=datetime(2099, 1, 1, 12, tzinfo=UTC))
    writer.post(change(running), filled_in(title="Clsoed", is_banner_dismissable="on", **END))
    assert not Correction.objects.exists()
