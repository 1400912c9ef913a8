"""One statement inserts what a query returns."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.db import models
from django.db.models.functions import Concat
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub.database.insert_select import insert_select
from notifications_hub.database.primary import connection
from notifications_hub.models import Notification

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def named() -> dict[str, object]:
    return {"name": Concat(models.Value("Friends of "), models.F("username"))}


def test_each_row_of_the_query_becomes_one_in_its_order(alice: User, bob: User, charlie: User) -> None:
    people = User.objects.exclude(pk=bob.pk).order_by("-username")
    with CaptureQueriesContext(connection) as made:
        assert insert_select(Group, people, named()) == 2

    assert len(made) == 1
    assert list(Group.objects.order_by("pk").values_list("name", flat=True)) == [
        "Friends of charlie",
        "Friends of alice",
    ]


def test_a_row_that_exists_is_skipped(alice: User, bob: User) -> None:
    Group.objects.create(name="Friends of alice")

    assert insert_select(Group, User.objects.order_by("pk"), named()) == 1
    assert Group.objects.count() == 2


def test_other_columns_get_the_defaults_of_their_fields(alice: User) -> None:
    insert_select(Notification, User.objects.all(), {"recipient": models.F("pk"), "verb": models.F("username")})
    stored, saved = Notification.objects.get(), Notification(recipient=alice, verb="alice")
    saved.save()

    ignored = {"id", "timestamp", "committed_at"}
    columns = [field.attname for field in Notification._meta.concrete_fields if field.attname not in ignored]
    assert [getattr(stored, name) for name in columns] == [getattr(saved, name) for name in columns]
    assert stored.committed_at is not None
