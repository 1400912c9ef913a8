"""Audiences of people who were chosen by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import audience_lists, audiences, broadcast
from notifications_hub.announcements import announce, personal_rows
from notifications_hub.announcements.models import Announcement
from notifications_hub.audience_lists import AudienceList, AudienceListMember
from notifications_hub.audiences import UnknownAudience
from notifications_hub.inbox_summary import summary_of
from notifications_hub.notification import Notification
from tests.announcements.support import kinds_on

if TYPE_CHECKING:
    from pytest_django import Settings

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]


def later(days: int = 1) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def again(person: User) -> User:
    return User.objects.get(pk=person.pk)


def test_a_list_has_its_people_each_once(alice: User, bob: User, charlie: User) -> None:
    audience = audience_lists.create([alice, bob, alice], later())

    assert set(audiences.members(audience)) == {alice, bob}
    assert audiences.topics_of(alice) == ["everyone", audience]
    assert audiences.topics_of(charlie) == ["everyone"]
    assert audiences.check(audience) == audience
    assert AudienceList.objects.get().people == 2


def test_a_list_is_made_of_a_queryset(alice: User, bob: User, charlie: User) -> None:
    for people in (User.objects.exclude(pk=charlie.pk), User.objects.order_by("username")[:2]):
        audience = audience_lists.create(people, later())
        assert set(audiences.members(audience)) == {alice, bob}


def test_a_queryset_that_has_people_several_times_loses_none(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_lists, "MOST", 3)
    for number in range(4):
        Group.objects.create(name=str(number)).user_set.add(alice, bob, charlie)
    people = User.objects.filter(groups__isnull=False).order_by("pk")
    assert people.count() == 12

    assert set(audiences.members(audience_lists.create(people, later()))) == {alice, bob, charlie}


def test_rows_of_another_model_are_not_taken_for_people(alice: User) -> None:
    group = Group.objects.create(pk=alice.pk, name="Readers")
    for others in ([group], Group.objects.all()):
        with pytest.raises(TypeError, match="of people"):
            broadcast(title="For readers", audience=others)  # type: ignore[arg-type]
    assert not Announcement.objects.exists()
    assert not AudienceList.objects.exists()


def test_people_belong_to_a_list_a_while_longer_so_their_pages_hear_of_the_end(alice: User) -> None:
    audience = audience_lists.create([alice], datetime.now(UTC) - timedelta(hours=12))

    assert audiences.topics_of(again(alice)) == ["everyone", audience]
    assert summary_of(again(alice)).unread == 0


def test_a_deactivated_person_of_a_list_is_in_no_audience(alice: User, bob: User) -> None:
    audience = audience_lists.create([alice, bob], later())
    User.objects.filter(pk=bob.pk).update(is_active=False)

    assert set(audiences.members(audience)) == {alice}


def test_groups_and_lists_take_one_query(alice: User, admin: User) -> None:
    audience_lists.create([alice, admin], later())
    with CaptureQueriesContext(connection) as queries:
        audiences.look_up([again(alice), again(admin)])

    assert len([one for one in queries if "audiencelistmember" in one["sql"]]) == 1
    assert len(queries) == 2 + 1


def test_old_lists_are_not_even_looked_at(alice: User) -> None:
    for _number in range(20):
        audience_lists.create([alice], later(-2))

    assert audiences.topics_of(alice) == ["everyone"]
    assert summary_of(again(alice)).without_row == 0


@pytest.mark.parametrize("wrong", ["chosen.", "chosen.0", "chosen.987654", "chosen.x", "chosen.1 OR 1", "chosen.²"])
def test_an_unknown_list_is_an_unknown_audience(wrong: str) -> None:
    with pytest.raises(UnknownAudience):
        audiences.members(wrong)


def test_people_are_announced_to(alice: User, bob: User, charlie: User) -> None:
    announcement = broadcast(title="For two", audience=[alice, bob])

    assert kinds_on(announcement.audience) == ["announcement.created"]
    assert summary_of(again(alice)).unread == 1
    assert summary_of(again(charlie)).unread == 0
    for person in (alice, charlie):
        personal_rows.make_rows(again(person))
    assert list(Notification.objects.values_list("recipient", flat=True)) == [alice.pk]
    assert announce.withdraw(announcement)
    assert kinds_on(announcement.audience)[-1] == "announcement.withdrawn"


def test_a_page_takes_no_more_statements_with_a_list(alice: User) -> None:
    def statements() -> int:
        person = again(alice)
        with CaptureQueriesContext(connection) as queries:
            summary_of(person)
            audiences.topics_of(person)
        return len(queries)

    without = statements()
    broadcast(title="For one", audience=[alice])
    assert statements() == without


def test_a_list_that_is_used_again_lasts_longer(alice: User) -> None:
    first = broadcast(title="One", audience=[alice], ends_at=later(1))
    broadcast(title="Two", audience=first.audience, ends_at=later(9))
    member = AudienceListMember.objects.get()
    assert member.until > later(8)

    Announcement.objects.filter(pk=first.pk).update(ends_at=later(20))
    announce.publish_edit(Announcement.objects.get(pk=first.pk))
    member.refresh_from_db()
    assert member.until > later(19)


def test_nobody_is_an_error_that_announces_nothing(alice: User) -> None:
    none: list[User] = []
    for nobody in (none, User.objects.none()):
        with pytest.raises(ValidationError, match="at least one person"):
            broadcast(title="For nobody", audience=nobody)
    with pytest.raises(ValueError, match="Save these people"):
        broadcast(title="For a ghost", audience=[User(username="ghost")])
    assert not Announcement.objects.exists()
    assert not AudienceList.objects.exists()


def test_too_many_people_are_an_error_that_names_the_remedy(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience_lists, "MOST", 1)
    for people in ([alice, bob], User.objects.all()):
        with pytest.raises(ValidationError, match=r"at most 1 people.*named audience in AUDIENCES"):
            broadcast(title="For all", audience=people)


def test_a_deleted_person_leaves_their_lists(alice: User, bob: User) -> None:
    audience = audience_lists.create([alice, bob], later())
    alice.delete()

    assert list(audiences.members(audience)) == [bob]


@pytest.mark.usefixtures("alice")
def test_a_host_without_groups_has_lists_too(bob: User, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    has = audiences._has
    monkeypatch.setattr(audiences, "_has", lambda field: field != "groups" and has(field))
    audience = broadcast(title="For Bob", audience=[bob]).audience

    assert audiences.topics_of(again(bob)) == ["everyone", audience]
    assert summary_of(again(bob)).unread == 1


def test_an_index_finds_the_current_lists_of_a_person_with_many_old_ones(alice: User, bob: User) -> None:
    current = audience_lists.create([bob], later())
    old = [AudienceList(people=1) for _number in range(5000)]
    AudienceList.objects.bulk_create(old)
    AudienceListMember.objects.bulk_create(
        AudienceListMember(list=one, person=person, until=later(-1)) for one in old for person in (alice, bob)
    )
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    plans = []
    for ask in (lambda: summary_of(again(bob)), lambda: audiences.look_up([again(bob)])):
        with CaptureQueriesContext(connection) as queries:
            ask()
        [statement] = [one["sql"] for one in queries if "audiencelistmember" in one["sql"]]
        plans.append(plan_of(statement))

    assert audiences.topics_of(again(bob)) == ["everyone", current]
    for plan in plans:
        assert "hub_audience_member_current" in plan
        assert "Seq Scan on notifications_hub_audiencelistmember" not in plan


def plan_of(statement: str) -> str:
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as sql:
        sql.execute(f"{explain} {statement}")
        return "\n".join(" ".join(map(str, row)) for row in sql.fetchall())
