"""Notifications from the site itself and from named parts of it, which are no rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.translation import gettext_lazy, override
from notifications.signals import notify

from accounts.models import User
from notifications_hub import BadArgument, Kind, SystemActor, kinds, system_actors
from notifications_hub.notification import Notification
from notifications_hub.streams import inbox_topic
from notifications_hub.streams.models import Event

ClientFor = Callable[[User], Client]

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db(transaction=True)]

NEWS = "Announcements"
"""A label that the catalogues translate."""


@pytest.fixture
def declared() -> Iterator[SystemActor]:
    yield SystemActor("news", gettext_lazy(NEWS))
    del system_actors._translated["news"]


@pytest.fixture
def _capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))

    class Capped(Kind):
        name = "test.capped"
        per_minute = 1


def send(actor: object, recipient: object, verb: str = "charged you", **given: Any) -> list[Notification]:
    [(_receiver, made)] = notify.send(actor, recipient=recipient, verb=verb, **given)
    return made  # type: ignore[return-value]


def titles(client: Client) -> list[tuple[str, str]]:
    return [(one["actor"], one["title"]) for one in client.get("/api/v1/notifications/").json()["results"]]


def test_the_site_itself_names_nobody(alice: User, client_for: ClientFor) -> None:
    [row] = send(None, alice, "Your export is ready")

    row.refresh_from_db()
    assert (row.actor, row.actor_name, row.actor_content_type_id, row.actor_object_url()) == (None, "", None, "")
    assert row.message().title == "Your export is ready"
    assert Event.objects.get().data["title"] == "Your export is ready"
    assert titles(client_for(alice)) == [("", "Your export is ready")]
    assert "Your export is ready" in client_for(alice).get("/notifications/").content.decode()


def test_a_named_actor_makes_no_row(alice: User, bob: User, client_for: ClientFor) -> None:
    types = ContentType.objects.count()
    [row, _other] = send(SystemActor("Billing"), [alice, bob])

    assert row.actor == Notification.objects.get(pk=row.pk).actor == SystemActor("Billing")
    assert str(row.actor) == row.actor_name == "Billing"
    assert [event.data["actor"] for event in Event.objects.all()] == ["Billing", "Billing"]
    assert titles(client_for(alice)) == [("Billing", "Billing charged you")]
    assert ContentType.objects.count() == types


def test_a_declared_actor_has_a_label_in_each_readers_language(alice: User, bob: User, declared: SystemActor) -> None:
    User.objects.filter(pk=bob.pk).update(language="zh-hans")
    bob.refresh_from_db()
    with override("zh-hans"):
        rows = {row.recipient: row for row in send(declared, [alice, bob], "changed")}

    events = {event.topic: event.data for event in Event.objects.all()}
    assert events[inbox_topic(alice.pk)]["title"] == "Announcements changed"
    assert (events[inbox_topic(bob.pk)]["actor"], events[inbox_topic(bob.pk)]["title"]) == ("公告", "公告 changed")
    row = Notification.objects.get(pk=rows[alice].pk)
    assert (row.actor, row.actor_name) == (declared, "Announcements")
    with override("zh-hans"):
        assert (row.message().title, row.item().actor) == ("公告 changed", "公告")


def test_one_that_is_declared_no_more_keeps_its_label(alice: User) -> None:
    [row] = send(SystemActor("old", gettext_lazy(NEWS)), alice)
    del system_actors._translated["old"]

    row = Notification.objects.get(pk=row.pk)
    with override("zh-hans"):
        assert row.message().title == "Announcements charged you"
        assert (str(row.actor), row.actor) == ("Announcements", SystemActor("old"))


def test_an_objects_key_is_not_taken_for_a_declared_name(alice: User, bob: User, declared: SystemActor) -> None:
    [row] = send(bob, alice)
    row.actor_object_id = declared.name

    assert row.message().title == "Bob charged you"


@pytest.mark.usefixtures("_capped")
def test_a_rate_counts_each_name_apart(alice: User, bob: User) -> None:
    actors = [None, SystemActor("Billing"), SystemActor("Shop"), bob]
    made = [[len(send(actor, alice, kind="test.capped")) for actor in actors] for _ in range(2)]

    assert made == [[1, 1, 1, 1], [0, 0, 0, 0]]


@pytest.mark.parametrize("actor", [None, SystemActor("Billing")], ids=["the site", "a name"])
def test_it_costs_no_statement_more_than_a_person(alice: User, bob: User, actor: SystemActor | None) -> None:
    def cost(actor: object) -> int:
        with CaptureQueriesContext(connection) as statements:
            send(actor, alice)
        return len(statements)

    send(bob, alice)
    assert cost(actor) == cost(bob)


def test_actors_of_all_sorts_are_loaded_together(alice: User, bob: User) -> None:
    actors = [None, SystemActor("Billing"), bob, None, alice]
    for actor in actors:
        send(actor, alice)
    with CaptureQueriesContext(connection) as statements:
        rows = Notification.objects.order_by("pk").prefetch_related("actor")
        assert [row.actor for row in rows] == actors
    assert len(statements) == 2


def test_the_admin_shows_the_label_and_no_link(alice: User, admin: User, client_for: ClientFor) -> None:
    [row] = send(SystemActor("Billing"), alice)
    client = client_for(admin)

    assert "Billing" in client.get("/admin/notifications_hub/notification/").content.decode()
    assert client.get(f"/admin/notifications_hub/notification/{row.pk}/change/").status_code == 200


def test_names_that_are_made_up_at_each_call_are_not_kept() -> None:
    kept = len(system_actors._translated)
    for number in range(100):
        SystemActor(f"job {number}", "Job")

    assert len(system_actors._translated) == kept


@pytest.mark.parametrize(
    ("sender", "words"),
    [
        ("Billing", r"or None for the site itself, not 'Billing'\. Write SystemActor\('Billing'\)\."),
        (3, "a saved model instance, a SystemActor, or None for the site itself, not 3"),
        (User, "a saved model instance, a SystemActor, or None"),
    ],
)
def test_another_sender_is_refused_with_the_remedy(alice: User, sender: object, words: str) -> None:
    with pytest.raises(BadArgument, match=words):
        notify.send(sender, recipient=alice, verb="waved")
    assert not Notification.objects.exists()


@pytest.mark.parametrize("name", ["", " ", "\u200b", "a\0b", "x" * 256])
def test_a_name_that_cannot_be_stored_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 characters"):
        SystemActor(name)


def test_a_name_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a str"):
        SystemActor(gettext_lazy(NEWS))  # type: ignore[arg-type]
