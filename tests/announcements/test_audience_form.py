"""The audience in the admin's form: people chosen by hand, how many that is, and how many can be reached."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import audience_lists, audiences, broadcast
from notifications_hub.announcements import audit
from notifications_hub.announcements import reach as reach_module
from notifications_hub.announcements.models import Announcement
from notifications_hub.audience_lists import AudienceList
from notifications_hub.database.quick_count import Precision, RowCount
from notifications_hub.delivery import preferences
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.vapid import generate
from tests.announcements.support import ADD, LIST, ClientFor, Grant, change, filled_in, kinds_on, said

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases(short="sqlite"), pytest.mark.django_db]

REACH = f"{LIST}reach/"
PEOPLE = f"{LIST}people/"


@pytest.fixture(autouse=True)
def _exact_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count without a cache, and with time enough on a busy machine."""
    cache.clear()
    monkeypatch.setattr(reach_module, "SECONDS", 30.0)


@pytest.fixture
def _push(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"VAPID_PRIVATE_KEY": generate(), "VAPID_SUBJECT": "mailto:ops@hub.example"}


def broken() -> QuerySet[User]:
    """Return nothing: an audience of a host that raises."""
    raise RuntimeError("the shop is closed")


@pytest.fixture
def _broken_audience(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"AUDIENCES": {"customers": f"{__name__}.broken"}}


def chosen(people: str, **changes: Any) -> dict[str, Any]:
    return filled_in(audience="chosen", people=people, **changes)


def errors_of(answer: Any, field: str) -> list[str]:
    assert answer.status_code == HTTPStatus.OK, "the form was taken"
    return list(answer.context["adminform"].form.errors[field])


def subscribe(person: User) -> None:
    PushSubscription.objects.create(owner=person, endpoint_hash=person.username)


# People chosen by hand


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("separator", ["\n", "\r\n", ", ", "; ", "\n\n  "])
def test_people_are_named_in_any_way(writer: Client, alice: User, bob: User, charlie: User, separator: str) -> None:
    User.objects.filter(pk=bob.pk).update(email="bob@example.com")
    answer = writer.post(ADD, chosen(separator.join(["alice", "BOB@example.com", str(charlie.pk), "alice"])))

    announcement = Announcement.objects.get()
    assert set(audiences.members(announcement.audience)) == {alice, bob, charlie}
    assert said(answer) == ["“Closed on Sunday” has been announced to 3 people."]
    assert kinds_on(announcement.audience) == ["announcement.created"]


@pytest.mark.usefixtures("alice", "bob", "charlie")
def test_wrong_names_are_listed_and_nothing_is_lost(writer: Client) -> None:
    User.objects.create_user("one", email="both@example.com")
    User.objects.create_user("two", email="both@example.com")
    User.objects.create_user("gone", is_active=False)
    text = "alice\nzoe\nboth@example.com\ngone\n99999999999999999999\n²\na\x00b"
    answer = writer.post(ADD, chosen(text.replace("\x00", "")))

    assert errors_of(answer, "people") == [
        "Nobody has this user name, e-mail address or key: zoe, 99999999999999999999, ², ab.",
        "Several people have this e-mail address, so use their user names: both@example.com.",
        "These accounts are deactivated: gone.",
    ]
    page = answer.content.decode()
    assert "zoe\nboth@example.com" in page
    assert "Closed on Sunday" in page
    assert not Announcement.objects.exists()
    assert not AudienceList.objects.exists()


@pytest.mark.parametrize("text", ["1_2", "+12", "012", "１２"])
def test_a_mistyped_user_name_is_not_taken_for_a_key(writer: Client, text: str) -> None:
    User.objects.create_user("somebody", pk=12)
    answer = writer.post(ADD, chosen(text))

    assert "Nobody has this user name" in errors_of(answer, "people")[0]


def test_many_wrong_names_are_cut_short(writer: Client) -> None:
    [error] = errors_of(writer.post(ADD, chosen("\n".join(f"nobody{n}" for n in range(25)))), "people")

    assert "nobody19 and 5 more" in error


def test_an_empty_list_is_an_error(writer: Client) -> None:
    for text in ("", " \n ; ,"):
        assert errors_of(writer.post(ADD, chosen(text)), "people") == ["Choose at least one person."]
    assert not Announcement.objects.exists()


@pytest.mark.usefixtures("alice", "bob")
def test_too_many_people_are_an_error_that_names_the_remedy(writer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audience_lists, "MOST", 1)
    [error] = errors_of(writer.post(ADD, chosen("alice, bob")), "people")

    assert error == "A list holds at most 1 people. Declare a named audience in AUDIENCES for more."


def test_the_people_of_a_planned_announcement_can_be_changed(writer: Client, alice: User, bob: User) -> None:
    writer.post(ADD, chosen("alice", starts_at_0="2999-01-01", starts_at_1="12:00", ends_at_0="2999-02-01",
                            ends_at_1="12:00"))  # fmt: skip
    announcement = Announcement.objects.get()
    form = writer.get(change(announcement)).context["adminform"].form
    assert (form["audience"].value(), form["people"].value()) == ("chosen", "alice")

    times = {"starts_at_0": "2999-01-01", "starts_at_1": "12:00", "ends_at_0": "2999-02-01", "ends_at_1": "12:00"}
    first = announcement.audience
    writer.post(change(announcement), chosen("alice", title="Closed on Monday", **times))
    announcement.refresh_from_db()
    assert (announcement.title, announcement.audience) == ("Closed on Monday", first)

    writer.post(change(announcement), chosen("bob", **times))
    announcement.refresh_from_db()
    assert list(audiences.members(announcement.audience)) == [bob]
    assert AudienceList.objects.count() == 1


@pytest.mark.both_databases(short="postgresql")
def test_other_people_are_a_change_for_the_audit_trail(writer: Client, alice: User, bob: User) -> None:
    times = {"starts_at_0": "2999-01-01", "starts_at_1": "12:00", "ends_at_0": "2999-02-01", "ends_at_1": "12:00"}
    writer.post(ADD, chosen("alice\r\nbob", **times))
    announcement = Announcement.objects.get()
    first = announcement.audience
    writer.post(change(announcement), chosen("bob, alice", **times))
    assert [step.step for step in audit.steps_of(announcement)] == ["written"]

    writer.post(change(announcement), chosen("bob", **times))
    announcement.refresh_from_db()
    edited = audit.steps_of(announcement).first()
    assert edited is not None
    assert edited.step == "edited"
    assert edited.details["changes"]["audience"] == [first, announcement.audience]


def test_the_admin_says_for_whom_it_is(writer: Client, alice: User, bob: User) -> None:
    announcement = broadcast(title="For two", audience=[alice, bob])

    assert "People chosen by hand" in writer.get(LIST).content.decode()
    assert "People chosen by hand (2)" in writer.get(change(announcement)).content.decode()


@pytest.mark.both_databases(short="postgresql")
def test_people_are_found_by_a_part_of_their_name(writer: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(email="liddell@example.com", first_name="Alice")
    User.objects.create_user("malice")
    User.objects.create_user("alicia", is_active=False)

    def found(text: str) -> list[str]:
        return [one["name"] for one in writer.get(PEOPLE, {"q": text}).json()["results"]]

    assert found("alic") == ["alice", "malice"]
    assert found("LIDDELL") == ["alice"]
    assert found("a") == found("") == []
    [words] = [one["words"] for one in writer.get(PEOPLE, {"q": "liddell"}).json()["results"]]
    assert "alice" in words
    assert "liddell@example.com" in words


def test_a_user_name_that_a_list_cannot_hold_is_given_by_its_key(writer: Client) -> None:
    odd = User.objects.create(username="smith, john")

    assert writer.get(PEOPLE, {"q": "smith"}).json()["results"][0]["name"] == str(odd.pk)
    writer.post(ADD, chosen(str(odd.pk)))
    assert list(audiences.members(Announcement.objects.get().audience)) == [odd]


@pytest.mark.parametrize("path", [REACH, PEOPLE])
def test_staff_without_the_permission_may_not_ask(client_for: ClientFor, staff: Grant, path: str) -> None:
    assert client_for(staff()).post(path).status_code == HTTPStatus.FORBIDDEN


# Size and reach


def reach(writer: Client, **form: Any) -> str:
    return " ".join(writer.post(REACH, filled_in(**form)).content.decode().split())


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.usefixtures("_push")
def test_the_reach_of_each_delivery_method(writer: Client, alice: User, bob: User, charlie: User) -> None:
    for person in (alice, bob):
        subscribe(person)
    choose_methods(bob, "announcement", ["flash"])
    # Charlie has switched a whole column off, and bob chose for this kind.
    preferences.change(charlie.pk, lambda _before: {"*": frozenset({"flash"})})
    preferences.change(bob.pk, lambda _before: {"*": frozenset({"flash"})})
    text = reach(writer)

    assert "For <strong>3 people</strong>" in text
    assert "<dt>Web Push</dt> <dd> 1 person </dd>" in text
    assert "<dt>Next page</dt> <dd> 2 people </dd>" in text
    critical = reach(writer, urgency="critical")
    assert "<dd> 2 people </dd>" in critical
    assert "Critical: it reaches also people" in critical
    assert reach(writer, methods=["flash"]).count("<dt>") == 1


@pytest.mark.usefixtures("alice")
def test_an_estimate_is_never_larger_than_the_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([RowCount(3), *[RowCount(9_600, Precision.ABOUT)] * 9])
    monkeypatch.setattr(reach_module, "quick_count", lambda *_: next(counts))
    found = reach_module.reach_of("everyone", None, "normal")
    assert found.people == RowCount(3)
    assert {one.people for one in found.methods if one.countable} == {RowCount(3, Precision.ABOUT)}


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.usefixtures("_push")
def test_the_reach_of_a_group_and_of_people_chosen_by_hand(writer: Client, alice: User, charlie: User) -> None:
    group = Group.objects.create(name="Readers")
    alice.groups.add(group)
    subscribe(charlie)

    assert "For <strong>1 person</strong>" in reach(writer, audience=f"group.{group.pk}")
    text = reach(writer, audience="chosen", people="alice, charlie")
    assert "For <strong>2 people</strong>" in text
    assert "<dd> 1 person </dd>" in text
    assert "Nobody has this user name, e-mail address or key: zoe." in reach(writer, audience="chosen", people="zoe")


def test_the_form_begins_with_its_reach_and_counts_nothing_else(writer: Client, charlie: User) -> None:
    Group.objects.create(name="Readers")
    with CaptureQueriesContext(connection) as queries:
        page = writer.get(ADD).content.decode()

    assert "For <strong>2 people</strong>" in page
    assert len([one for one in queries if 'COUNT(*) AS "__count" FROM "accounts_user"' in one["sql"]]) == 3


def test_a_count_is_kept_for_a_minute(writer: Client) -> None:
    reach(writer)
    with CaptureQueriesContext(connection) as queries:
        reach(writer)

    assert not [one for one in queries if 'FROM "accounts_user"' in one["sql"] and "COUNT(" in one["sql"]]


def test_the_preview_without_scripts_says_the_reach(writer: Client, charlie: User) -> None:
    assert "For <strong>2 people</strong>" in writer.post(f"{LIST}preview/", filled_in()).content.decode()


@pytest.mark.usefixtures("_broken_audience")
def test_an_audience_that_raises_is_an_error_at_itself_only(writer: Client) -> None:
    words = "This audience cannot be read: RuntimeError: the shop is closed"

    assert writer.get(ADD).status_code == HTTPStatus.OK
    assert words in reach(writer, audience="audience.customers")
    assert "For <strong>1 person</strong>" in reach(writer)
    answer = writer.post(ADD, filled_in(audience="audience.customers"))
    assert errors_of(answer, "audience") == [words]
    assert not Announcement.objects.exists()


def test_an_unknown_audience_is_an_error(writer: Client) -> None:
    answer = writer.post(ADD, filled_in(audience="audience.nobody"))

    assert "Select a valid choice." in errors_of(answer, "audience")[0]
    assert "Choose an audience." in reach(writer, audience="audience.nobody")
