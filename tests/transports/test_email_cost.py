"""The cost of emails: it follows the people of one step, however many addresses there are."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.announcements.rollouts.people import next_page
from notifications_hub.transports.email.models import StoppedEmail
from notifications_hub.transports.email.transport import Email
from tests.support.deliveries import send

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

EMAIL = "notifications_hub.transports.email.transport.Email"
MANY = 6000


@pytest.fixture
def people(settings: Settings) -> list[User]:
    """Return many people with an address. A third of the addresses are stopped."""
    hub = {"TRANSPORTS": {"web_push": None, "email": EMAIL}, "SITE_URL": "https://hub.example"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **hub}
    made = User.objects.bulk_create(User(username=f"p{n}", email=f"P{n}@example.com") for n in range(MANY))
    StoppedEmail.objects.bulk_create(
        StoppedEmail(address=f"p{n}@example.com", reason="bounced") for n in range(0, MANY, 3)
    )
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    return made


def statements(act: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as caught:
        act()
    return [one["sql"] for one in caught]


def plan_of(statement: str) -> str:
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as sql:
        sql.execute(f"{explain} {statement}")
        return "\n".join(str(line[-1]) for line in sql.fetchall())


def test_a_step_of_an_announcement_reads_the_next_people_by_their_key(people: list[User], admin: User) -> None:
    broadcast(title="Party", body="", url="/", audience="everyone", by=admin)
    rollout = Rollout.objects.get()
    rollout.position = str(people[MANY // 2].pk)
    [of_addresses] = [text for text in statements(lambda: next_page(rollout, 100)) if " AS address " in text]
    plan = plan_of(of_addresses)
    if connection.vendor == "sqlite":
        assert "USING INTEGER PRIMARY KEY" in plan
    else:
        assert "accounts_user_pkey" in plan
        assert "Seq Scan on accounts_user" not in plan
    assert not any(word in plan for word in ("Sort", "TEMP B-TREE")), plan
    page = next_page(rollout, 100)
    assert {person.pk for person in page.members} == {one.pk for one in people[MANY // 2 + 1 :][:150]} - {
        one.pk for one in people[0::3]
    }


def test_many_addresses_take_two_queries(people: list[User]) -> None:
    transport = Email()
    assert len(statements(lambda: transport.addresses_of([one.pk for one in people[:1000]]))) == 2
    assert len(statements(lambda: transport.load({str(one.pk) for one in people[:200]}))) == 2


@pytest.mark.postgres
def test_notifying_takes_no_statement_for_addresses(people: list[User], bob: User) -> None:
    send(bob, people[0])
    [one] = [text for text in statements(lambda: send(bob, *people[:50])) if "notifications_hub_delivery" in text]
    assert "INSERT INTO notifications_hub_notification" in one
