"""The hub reads from the primary, even if a router sends other reads to a replica."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.db import connections, models
from django.test import Client, RequestFactory
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import audiences
from notifications_hub.database import transaction
from notifications_hub.database.primary import connection, from_primary, hub_alias
from notifications_hub.live.session import check_many
from notifications_hub.live_lists import live_list
from notifications_hub.models import Delivery, Notification
from tests.rows.board.models import Note

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

HUB_MODELS = list(apps.get_app_config("notifications_hub").get_models())


@pytest.fixture
def _replicas(settings: Settings) -> None:
    settings.DATABASE_ROUTERS = ["tests.support.routers.PrimaryReplicaRouter"]


@pytest.mark.usefixtures("_replicas")
def test_a_query_to_the_replica_fails_in_these_tests() -> None:
    with pytest.raises(AssertionError, match="replica"):
        Group.objects.count()


@pytest.mark.usefixtures("_replicas")
@pytest.mark.parametrize("model", HUB_MODELS, ids=lambda model: model.__name__)
def test_every_model_of_the_hub_is_read_from_the_primary(model: type[models.Model]) -> None:
    assert model._default_manager.all().db == "default"
    assert model._base_manager.all().db == "default"
    assert model._default_manager.using("replica").db == "replica"


@pytest.mark.usefixtures("_replicas")
def test_the_hubs_connection_is_that_of_its_database() -> None:
    assert hub_alias() == "default"
    assert connection.vendor == connections["default"].vendor
    assert transaction.get_connection() is connections["default"]
    assert from_primary(User.objects.all()).db == "default"
    assert from_primary(User.objects.using("replica")).db == "replica"


@pytest.mark.usefixtures("_replicas")
def test_related_rows_are_read_from_the_primary(alice: User, bob: User) -> None:
    group = Group.objects.using("default").create(name="Readers")
    alice.groups.through.objects.using("default").create(user=alice, group=group)
    answers: Any = notify.send(bob, recipient=group, verb="waved")
    [row] = answers[0][1]
    row.mark_as_read()
    row.refresh_from_db()
    Delivery.objects.create(notification=row, transport="web_push", address="1", due_at=row.timestamp)
    [delivery] = row.deliveries.all()
    assert Delivery.objects.get(pk=delivery.pk).notification == row
    assert list(Notification.objects.read()) == [row]


def test_sessions_and_rights_are_read_from_the_primary(settings: Settings, alice: User) -> None:
    group = Group.objects.create(name="Readers")
    alice.groups.add(group)
    client = Client()
    client.force_login(alice)
    settings.DATABASE_ROUTERS = ["tests.support.routers.PrimaryReplicaRouter"]
    [visitor] = check_many([client.cookies[settings.SESSION_COOKIE_NAME].value])
    assert visitor is not None
    assert visitor.person == alice
    assert audiences.topics_of(visitor.person) == ["everyone", f"group.{group.pk}"]


@pytest.mark.usefixtures("_replicas")
def test_a_live_list_reads_rows_and_cursor_from_one_database(alice: User) -> None:
    request = RequestFactory().get("/")
    request.user = alice
    assert list(live_list(request, "post.9", Note.objects.all())) == []


# Checks of the router


def found(settings: Settings, router: str) -> list[str]:
    settings.DATABASE_ROUTERS = [f"tests.support.routers.{router}"]
    return [f"{one.id}: {one.msg}" for one in run_checks(databases=["default"]) if one.id == "notifications_hub.E014"]


def test_a_primary_and_a_replica_pass_the_checks(settings: Settings) -> None:
    assert found(settings, "PrimaryReplicaRouter") == []


@pytest.mark.parametrize(
    ("router", "words"),
    [
        ("EventsElsewhere", "Event, Stream"),
        ("PeopleElsewhere", "User"),
        ("NotesElsewhere", "Note"),
    ],
)
def test_models_of_one_transaction_must_share_a_database(settings: Settings, router: str, words: str) -> None:
    [message] = found(settings, router)
    assert words in message
