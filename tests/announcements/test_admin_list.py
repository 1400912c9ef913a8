"""Edit and withdraw announcements, and show them in the admin's list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import announce, personal_rows
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation
from notifications_hub.models import Notification
from tests.announcements.support import (
    LIST,
    ClientFor,
    change,
    filled_in,
    kinds_on,
    log_of,
    said,
    translated,
    withdrawal,
)

if TYPE_CHECKING:
    from django.test import Client

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

both_databases = pytest.mark.both_databases(short="postgresql")
pytestmark = pytest.mark.django_db


@both_databases
def test_an_edit_reaches_open_pages_without_a_new_notification(writer: Client) -> None:
    announcement = broadcast(title="Clsoed")
    answer = writer.post(change(announcement), filled_in(title="Closed", ends_at_0="2099-01-01", ends_at_1="12:00"))

    assert said(answer)[-1] == "“Closed” was changed, on open pages too."
    assert kinds_on("everyone") == ["announcement.created", "announcement.updated"]
    assert log_of("everyone")[-1][1]["title"] == "Closed"


def test_a_translation_added_later_reaches_open_pages(writer: Client) -> None:
    announcement = broadcast(title="Closed on Sunday", body="We move the **shelves**.")
    writer.post(change(announcement), filled_in(ends_at_0="2099-01-01", ends_at_1="12:00", **translated("周日闭馆")))

    assert log_of("everyone")[-1][1]["translations"]["zh-hans"]["title"] == "周日闭馆"
    assert AnnouncementTranslation.objects.get().announcement == announcement


@both_databases
def test_the_audience_cannot_change_after_announcing(writer: Client, bob: User) -> None:
    announcement = broadcast(title="Hello", starts_at=NOON)
    writer.post(change(announcement), filled_in(audience="staff", starts_at_0="2099-01-01", starts_at_1="12:00"))

    announcement.refresh_from_db()
    assert (announcement.audience, announcement.starts_at) == ("everyone", NOON)
    assert announcement.title == "Closed on Sunday"
    assert announcement.by is None


def test_a_planned_announcement_can_change_its_audience_and_start(writer: Client) -> None:
    announcement = broadcast(title="Hello", starts_at=datetime.now(UTC) + timedelta(days=1))
    writer.post(change(announcement), filled_in(audience="staff"))

    assert kinds_on("everyone") == []
    assert kinds_on("staff") == ["announcement.created"]


def test_an_ended_announcement_is_read_only(writer: Client) -> None:
    announcement = broadcast(title="Oops")
    announce.withdraw(announcement)

    assert 'name="title"' not in writer.get(change(announcement)).content.decode()
    assert writer.post(change(announcement), filled_in()).status_code == HTTPStatus.FORBIDDEN


def test_withdrawing_asks_first(writer: Client) -> None:
    announcement = broadcast(title="Oops")
    question = writer.get(withdrawal(announcement))
    assert "disappears from every page" in question.content.decode()
    assert kinds_on("everyone") == ["announcement.created"]

    answer = writer.post(withdrawal(announcement))
    assert said(answer)[-1] == "“Oops” was withdrawn."
    assert kinds_on("everyone") == ["announcement.created", "announcement.withdrawn"]

    writer.post(withdrawal(announcement))
    assert kinds_on("everyone") == ["announcement.created", "announcement.withdrawn"]


def test_withdrawing_a_missing_announcement_is_a_404(writer: Client) -> None:
    assert writer.get(f"{LIST}987654/withdraw/").status_code == HTTPStatus.NOT_FOUND


@both_databases
def test_several_are_withdrawn_from_the_list(writer: Client) -> None:
    chosen = [broadcast(title="One").pk, broadcast(title="Two").pk]
    broadcast(title="Three")
    writer.post(LIST, {"action": "withdraw_selected", "_selected_action": chosen})

    assert set(Announcement.objects.running().values_list("title", flat=True)) == {"Three"}


def test_announcements_cannot_be_deleted(client_for: ClientFor, admin: User) -> None:
    announcement = broadcast(title="Oops")
    client = client_for(admin)

    assert client.post(f"{LIST}{announcement.pk}/delete/", {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
    assert "delete_selected" not in client.get(LIST).content.decode()


# Looking


@both_databases
def test_the_list_shows_state_audience_and_readers(writer: Client, alice: User, charlie: User) -> None:
    group = Group.objects.create(name="Readers")
    broadcast(title="Later", starts_at=datetime.now(UTC) + timedelta(days=1), audience=f"group.{group.pk}")
    broadcast(title="Now", by=alice)
    announce.withdraw(broadcast(title="Oops"))
    for person in (alice, charlie):
        personal_rows.make_rows(person)
    Notification.objects.filter(recipient=alice).mark_all_as_read()

    page = writer.get(LIST)
    text = page.content.decode()
    for state in ("planned", "running", "withdrawn"):
        assert f'data-state="{state}"' in text
    assert "Readers" in text
    assert {row.title: row.number_read for row in page.context["cl"].result_list} == {"Later": 0, "Now": 1, "Oops": 0}


@both_databases
@pytest.mark.parametrize(
    ("state", "titles"),
    [("planned", {"Later"}), ("running", {"Now"}), ("ended", {"Over", "Missed"}), ("withdrawn", {"Oops"})],
)
def test_the_list_can_be_filtered_by_state(writer: Client, state: str, titles: set[str]) -> None:
    hour = timedelta(hours=1)
    with time_machine.travel(NOON, tick=False) as clock:
        broadcast(title="Over", ends_at=NOON + hour)
        broadcast(title="Missed", starts_at=NOON + hour / 2, ends_at=NOON + hour)
        broadcast(title="Now")
        announce.withdraw(broadcast(title="Oops"))
        broadcast(title="Later", starts_at=NOON + 9 * hour)
        clock.shift(2 * hour)
        announce.retire_ended()
        found = writer.get(LIST, {"state": state}).context["cl"].result_list
        assert {announcement.title for announcement in found} == titles
        assert {announcement.state.value for announcement in found} == {state}


@both_databases
def test_the_list_costs_the_same_however_long_it_is(writer: Client, alice: User) -> None:
    broadcast(title="One", by=alice)
    with CaptureQueriesContext(connection) as one:
        writer.get(LIST)
    for number in range(20):
        broadcast(title=f"Another {number}", by=alice)
        personal_rows.make_rows(alice)
    with CaptureQueriesContext(connection) as many:
        writer.get(LIST)

    assert len(many) == len(one)
