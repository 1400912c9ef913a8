"""The page of an announcement that is being sent: who may see it, what it says, and its orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts import report
from notifications_hub.announcements.rollouts.models import Rollout, RolloutState
from notifications_hub.streams.sweeper import sweep
from tests.announcements.support import ADD, ClientFor, Grant, change, filled_in, log_of, said
from tests.support.deliveries import use_memory

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


@pytest.fixture
def rollout() -> Rollout:
    return broadcast(title="Hello").rollouts.get()


def sending(announcement: Announcement) -> str:
    return f"/admin/notifications_hub/announcement/{announcement.pk}/sending/"


def test_it_shows_the_figures_of_each_method(writer: Client, rollout: Rollout) -> None:
    Rollout.objects.update(people=4000, looked_at=1000, planned=900, sent=800, failed=7, shown=60, unwanted=40)
    page = writer.get(sending(rollout.announcement)).content.decode()
    assert 'value="25"' in page
    for figure in ("800", "93", "60", "40"):
        assert f">{figure}</td>" in page
    assert all(f'value="{order}"' in page for order in ("pause", "stop"))
    assert 'value="resume"' not in page
    assert sending(rollout.announcement) in writer.get(change(rollout.announcement)).content.decode()


def test_it_names_the_problem_that_holds_it_up(writer: Client, rollout: Rollout) -> None:
    Rollout.objects.update(problem="RuntimeError: <away>")
    assert "RuntimeError: &lt;away&gt;" in writer.get(f"{sending(rollout.announcement)}?piece").content.decode()


def test_a_stopped_one_is_not_said_to_be_tried_again(writer: Client, rollout: Rollout) -> None:
    Rollout.objects.update(problem="RuntimeError: away", state=RolloutState.STOPPED)
    assert "RuntimeError" not in writer.get(sending(rollout.announcement)).content.decode()


def test_staff_without_the_permission_may_neither_see_nor_order(
    client_for: ClientFor, staff: Grant, rollout: Rollout
) -> None:
    client = client_for(staff("view_announcement"))
    assert sending(rollout.announcement) not in client.get(change(rollout.announcement)).content.decode()
    assert client.get(sending(rollout.announcement)).status_code == 403
    assert client.post(sending(rollout.announcement), {"order": "stop"}).status_code == 403
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.RUNNING


def test_stopping_for_good_asks_first(writer: Client, rollout: Rollout) -> None:
    page = sending(rollout.announcement)
    question = writer.post(page, {"order": "stop"}).content.decode()
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.RUNNING
    assert 'name="order" value="stop"' in question
    assert 'name="sure"' in question

    writer.post(page, {"order": "stop", "sure": "Stop for good"})
    rollout.refresh_from_db()
    assert rollout.state == RolloutState.STOPPED


def test_orders_are_carried_out_once(writer: Client, rollout: Rollout) -> None:
    page = sending(rollout.announcement)
    states = []
    for order in ("pause", "pause", "resume", "stop", "resume", "nonsense"):
        answer = writer.post(page, {"order": order, "sure": "1"})
        rollout.refresh_from_db()
        states.append((rollout.state, said(answer)[-1].partition(".")[0]))
    assert states == [
        ("paused", "Sending is paused"),
        ("paused", "There was nothing left to change"),
        ("running", "Sending goes on where it was paused"),
        ("stopped", "Sending has ended"),
        ("stopped", "There was nothing left to change"),
        ("stopped", "Choose pause, resume or stop"),
    ]


def test_a_change_is_reported_once_a_second(rollout: Rollout) -> None:
    topic = report.topic_of(rollout.announcement.pk)
    Rollout.objects.all().move(sent=1)
    for _turn in range(3):
        report.report_progress()
    Rollout.objects.all().move(sent=2)
    report.report_progress()
    assert log_of(topic) == [("announcement.sending", {"id": rollout.announcement.pk})]

    Rollout.objects.update(reported_at=datetime.now(UTC) - timedelta(seconds=1))
    sweep()
    assert len(log_of(topic)) == 2


def test_the_form_offers_the_methods(writer: Client, alice: User) -> None:
    writer.post(ADD, filled_in(methods=["flash"]))
    announcement = Announcement.objects.get()
    assert (announcement.methods, announcement.rollouts.count()) == (["flash"], 0)
    assert "next page" in writer.get(change(announcement)).content.decode()


def test_all_methods_are_stored_as_none_in_particular(writer: Client) -> None:
    writer.post(ADD, filled_in())
    assert Announcement.objects.get().methods is None


def test_an_unknown_method_is_refused(writer: Client) -> None:
    page = writer.post(ADD, filled_in(methods=["pigeon"])).content.decode()
    assert "pigeon" in page
    assert not Announcement.objects.exists()


def test_words_can_be_corrected_after_a_transport_was_removed(writer: Client, rollout: Rollout) -> None:
    announcement = rollout.announcement
    Announcement.objects.update(methods=["live", "pigeon"])
    answer = writer.post(change(announcement), filled_in(title="Corrected", ends_at_0="2099-01-01", ends_at_1="08:00"))
    announcement.refresh_from_db()
    assert (answer.status_code, announcement.title) == (302, "Corrected")
    assert announcement.methods == ["live", "pigeon"]


def test_it_shows_how_far_a_withdrawn_one_is_taken_back(writer: Client, rollout: Rollout) -> None:
    given = {"transport": "web_push", "is_retraction": True, "starts_at": datetime.now(UTC)}
    Rollout.objects.create(
        announcement=rollout.announcement, people=90, looked_at=45, planned=31, sent=30, failed=1, shown=14, **given
    )
    page = writer.get(sending(rollout.announcement)).content.decode()
    before, _heading, after = page.partition("<h2>Taken back</h2>")
    assert 'value="50"' in after
    assert all(f">{figure}</td>" in after and f">{figure}</td>" not in before for figure in ("30", "14"))
