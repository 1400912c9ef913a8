"""Four eyes: which announcements a second person approves, who may, and what happens meanwhile."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub import Banner, broadcast
from notifications_hub.announcements import announce
from notifications_hub.announcements.approval.approvers import approvers
from notifications_hub.announcements.approval.decision import Outcome, approve, version_of
from notifications_hub.announcements.audit import AnnouncementStep
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.checks import check_settings
from notifications_hub.conf import load
from notifications_hub.models import Notification
from notifications_hub.streams.sweeper import sweep
from tests.announcements.support import (
    ADD,
    LIST,
    ClientFor,
    Grant,
    approval,
    change,
    filled_in,
    kinds_on,
    said,
    trail,
)

if TYPE_CHECKING:
    from django.test import Client

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

both_databases = pytest.mark.both_databases(short="sqlite")
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("above_one")]


def only() -> Announcement:
    return Announcement.objects.get()


def press_approve(client: Client, announcement: Announcement) -> Any:
    """Approve the version that the page shows now."""
    page = client.get(approval(announcement)).content.decode()
    [version] = re.findall(r'name="version" value="(\w+)"', page)
    return client.post(approval(announcement), {"decision": "approve", "version": version})


def notified(person: User) -> list[str]:
    """Return the titles of a person's notifications about approvals, oldest first."""
    rows = Notification.objects.filter(recipient=person, kind="approval.announcement").order_by("pk")
    return [row.message().title for row in rows]


# Which ones


@both_databases
def test_many_people_get_it_after_a_second_person_approved(writer: Client, second: Client, alice: User) -> None:
    answer = writer.post(ADD, filled_in())
    assert said(answer)[-1] == "“Closed on Sunday” waits for a second person, who was asked to approve it."
    assert only().state is AnnouncementState.AWAITING
    sweep()
    assert kinds_on("everyone") == []
    assert notified(alice) == ["“Closed on Sunday” needs your approval"]

    answer = press_approve(second, only())
    assert "is approved" in said(answer)[-1]
    assert kinds_on("everyone") == ["announcement.created"]
    assert (only().state, only().approved_by) == (AnnouncementState.RUNNING, alice)
    assert trail() == [
        ("written", "bob", "admin"),
        ("submitted", "bob", "admin"),
        ("approved", "alice", "admin"),
        ("announced", "alice", "admin"),
    ]


@pytest.mark.parametrize(
    ("limit", "urgency", "state"),
    [
        (None, "critical", "running"),
        (2, "normal", "running"),
        (1, "normal", "awaiting"),
        (0, "normal", "awaiting"),
        (9, "critical", "awaiting"),
        (9, "high", "running"),
    ],
)
@pytest.mark.usefixtures("alice", "bob")
def test_the_setting_decides(settings: Settings, limit: int | None, urgency: str, state: str) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_APPROVAL_ABOVE": limit}
    assert broadcast(title="Hello", urgency=urgency).state == state


def test_a_banner_for_visitors_always_needs_a_second_person(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_APPROVAL_ABOVE": 99}
    assert broadcast(title="Hello", banner=Banner()).state is AnnouncementState.RUNNING
    assert broadcast(title="Hello", banner=Banner(is_public=True)).state is AnnouncementState.AWAITING


@pytest.mark.parametrize("value", ["5", -1, True, 1.5])
def test_another_value_of_the_setting_is_refused(settings: Settings, value: object) -> None:
    settings.NOTIFICATIONS_HUB = {"ANNOUNCEMENT_APPROVAL_ABOVE": value}
    with pytest.raises(ImproperlyConfigured, match="ANNOUNCEMENT_APPROVAL_ABOVE"):
        load()


@both_databases
def test_the_audience_is_read_no_further_than_the_limit(alice: User, bob: User, charlie: User) -> None:
    with CaptureQueriesContext(connection) as caught:
        broadcast(title="Hello")
    sizes = [one["sql"] for one in caught if 'FROM "accounts_user"' in one["sql"] and "OFFSET 1" in one["sql"]]
    assert len(sizes) == 1
    assert "LIMIT 1" in sizes[0]
    assert not any("COUNT(" in one["sql"].upper() and "accounts_user" in one["sql"] for one in caught)


@both_databases
def test_code_and_the_command_wait_too(alice: User, bob: User, capsys: pytest.CaptureFixture[str]) -> None:
    assert broadcast(title="Hello", by=alice).awaits_approval
    call_command("hub_announce", "Hello again", "--by", "alice")
    assert "waits for a second person to approve it" in capsys.readouterr().out.lower()
    assert kinds_on("everyone") == []
    assert [source for _step, _name, source in trail()] == ["code", "code", "command", "command"]


@both_databases
def test_an_audience_that_grew_since_it_was_planned_waits_after_all(alice: User, bob: User) -> None:
    group = Group.objects.create(name="Readers")
    with time_machine.travel(NOON, tick=False) as clock:
        planned = broadcast(title="Hello", audience=f"group.{group.pk}", starts_at=NOON + HOUR)
        assert planned.state is AnnouncementState.PLANNED
        group.user_set.add(alice, bob)
        clock.shift(HOUR)
        announce.announce_due()
        assert only().state is AnnouncementState.AWAITING
    assert kinds_on(f"group.{group.pk}") == []


def test_a_setting_that_is_turned_off_frees_it_when_it_is_saved_again(
    settings: Settings, writer: Client, alice: User
) -> None:
    writer.post(ADD, filled_in())
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_APPROVAL_ABOVE": None}
    sweep()
    assert only().state is AnnouncementState.AWAITING
    writer.post(change(only()), filled_in())
    assert kinds_on("everyone") == ["announcement.created"]


def _raise() -> None:
    raise RuntimeError("the customers' database is away")


@both_databases
def test_an_audience_that_raises_is_an_error_of_the_form(
    monkeypatch: pytest.MonkeyPatch, writer: Client, alice: User
) -> None:
    monkeypatch.setattr("notifications_hub.audiences.members", lambda _audience: _raise())
    answer = writer.post(ADD, filled_in())
    assert answer.status_code == HTTPStatus.OK
    assert "This audience cannot be read" in answer.content.decode()
    assert not Announcement.objects.exists()


def test_the_form_says_before_and_after_what_critical_does(writer: Client, second: Client) -> None:
    rule = "whatever they prefer, also in their quiet hours. A second person has to approve it."
    assert rule in writer.get(ADD).content.decode()
    assert "It is critical: it reaches people" in said(writer.post(ADD, filled_in(urgency="critical")))[-1]
    assert "It is critical: it reaches people" in second.get(approval(only())).content.decode()


def test_without_the_admin_nobody_could_approve(settings: Settings) -> None:
    assert not check_settings(None)
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "django.contrib.admin"]
    [warning] = check_settings(None)
    assert (warning.id, "django.contrib.admin" in warning.msg) == ("notifications_hub.W050", True)


# Who may


@both_databases
def test_neither_the_author_nor_the_last_editor_may(
    writer: Client, second: Client, client_for: ClientFor, admin: User
) -> None:
    writer.post(ADD, filled_in())
    page = writer.get(approval(only())).content.decode()
    assert 'value="approve"' not in page
    assert "somebody else has to approve it" in page

    second.post(change(only()), filled_in(title="Closed on Monday"))
    for client in (writer, second):
        answer = client.post(approval(only()), {"decision": "approve", "version": version_of(only())})
        assert said(answer)[-1] == "You wrote or changed it last, so somebody else has to approve it."
    assert kinds_on("everyone") == []

    press_approve(client_for(admin), only())
    assert kinds_on("everyone") == ["announcement.created"]


def test_an_approval_counts_only_for_what_was_looked_at(writer: Client, second: Client) -> None:
    writer.post(ADD, filled_in())
    page = second.get(approval(only())).content.decode()
    [version] = re.findall(r'name="version" value="(\w+)"', page)
    writer.post(change(only()), filled_in(body="Something else altogether"))

    answer = second.post(approval(only()), {"decision": "approve", "version": version})
    assert said(answer)[-1] == "It has been changed meanwhile. Please look at it again."
    assert kinds_on("everyone") == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_staff_without_the_permission_may_not(client_for: ClientFor, staff: Grant, alice: User, method: str) -> None:
    announcement = broadcast(title="Hello")
    client = client_for(staff("view_announcement", "change_announcement", "add_announcement"))
    ask = getattr(client, method)
    for page in ("approval", "duplicate", "history", "sending"):
        assert ask(f"{LIST}{announcement.pk}/{page}/").status_code == HTTPStatus.FORBIDDEN, page
    assert client.get("/admin/notifications_hub/announcementstep/").status_code == HTTPStatus.FORBIDDEN
    assert only().state is AnnouncementState.AWAITING


def test_a_missing_one_is_a_404(writer: Client) -> None:
    assert writer.get(f"{LIST}987654/approval/").status_code == HTTPStatus.NOT_FOUND


@both_databases
def test_the_people_asked_hold_the_permission_or_else_are_superusers(
    alice: User, bob: User, charlie: User, admin: User
) -> None:
    assert approvers([]) == [admin]
    group = Group.objects.create(name="Announcers")
    group.permissions.add(Permission.objects.get(codename="broadcast"))
    bob.groups.add(group)
    alice.user_permissions.add(Permission.objects.get(codename="broadcast"))
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert approvers([]) == [bob]
    assert approvers([bob.pk]) == [admin]


# Sending back


@both_databases
def test_sending_back_makes_a_draft_and_says_why(writer: Client, second: Client, bob: User) -> None:
    writer.post(ADD, filled_in())
    assert "say why" in said(second.post(approval(only()), {"decision": "send-back", "reason": " "}))[-1]
    second.post(approval(only()), {"decision": "send-back", "reason": "Sunday <is> a holiday."})
    assert only().state is AnnouncementState.DRAFT
    assert notified(bob) == ["“Closed on Sunday” was sent back to you by Alice"]
    assert "Sunday &lt;is&gt; a holiday." in writer.get(change(only())).content.decode()

    writer.post(change(only()), filled_in(title="Closed on Monday", was="draft"))
    assert only().state is AnnouncementState.AWAITING
    assert [step for step, _name, _source in trail()] == ["written", "submitted", "sent_back", "edited", "submitted"]


# Times


@both_databases
def test_a_start_that_passes_meanwhile_announces_upon_approval(writer: Client, second: Client, alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        broadcast(title="Hello", starts_at=NOON + HOUR)
        clock.shift(2 * HOUR)
        sweep()
        assert kinds_on("everyone") == []
        press_approve(second, only())
    assert kinds_on("everyone") == ["announcement.created"]


def test_an_approved_one_waits_for_its_start(writer: Client, second: Client) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        broadcast(title="Hello", starts_at=NOON + HOUR)
        press_approve(second, only())
        assert (only().state, kinds_on("everyone")) == (AnnouncementState.PLANNED, [])
        clock.shift(HOUR)
        announce.announce_due()
    assert kinds_on("everyone") == ["announcement.created"]


def test_a_planned_one_that_changes_is_approved_anew(writer: Client, second: Client) -> None:
    later = {"starts_at_0": "2099-01-01", "starts_at_1": "12:00", "ends_at_0": "2099-01-02", "ends_at_1": "12:00"}
    writer.post(ADD, filled_in(**later))
    press_approve(second, only())
    writer.post(change(only()), filled_in(**later))
    assert only().state is AnnouncementState.PLANNED
    writer.post(change(only()), filled_in(title="Something else", **later))
    assert (only().state, only().approved_by) == (AnnouncementState.AWAITING, None)


def test_one_that_becomes_a_draft_is_approved_anew(writer: Client, second: Client) -> None:
    later = {"starts_at_0": "2099-01-01", "starts_at_1": "12:00", "ends_at_0": "2099-01-02", "ends_at_1": "12:00"}
    writer.post(ADD, filled_in(**later))
    press_approve(second, only())
    writer.post(change(only()), filled_in(_draft="Save as draft", **later))
    assert (only().state, only().approved_at) == (AnnouncementState.DRAFT, None)
    # Without its times it would go out at once, at another time than was approved.
    writer.post(change(only()), filled_in())
    assert only().state is AnnouncementState.AWAITING


@both_databases
def test_other_people_of_a_list_are_approved_anew(writer: Client, second: Client, alice: User, charlie: User) -> None:
    later = {"starts_at_0": "2099-01-01", "starts_at_1": "12:00", "ends_at_0": "2099-01-02", "ends_at_1": "12:00"}
    writer.post(ADD, filled_in(audience="chosen", people="alice, bob", **later))
    press_approve(second, only())
    writer.post(change(only()), filled_in(audience="chosen", people="bob, alice", **later))
    assert only().state is AnnouncementState.PLANNED
    writer.post(change(only()), filled_in(audience="chosen", people="alice, bob, charlie", **later))
    assert only().state is AnnouncementState.AWAITING
    assert list(AnnouncementStep.objects.filter(step="edited").values_list("details", flat=True)[0]["changes"]) == [
        "audience"
    ]


def test_an_end_that_passes_meanwhile_is_said(writer: Client, second: Client, alice: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        broadcast(title="Hello", ends_at=NOON + HOUR)
        version = version_of(only())
        clock.shift(2 * HOUR)
        page = second.get(approval(only())).content.decode()
        assert "never announced" in page
        assert 'value="approve"' not in page
        answer = second.post(approval(only()), {"decision": "approve", "version": version})
        assert "Its end has passed" in said(answer)[-1]
        sweep()
    assert kinds_on("everyone") == []


def test_a_withdrawn_one_cannot_be_approved(writer: Client, second: Client) -> None:
    announcement = broadcast(title="Hello")
    announce.withdraw(announcement)
    assert "withdrawn" in said(second.post(approval(announcement), {"decision": "approve", "version": "x"}))[-1]
    assert kinds_on("everyone") == []


# Races


@both_databases
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_approve_at_once_one_does(alice: User, bob: User, charlie: User) -> None:
    announcement = broadcast(title="Hello", by=alice)
    version = version_of(announcement)
    start = threading.Barrier(2)
    outcomes: list[Outcome] = []

    def press(person: User) -> None:
        start.wait()
        try:
            outcomes.append(approve(announcement, by=person, version=version))
        finally:
            connections.close_all()

    pressing = [threading.Thread(target=press, args=[person]) for person in (bob, charlie)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()

    assert sorted(outcome.name for outcome in outcomes) == ["DECIDED", "DONE"]
    assert kinds_on("everyone") == ["announcement.created"]
    assert [step for step, _name, _source in trail()].count("approved") == 1


def test_the_slower_one_gets_a_kind_answer(writer: Client, second: Client, client_for: ClientFor, admin: User) -> None:
    writer.post(ADD, filled_in())
    version = version_of(only())
    press_approve(second, only())
    answer = client_for(admin).post(approval(only()), {"decision": "approve", "version": version})
    assert said(answer)[-1].startswith("Somebody else has decided meanwhile")
    assert "Alice has approved it" in writer.get(approval(only())).content.decode()
