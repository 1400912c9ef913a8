"""`hub_export` writes all that the hub stores about a person, and `hub_erase` leaves nothing of it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection, models
from notifications.signals import notify

from accounts.models import User
from notifications_hub import streams
from notifications_hub.announcements import audit
from notifications_hub.models import Announcement, Notification
from notifications_hub.personal_data import erase, named_person, tables
from notifications_hub.streams.cursor import Position
from notifications_hub.streams.models import Event, Stream, inbox_topic
from tests.personal_data.traces import MARKER, WITHOUT_TRACES, empty_tables, live_here

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture
def zaphod() -> User:
    return User.objects.create_user(username=MARKER, email=f"{MARKER}@example.org", password="demo-words")


@pytest.fixture
def bob() -> User:
    return User.objects.create_user(username="bob")


def everything_stored() -> str:
    """Return the rows of all tables as text, besides those of accounts."""
    found = []
    with connection.cursor() as sql:
        for table in connection.introspection.table_names(sql):
            if not table.startswith(("accounts_", "auth_")):
                sql.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
                found += [f"{table}: {row}" for row in sql.fetchall()]
    return "\n".join(found)


def test_an_erased_person_is_found_nowhere_and_no_topic_has_a_gap(zaphod: User, bob: User, charlie: User) -> None:
    live_here(zaphod, bob, charlie)
    topic = inbox_topic(zaphod.pk)
    assert everything_stored().count(MARKER) > 10
    # Give a new table a trace in `live_here`, or its reason in `WITHOUT_TRACES`.
    assert empty_tables() == WITHOUT_TRACES.keys()
    assert [table.name for table in tables.TABLES if not table.rows(zaphod.pk).exists()] == []

    call_command("hub_erase", MARKER, "--no-input", stdout=StringIO())

    assert MARKER.lower() not in everything_stored().lower()
    assert [table.name for table in tables.TABLES if table.rows(zaphod.pk).exists()] == []
    left = Notification.objects.exclude(recipient=charlie).filter(announcement=None)
    assert [row.verb for row in left] == ["stays"]
    [decided] = Notification.objects.filter(recipient=charlie)
    assert decided.item().as_json()["result"]
    top = Stream.objects.get(topic=topic).top
    assert list(Event.objects.filter(topic=topic).order_by("seq").values_list("seq", flat=True)) == [*range(1, top + 1)]
    [read] = streams.read({topic: Position(Stream.objects.get(topic=topic).epoch, 0, 0)})
    assert ([event.kind for event in read.events], read.reset) == (["tombstone"] * top, False)
    assert (Announcement.objects.get().title, Announcement.objects.get().by) == ("Hello", None)
    assert {step.person_name for step in audit.AnnouncementStep.objects.all()} == {"", "bob"}
    out = StringIO()
    call_command("hub_erase", MARKER, "--no-input", stdout=out)
    assert out.getvalue() == f"The hub stores nothing about {MARKER}.\n"


def test_other_inboxes_stay_if_wished(zaphod: User, bob: User, charlie: User) -> None:
    live_here(zaphod, bob, charlie)

    call_command("hub_erase", MARKER, "--no-input", "--keep-caused", stdout=StringIO())

    assert Notification.objects.filter(recipient=bob, announcement=None).count() == 3
    assert not Notification.objects.filter(recipient=zaphod).exists()


def test_a_killed_erasure_is_continued(zaphod: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch) -> None:
    live_here(zaphod, bob, charlie)
    monkeypatch.setattr(erase, "CHUNK", 2)
    with monkeypatch.context() as patch:
        patch.setattr(erase, "_take_name_off_steps", _killed)
        with pytest.raises(KeyboardInterrupt):
            erase.erase(zaphod)
    assert MARKER in everything_stored()

    erase.erase(zaphod)

    assert MARKER not in everything_stored()


def test_a_notification_that_arrives_meanwhile_is_erased_too(
    zaphod: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    live_here(zaphod, bob, charlie)
    looks = erase._caused_by

    def _notifies(person: User) -> Any:
        yield from looks(person)
        notify.send(bob, recipient=zaphod, verb="called", description=MARKER)

    monkeypatch.setattr(erase, "_caused_by", _notifies)
    call_command("hub_erase", MARKER, "--no-input", stdout=StringIO(), stderr=(said := StringIO()))

    assert MARKER not in everything_stored()
    assert not Notification.objects.filter(recipient=zaphod).exists()
    assert "Deactivate it" in said.getvalue()


def _killed(person: User) -> int:
    raise KeyboardInterrupt


def test_an_export_has_everything_but_secrets(zaphod: User, bob: User, charlie: User, tmp_path: Path) -> None:
    live_here(zaphod, bob, charlie)
    file = tmp_path / "zaphod.json"

    call_command("hub_export", str(zaphod.pk), "--output", str(file), stdout=StringIO())

    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["user_name"] == MARKER
    assert [row["description"] for row in written["notifications"]][:3] == [f"{MARKER} {number}" for number in range(3)]
    assert written["notifications"][0]["title"] == "bob called"
    assert written["notifications"][0]["data"] == {"secret": MARKER}
    origins = [row["origin"] for row in written["deliveries"] if row["origin"]]
    assert origins == [{"request_id": f"request-{MARKER}"}]
    assert written["quiet_hours"][0]["schedule"]["zone"] == "Europe/Berlin"
    assert written["own_addresses"][0]["address"] == "https://a.example/"
    assert written["stopped_emails"][0]["address"] == zaphod.email.lower()
    assert written["browsers"][0]["name"] == MARKER
    assert "push.example" not in file.read_text(encoding="utf-8")
    assert [table.name for table in tables.TABLES if not written[table.name]] == []
    assert [len(written[name]) for name in ("jobs", "announcements_written", "audience_lists")] == [1, 1, 1]
    assert {row["person_name"] for row in written["announcement_steps"]} == {MARKER}
    with pytest.raises(CommandError, match="exists already"):
        call_command("hub_export", MARKER, "--output", str(file), stdout=StringIO())


def test_nobody_else_is_in_an_export(zaphod: User, bob: User, charlie: User) -> None:
    live_here(zaphod, bob, charlie)
    out = StringIO()

    call_command("hub_export", "bob", stdout=out)

    written = json.loads(out.getvalue())
    assert {row["recipient_id"] for row in written["notifications"]} == {bob.pk}
    others = {name for name, rows in written.items() if isinstance(rows, list) and rows}
    assert others == {"notifications", "audience_lists", "announcement_steps"}


def test_an_unknown_name_and_a_wrong_answer_erase_nothing(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    notify.send(bob, recipient=bob, verb="stays")
    with pytest.raises(CommandError, match="Nobody has the user name or primary key 'nobody'"):
        call_command("hub_erase", "nobody", "--no-input")
    monkeypatch.setattr("builtins.input", lambda question: "yes")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("hub_erase", "bob")
    assert Notification.objects.count() == 1


def test_a_user_name_that_looks_like_a_key_wins(bob: User) -> None:
    number = User.objects.create_user(username=str(bob.pk))
    assert named_person.named_person(str(bob.pk)) == number


def test_every_column_that_leads_to_a_person_is_covered() -> None:
    people = get_user_model()
    found = {
        (model, field.name)
        for model in apps.get_app_config("notifications_hub").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model is people
    }
    # A held delivery goes with its notification, whose recipient is that person.
    held = {(model, name) for model, name in found if (model.__name__, name) == ("Delivery", "held_for")}
    assert found - held <= set(tables.fields_covered())
