"""Mistakes in `escalate`: refused where they are written, or by a system check, with the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from notifications_hub import After, Kind, kinds
from notifications_hub.checks import check_settings
from notifications_hub.own_kinds import AnnouncementKind


def lead(_notification: object) -> None:
    return None


@pytest.mark.parametrize(
    ("given", "error", "remedy"),
    [
        ({"method": "email"}, ValueError, "give a time above zero, like hours=1"),
        ({"hours": -1, "method": "email"}, ValueError, "give a time above zero"),
        ({"time": 3, "method": "email"}, TypeError, "Or write hours=3"),
        ({"hours": 1}, ValueError, 'give either a method, like method="email", or people, like to=team_lead'),
        ({"hours": 1, "method": "email", "to": lead}, ValueError, "give either a method"),
        ({"hours": 1, "method": "live"}, ValueError, "nothing can be sent by 'live'. Name a transport, like 'email'"),
        ({"hours": 1, "to": "team_lead"}, TypeError, "`to` must be a function that takes the notification"),
        ({"hours": 1, "method": "email", "kind": "late"}, ValueError, "so it needs `to`"),
    ],
)
def test_a_step_that_cannot_work_is_refused(given: dict[str, Any], error: type[Exception], remedy: str) -> None:
    with pytest.raises(error, match=r"After\(\): ") as refused:
        After(**given)
    assert remedy in str(refused.value)


def test_the_times_of_a_step_add_up() -> None:
    step = After(timedelta(days=1), hours=1, minutes=0.5, seconds=2, to=lead)
    assert step.delay == timedelta(days=1, hours=1, seconds=32)


@contextmanager
def a_kind(steps: Any) -> Iterator[None]:
    class Checked(Kind):
        name = "tests.escalates"
        escalate = steps

    yield
    del kinds._kinds["tests.escalates"]


@pytest.mark.parametrize(
    ("steps", "number", "fault", "remedy"),
    [
        ([After(hours=1, method="emial")], 71, "'emial', which is no transport", "Add it to NOTIFICATIONS_HUB"),
        ([After(hours=1, to=lead, kind="lead.news")], 71, "'lead.news', which no app declares", "notifications.py"),
        (After(hours=1, to=lead), 72, "must be a list of After", "Write escalate = [After("),
        (["email"], 72, "must be a list of After", "Write escalate = [After("),
        ([After(hours=4, to=lead), After(hours=1, method="sms")], 72, "after 1:00:00, listed behind 4:00:00", "later"),
        ([After(hours=1, to=lead), After(minutes=60, method="sms")], 72, "after 1:00:00", "a later time than the one"),
    ],
)
def test_a_wrong_list_of_steps_is_an_error(
    settings: Settings, steps: Any, number: int, fault: str, remedy: str
) -> None:
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": {"sms": "notifications_hub.transports.memory.Memory"}}
    with a_kind(steps):
        found = [error for error in check_settings(None) if error.obj.__name__ == "Checked"]
    [error] = found
    assert error.id == f"notifications_hub.E0{number}"
    assert "tests.escalates" in error.msg
    assert fault in error.msg
    assert remedy in (error.hint or "")


def test_announcements_are_not_escalated(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AnnouncementKind, "escalate", [After(hours=1, to=lead)])
    [error] = [error for error in check_settings(None) if error.obj is AnnouncementKind]
    assert (error.id, "notify the people with a kind of your own" in str(error.hint)) == (
        "notifications_hub.E073",
        True,
    )


def test_right_steps_pass(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"TRANSPORTS": {"sms": "notifications_hub.transports.memory.Memory"}}
    with a_kind((After(hours=1, method="sms"), After(hours=4, to=lead, kind="escalation"))):
        assert [
            error for error in check_settings(None) if error.id and error.id.startswith("notifications_hub.E07")
        ] == []
