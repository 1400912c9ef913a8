"""The cost of quiet hours: an index finds what waits for a person, and what was summed up."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery.group_claims import claim_groups
from notifications_hub.delivery.groups import summed_up_beside
from notifications_hub.delivery.models import Delivery
from notifications_hub.quiet_hours.schedules import reconsider
from tests.announcements.test_rollout_cost import plans_of
from tests.support.deliveries import send, use_memory

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

MANY = 1000


@pytest.fixture
def waiting(settings: Settings, alice: User, bob: User) -> Delivery:
    """Return a claimed delivery of Alice's, one of five that waited, beside many of other people and settled ones."""
    use_memory(settings, ack_window=0)
    [row] = send(bob, alice)
    moment = datetime.now(UTC) - timedelta(hours=1)

    def some(count: int, state: str, held_for: int | None, summary: int | None = None) -> list[Delivery]:
        name = f"{state}{held_for}{summary}."
        return [
            Delivery(
                notification=row,
                transport="web_push",
                address=f"{name}{0 if held_for == alice.pk else number}",
                state=state,
                held_for_id=held_for,
                summary_id=summary,
                due_at=moment,
            )
            for number in range(count)
        ]

    Delivery.objects.bulk_create(some(MANY, "waiting", None) + some(MANY, "waiting", bob.pk))
    Delivery.objects.bulk_create(some(3 * MANY, "sent", bob.pk, 7) + some(1, "waiting", alice.pk))
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    one = Delivery.objects.get(held_for=alice.pk)
    one.claim = uuid.uuid4()
    one.save()
    return one


def test_a_group_and_what_was_summed_up_are_found_by_an_index(waiting: Delivery, alice: User) -> None:
    locked, taken, ranked, *_loaded = plans_of(lambda: claim_groups([waiting]), "SELECT", "UPDATE")
    waiting.refresh_from_db()
    [summed] = plans_of(lambda: summed_up_beside(waiting))
    Delivery.objects.update(claim=None)
    [again] = plans_of(lambda: reconsider([alice.pk]))
    for plan in (locked, taken, again):
        assert "hub_delivery_held" in plan, plan
    for plan in (ranked, summed):
        assert "hub_delivery_summary" in plan, plan
    for plan in (locked, taken, ranked, summed, again):
        assert "Seq Scan" not in plan, plan
