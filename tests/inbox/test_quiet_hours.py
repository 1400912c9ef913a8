"""Quiet hours and the pause: the forms of the preferences, the API, the bell's attribute and flash messages."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.template import Context, Template
from django.test import Client, RequestFactory

from notifications_hub import broadcast
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery
from notifications_hub.kinds import Kind, Urgency
from notifications_hub.quiet_hours.calendar import Schedule, Window
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.quiet_hours.schedules import CHANGED, save_schedule, schedule_of
from tests.inbox.support import ClientFor, events_of, send_one

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="sqlite")]

PREFERENCES = "/notifications/preferences/"
HOURS, PAUSE = f"{PREFERENCES}quiet-hours/", f"{PREFERENCES}pause/"
API = "/api/v1/quiet-hours/"
NIGHTS = {"zone": "Europe/Berlin", "days-0": ["0", "4"], "start-0": "22:00", "end-0": "07:00", "silent": "on"}


class Alarm(Kind):
    name = "tests.quiet_alarm"
    urgency = Urgency.CRITICAL


def stored(person: User) -> Schedule:
    schedule = schedule_of(person)
    assert schedule is not None
    return schedule


def put(client: Client, **given: Any) -> Any:
    return client.put(API, given, content_type="application/json")


def pause_by_api(client: Client, until: object) -> Any:
    return client.post(f"{API}pause/", {"until": until}, content_type="application/json")


# The forms


@pytest.mark.both_databases
def test_hours_and_days_are_stored_in_their_zone(alice: User, client_for: ClientFor) -> None:
    response = client_for(alice).post(HOURS, NIGHTS)
    assert response["Location"] == f"{PREFERENCES}#quiet-hours"
    window = Window(frozenset({0, 4}), 22 * 60, 7 * 60)
    assert stored(alice) == Schedule(zone="Europe/Berlin", windows=(window,), silent=True)
    section = client_for(alice).get(PREFERENCES).context["quiet"]
    assert [(row.start, row.end, row.is_new) for row in section.rows] == [
        ("22:00", "07:00", False),
        ("22:00", "07:00", True),
    ]
    assert [day.value for day in section.rows[0].days if day.checked] == ["0", "4"]


def test_hours_without_a_day_are_removed(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    client.post(HOURS, NIGHTS)
    response = client.post(HOURS, {**NIGHTS, "days-0": []})
    assert stored(alice).windows == ()
    said = [str(one) for one in get_messages(response.wsgi_request)]
    assert said[-1] == "Saved. You have no quiet hours, because no day is chosen."


@pytest.mark.parametrize(
    ("wrong", "shown"),
    [
        ({"start-0": ""}, "Give a start and an end"),
        ({"end-0": "25:00"}, "Give a start and an end"),
        ({"zone": "Mars/Olympus"}, "Choose a time zone from the list."),
        ({"days-0": [], "start-0": "21:30"}, "Choose at least one day."),
    ],
)
def test_a_mistake_is_explained_and_nothing_that_was_entered_is_lost(
    wrong: dict[str, Any], shown: str, alice: User, client_for: ClientFor
) -> None:
    response = client_for(alice).post(HOURS, {**NIGHTS, **wrong})
    assert response.status_code == 400
    page = response.content.decode()
    assert shown in page
    row = response.context["quiet"].rows[0]
    assert [day.value for day in row.days if day.checked] == {**NIGHTS, **wrong}["days-0"]
    assert row.start == {**NIGHTS, **wrong}["start-0"]
    assert schedule_of(alice) is None


def test_a_pause_of_an_hour_and_its_end(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    client.post(HOURS, NIGHTS)
    now = datetime.now(UTC)
    response = client.post(PAUSE, {"pause": "hour"})
    until = stored(alice).paused_until
    assert until is not None
    assert timedelta(minutes=59) < until - now <= timedelta(minutes=61)
    assert len(stored(alice).windows) == 1
    assert "Paused until" in str([*get_messages(response.wsgi_request)][-1])
    assert client.get(PREFERENCES).context["quiet"].paused_until == until
    client.post(PAUSE, {"pause": "end"})
    assert stored(alice).paused_until is None


@pytest.mark.parametrize(
    ("now", "until"),
    [("2026-06-05T10:00Z", "2026-06-06T00:00Z"), ("2026-06-05T18:00Z", "2026-06-06T00:00Z")],
)
def test_tomorrow_morning_is_that_of_the_persons_zone(now: str, until: str, alice: User, client_for: ClientFor) -> None:
    # In Shanghai it is the evening, and two o'clock in the night that follows.
    client = client_for(alice)
    with time_machine.travel(datetime.fromisoformat(now), tick=False):
        client.post(PAUSE, {"pause": "morning", "zone": "Asia/Shanghai"})
    paused = stored(alice).paused_until
    assert paused is not None
    local = stored(alice).local(paused)
    assert (local.hour, local.minute) == (8, 0)
    assert paused == datetime.fromisoformat(until)


@pytest.mark.parametrize(
    ("until", "shown"),
    [
        ("", "Give a day and a time."),
        ("tomorrow", "Give a day and a time."),
        ("2020-01-01T12:00", "Choose a time in the future."),
        ("9999-12-31T23:59", "Choose a time within the next year."),
        ("0001-01-01T00:00", "Choose a time in the future."),
    ],
)
def test_a_pause_until_no_good_time_is_explained(until: str, shown: str, alice: User, client_for: ClientFor) -> None:
    response = client_for(alice).post(PAUSE, {"pause": "until", "until": until})
    assert response.status_code == 400
    assert shown in response.content.decode()
    assert response.context["quiet"].until == until
    assert schedule_of(alice) is None


def test_a_pause_until_a_time_is_in_the_persons_zone(alice: User, client_for: ClientFor) -> None:
    day = (datetime.now(UTC) + timedelta(days=9)).date()
    client_for(alice).post(PAUSE, {"pause": "until", "until": f"{day}T18:00", "zone": "Asia/Shanghai"})
    assert stored(alice).paused_until == datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


# The API


@pytest.mark.both_databases
def test_the_api_sets_and_shows_quiet_hours(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    given = {"zone": "Asia/Shanghai", "windows": [{"days": [5, 6], "start": "00:00", "end": "00:00"}], "silent": False}
    answer = put(client, **given).json()
    assert {name: answer[name] for name in given} == given
    assert client.get(API).json() == answer
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    answer = pause_by_api(client, until.isoformat()).json()
    assert datetime.fromisoformat(answer["paused_until"]) == until
    assert datetime.fromisoformat(answer["quiet_until"]) >= until
    assert answer["windows"] == given["windows"]
    assert pause_by_api(client, None).json()["paused_until"] is None


def test_a_person_without_quiet_hours_has_none_by_the_api(alice: User, client_for: ClientFor) -> None:
    answer = client_for(alice).get(API).json()
    assert (answer["windows"], answer["paused_until"], answer["quiet_until"]) == ([], None, None)
    assert not QuietHours.objects.exists()


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars/Olympus"},
        {"windows": [{"days": [7], "start": "22:00", "end": "07:00"}]},
        {"windows": [{"days": [], "start": "22:00", "end": "07:00"}]},
        {"windows": [{"days": [1], "start": "24:00", "end": "07:00"}]},
        {"windows": [{"days": [1], "start": "9", "end": "07:00"}]},
        {"windows": [{"days": [1], "start": "22:00", "end": "07:00"}] * 15},
        {"widnows": []},
    ],
)
def test_the_api_refuses_what_makes_no_sense(wrong: dict[str, Any], alice: User, client_for: ClientFor) -> None:
    answer = put(client_for(alice), **{"zone": "UTC", "windows": [], **wrong})
    assert (answer.status_code, bool(answer.json()["detail"])) == (400, True)
    assert schedule_of(alice) is None


def test_the_api_refuses_a_pause_that_is_over_or_too_long(alice: User, client_for: ClientFor) -> None:
    now = datetime.now(UTC)
    for until in (now - timedelta(minutes=1), now + timedelta(days=400), "2026-06-05T12:00"):
        assert pause_by_api(client_for(alice), str(until)).status_code == 400
    assert schedule_of(alice) is None


# Pages


def bell_of(person: User) -> str:
    request = RequestFactory().get("/")
    request.user = person
    request.session = Client().session
    return Template("{% load notifications_hub %}{% notification_bell %}").render(Context({"request": request}))


@pytest.mark.both_databases
def test_the_bell_knows_the_quiet_hours_of_the_next_days(alice: User, bob: User) -> None:
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=3)
    save_schedule(alice, Schedule(paused_until=until))
    [_before, after] = bell_of(alice).split(' quiet="')
    given = json.loads(after.split('"')[0].replace("&quot;", '"'))
    assert (given["silent"], [end for _start, end in given["spans"]]) == (True, [int(until.timestamp())])
    assert ' quiet="' not in bell_of(bob)


def test_open_pages_are_told_of_a_change(alice: User, bob: User) -> None:
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=3)))
    save_schedule(alice, Schedule())
    assert [len(event["spans"]) for event in events_of(alice, CHANGED)] == [1, 0]
    assert events_of(bob, CHANGED) == []


def test_only_what_is_critical_says_so(alice: User, bob: User) -> None:
    plain, alarm = send_one(alice, bob), send_one(alice, bob, kind="tests.quiet_alarm")
    assert "critical" not in plain.item().as_json()
    assert alarm.item().as_json()["critical"] is True


@pytest.mark.both_databases
def test_the_next_page_flashes_nothing_in_silence(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=3)))
    row = send_one(alice, bob, verb="waved")
    assert 'class="notification' not in client.get("/notifications/").content.decode()
    row.refresh_from_db()
    assert (row.delivered_at, row.flash_claim) == (None, None)
    save_schedule(alice, Schedule(silent=False, paused_until=datetime.now(UTC) + timedelta(hours=3)))
    client.get("/notifications/")
    row.refresh_from_db()
    assert row.delivered_by == "flash"


def test_the_next_page_flashes_what_is_critical_in_silence(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=3)))
    plain, alarm = send_one(alice, bob), send_one(alice, bob, kind="tests.quiet_alarm", verb="rang")
    broadcast(title="Party", body="")
    broadcast(title="Fire", body="", urgency="critical")
    page = client.get("/notifications/")
    assert sorted(re.sub("<.*?>", "", str(one)) for one in page.context["messages"]) == ["Bob rang", "Fire"]
    for row in (plain, alarm):
        row.refresh_from_db()
    assert (plain.delivered_by, alarm.delivered_by) == ("", "flash")
    assert "Fire" not in client.get("/notifications/").content.decode().partition("nh-page")[0]


@pytest.mark.both_databases
def test_a_page_reports_what_it_showed_while_others_wait(alice: User, bob: User, client_for: ClientFor) -> None:
    plain, alarm = send_one(alice, bob), send_one(alice, bob, kind="tests.quiet_alarm")
    other = send_one(bob, alice)
    party = broadcast(title="Party", body="", urgency="critical")
    for row in (plain, alarm):
        arming.arm([Plan(notification_pk=row.pk, transport="web_push", address="1")])
    shown = {"ids": [alarm.item_id, other.item_id, party.item_id, "x"]}
    for changed in (2, 0):
        answer = client_for(alice).post("/api/v1/notifications/shown/", shown, content_type="application/json")
        assert answer.json() == {"changed": changed}
    assert dict(Delivery.objects.values_list("notification", "state")) == {plain.pk: "waiting", alarm.pk: "cancelled"}
    assert alice.notifications.get(announcement=party).delivered_by == "live"
    other.refresh_from_db()
    assert other.delivered_at is None
