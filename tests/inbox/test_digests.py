"""Digests in the preferences and in the API: how often emails of each kind come, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pytest_django import Settings

from notifications_hub.delivery.digest_choices import digests_by_kind
from notifications_hub.delivery.models import Preference
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.kinds import Digest
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.schedules import save_schedule, schedule_of
from tests.inbox.support import ClientFor

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

PREFERENCES = "/notifications/preferences/"
DIGESTS = f"{PREFERENCES}digests/"
API = "/api/v1/digests/"
EMAIL = "notifications_hub.transports.email.transport.Email"
TIMES = {"hour": "17", "day": "4", "zone": "Asia/Kathmandu"}


@pytest.fixture(autouse=True)
def _with_emails(settings: Settings) -> None:
    hub = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"web_push": None, "email": EMAIL}}
    settings.NOTIFICATIONS_HUB = {**hub, "SITE_URL": "https://hub.example", "EMAIL_FROM": "hub@hub.example"}


def times(person: User) -> tuple[str, int, int]:
    schedule = schedule_of(person)
    assert schedule is not None
    return schedule.zone, schedule.digest_hour, schedule.digest_day


def selected(options: Any) -> list[str]:
    return [one.value for one in options if one.selected]


def test_choices_and_times_are_stored(alice: User, client_for: ClientFor) -> None:
    client = client_for(alice)
    posted = {**TIMES, "digest:comment.reply": "weekly", "digest:default": "at_once"}
    response = client.post(DIGESTS, posted)
    assert response["Location"] == f"{PREFERENCES}#digests"
    assert times(alice) == ("Asia/Kathmandu", 17, 4)
    assert digests_by_kind(alice.pk) == {"comment.reply": Digest.WEEKLY}, "a default that is kept is no choice"
    assert Preference.objects.get().methods is None
    section = client.get(PREFERENCES).context["digests"]
    rows = {row.name: selected(row.options) for row in section.rows}
    assert (rows["comment.reply"], rows["default"]) == (["weekly"], ["at_once"])
    assert (selected(section.hours), selected(section.days), section.zone) == (["17"], ["4"], "Asia/Kathmandu")


def test_a_kind_without_emails_has_no_choice(alice: User, client_for: ClientFor) -> None:
    choose_methods(alice, "comment.reply", ["live"])
    section = client_for(alice).get(PREFERENCES).context["digests"]
    assert "comment.reply" not in {row.name for row in section.rows}
    client_for(alice).post(DIGESTS, {**TIMES, "digest:comment.reply": "weekly"})
    assert digests_by_kind(alice.pk) == {}


def test_a_site_without_digests_has_no_section(alice: User, client_for: ClientFor, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": {"web_push": None}}
    page = client_for(alice).get(PREFERENCES)
    assert page.context["digests"] is None
    assert 'id="digests"' not in page.content.decode()


@pytest.mark.parametrize("wrong", [{"zone": "Mars/Olympus"}, {"hour": "24"}, {"day": "x"}], ids=str)
def test_a_mistake_is_explained_and_choices_are_kept(wrong: dict[str, str], alice: User, client_for: ClientFor) -> None:
    response = client_for(alice).post(DIGESTS, {**TIMES, "digest:comment.reply": "weekly", **wrong})
    assert response.status_code == 400
    assert "from the list" in response.content.decode()
    rows = {row.name: selected(row.options) for row in response.context["digests"].rows}
    assert rows["comment.reply"] == ["weekly"]
    assert (schedule_of(alice), digests_by_kind(alice.pk)) == (None, {})


def test_digests_leave_quiet_hours_as_they_are(alice: User, client_for: ClientFor) -> None:
    quiet = Schedule(zone="Europe/Berlin", silent=False)
    save_schedule(alice, quiet)
    client_for(alice).post(DIGESTS, {**TIMES, "zone": "Europe/Berlin"})
    assert schedule_of(alice) == Schedule(zone="Europe/Berlin", silent=False, digest_hour=17, digest_day=4)


def test_the_api_shows_and_changes_digests(alice: User, bob: User, client_for: ClientFor) -> None:
    client = client_for(alice)

    def change(**given: Any) -> Any:
        return client.patch(API, given, content_type="application/json")

    assert change(hour=7, kinds={"comment.reply": "daily"}).status_code == 200
    shown = change(day=2, zone="America/New_York").json()
    assert (shown["hour"], shown["day"], shown["zone"]) == (7, 2, "America/New_York")
    assert (shown["kinds"]["comment.reply"], shown["kinds"]["default"]) == ("daily", "at_once")
    assert client.get(API).json() == shown
    assert change(kinds={"comment.reply": None}).json()["kinds"]["comment.reply"] == "at_once"
    assert (digests_by_kind(bob.pk), schedule_of(bob)) == ({}, None)


@pytest.mark.parametrize(
    "given",
    [{"hour": 24}, {"zone": "Mars/Olympus"}, {"kinds": {"no.such": "daily"}}, {"kinds": {"default": "often"}}],
    ids=str,
)
def test_the_api_refuses_what_it_cannot_store(given: dict[str, Any], alice: User, client_for: ClientFor) -> None:
    response = client_for(alice).patch(API, {"hour": 5, **given}, content_type="application/json")
    assert response.status_code in (400, 422)
    assert (schedule_of(alice), digests_by_kind(alice.pk)) == (None, {})
