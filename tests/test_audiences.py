"""Audiences of announcements, and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.cache import cache
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import audiences
from notifications_hub.audiences import UnknownAudience

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def early_birds() -> QuerySet[User]:
    """Return the members of an audience that a host declares."""
    return User.objects.filter(username__in=["alice", "gone"])


@pytest.fixture
def _early_birds(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {"AUDIENCES": {"early": f"{__name__}.early_birds"}}
    cache.clear()


@pytest.fixture
def readers(alice: User) -> Group:
    group = Group.objects.create(name="Readers")
    alice.groups.add(group)
    return group


@pytest.fixture
def gone(db: None) -> User:
    """An inactive person who still has all her memberships."""
    return User.objects.create_user("gone", is_active=False, is_staff=True)


@pytest.mark.usefixtures("_early_birds")
def test_people_belong_to_their_own_audiences_only(alice: User, charlie: User, admin: User, readers: Group) -> None:
    assert audiences.topics_of(alice) == ["everyone", f"group.{readers.pk}", "audience.early"]
    assert audiences.topics_of(admin) == ["everyone", "staff"]
    assert audiences.topics_of(charlie) == ["everyone"]
    assert audiences.topics_of(AnonymousUser()) == []


@pytest.mark.usefixtures("_early_birds")
def test_choices_have_labels(readers: Group) -> None:
    assert audiences.choices() == [
        ("everyone", "Everyone"),
        ("staff", "Staff"),
        (f"group.{readers.pk}", "Readers"),
        ("audience.early", "early"),
    ]


@pytest.mark.usefixtures("_early_birds")
def test_inactive_people_are_in_no_audience(alice: User, admin: User, gone: User, readers: Group) -> None:
    gone.groups.add(readers)

    assert set(audiences.members("everyone")) == {alice, admin}
    assert set(audiences.members("staff")) == {admin}
    assert set(audiences.members(f"group.{readers.pk}")) == {alice}
    assert set(audiences.members("audience.early")) == {alice}


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "wrong", ["", "nobody", "group.", "group.987654", "group.x", "audience.nope", "inbox", "post.9"]
)
def test_an_unknown_audience_is_rejected_with_a_list_of_the_known_ones(wrong: str) -> None:
    with pytest.raises(UnknownAudience, match="choose one of everyone, staff"):
        audiences.check(wrong)
    with pytest.raises(UnknownAudience):
        audiences.members(wrong)


@pytest.mark.usefixtures("_early_birds")
def test_membership_in_a_named_audience_is_queried_once_a_minute(alice: User, charlie: User) -> None:
    audiences.topics_of(alice)
    with CaptureQueriesContext(connection) as queries:
        audiences.topics_of(alice)

    assert not [query for query in queries if "username" in query["sql"]]
    assert not audiences.contains("audience.early", charlie)
    assert audiences.contains("audience.early", alice)


@pytest.mark.usefixtures("_early_birds")
def test_a_connection_ignores_the_membership_that_a_page_cached(alice: User) -> None:
    assert audiences.contains("audience.early", alice)
    User.objects.filter(pk=alice.pk).update(username="late")
    [connecting] = User.objects.filter(pk=alice.pk)
    audiences.look_up([connecting])

    assert not audiences.contains("audience.early", connecting)
    [reading] = User.objects.filter(pk=alice.pk)
    assert not audiences.contains("audience.early", reading)
