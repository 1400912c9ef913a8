"""The cost of announcements by transports: an index finds their rows, however many deliveries there are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub.announcements.rollouts import planner
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.delivery import claiming, worker_life
from notifications_hub.delivery.models import Delivery, DeliveryState, SendingProcess
from notifications_hub.ops import worker_checks
from notifications_hub.ops.metrics import ask, exposition
from tests.announcements.test_rollouts import announced
from tests.support.deliveries import send, use_memory

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

MANY = 3000


@pytest.fixture
def rollout(settings: Settings, alice: User, bob: User) -> Rollout:
    """Return a rollout of which nothing waits, beside many deliveries that wait and that were sent."""
    use_memory(settings, ack_window=0)
    rollout = announced(audience="staff")
    [row] = send(bob, alice)
    _insert(row.pk, "waiting", None, MANY)
    _insert(row.pk, "sent", rollout.pk, 10 * MANY)
    _insert(row.pk, "waiting", rollout.pk + 1, MANY)
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    return rollout


def _insert(notification: int, state: str, rollout: int | None, count: int) -> None:
    begin = datetime.now(UTC) - timedelta(hours=1)
    moment = connection.ops.adapt_datetimefield_value(begin)
    with connection.cursor() as sql:
        sql.execute(_MANY, [count, notification, f"{state}{rollout}.", rollout, state, moment, moment])


_MANY = """
    WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < %s)
    INSERT INTO notifications_hub_delivery (notification_id, transport, address, rollout_id, state, reason,
        reason_parameters, due_at, attempts, trail, created)
    SELECT %s, 'web_push', %s || number, %s, %s, '', '{}', %s, 0, '[]', %s FROM numbers"""


def plans_of(act: Callable[[], object], *verbs: str) -> list[str]:
    """Return the plan of each statement that reads deliveries, or begins with one of these verbs and names them."""
    with CaptureQueriesContext(connection) as caught:
        act()
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    plans = []
    with connection.cursor() as sql:
        for statement in [one["sql"].lstrip() for one in caught if one["sql"].lstrip().startswith(verbs or "SELECT")]:
            sql.execute(f"{explain} {statement}")
            plans.append("\n".join(str(line[-1]) for line in sql.fetchall()))
    return [plan for plan in plans if "hub_delivery" in plan]


@pytest.mark.parametrize("whose", ["others", "announcements"])
def test_a_claim_sorts_nothing(rollout: Rollout, whose: str) -> None:
    plans = plans_of(lambda: claiming.claim_due(10, rollout=None if whose == "others" else rollout.pk + 1))
    assert len(plans) >= 2
    for plan in plans[:2]:
        assert "hub_delivery_" in plan
        assert not any(word in plan for word in ("Sort", "TEMP B-TREE", "Seq Scan")), plan


def test_a_takeover_reads_no_settled_delivery(rollout: Rollout) -> None:
    name = SendingProcess.objects.create(name=worker_life._own.name, count=1).name
    plans = plans_of(lambda: worker_life.take_over(name, 1, [rollout.pk]))
    assert plans
    assert all("hub_delivery_rollout" in plan for plan in plans), plans


def test_a_turn_reads_no_settled_delivery(rollout: Rollout) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(planned_at=datetime.now(UTC))
    ends = plans_of(lambda: planner.RolloutPlanner().plan_more(10, len))
    assert Rollout.objects.get(pk=rollout.pk).finished_at is not None
    assert len(ends) == 2
    assert all("hub_delivery_rollout" in plan for plan in ends), ends


def test_a_stopped_one_reads_no_settled_delivery(rollout: Rollout) -> None:
    Rollout.objects.filter(pk=rollout.pk).update(state="stopped")
    ends = plans_of(lambda: planner.RolloutPlanner().plan_more(10, len))
    assert Rollout.objects.get(pk=rollout.pk).finished_at is not None
    assert ends
    assert all("hub_delivery_rollout" in plan for plan in ends), ends


def test_metrics_and_checks_read_no_settled_delivery(rollout: Rollout) -> None:
    plans = plans_of(lambda: (exposition(ask()), worker_checks.deliveries()))
    assert plans
    for plan in plans:
        assert "Seq Scan" not in plan, plan
        assert "hub_delivery_due" in plan or "hub_delivery_held_due" in plan, plan


def test_the_metrics_add_both_queues_up(rollout: Rollout) -> None:
    waiting = Delivery.objects.filter(state=DeliveryState.WAITING).count()
    assert waiting >= 2 * MANY
    line = f'notifications_hub_deliveries_waiting{{transport="web_push"}} {waiting}.0'
    assert line in exposition(ask()).decode().splitlines()
