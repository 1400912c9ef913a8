"""Several workers, killed workers and wrong clocks: each step of an escalation is done exactly once."""

from __future__ import annotations

import json
import textwrap
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery.models import Delivery
from notifications_hub.escalation.models import EscalationStep
from notifications_hub.escalation.running import claim_due_steps, run_due_steps
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.notification import Notification
from tests.support import warm
from tests.support.deliveries import send, use_memory
from tests.support.escalation import Lead, pass_time, step_states, team_lead
from tests.support.full import FULL
from tests.support.site import site_environment
from tests.support.together import database_url, together

__all__ = ["team_lead"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


def test_workers_at_the_same_time_do_each_step_once_while_people_read(
    alice: User, bob: User, charlie: User, team_lead: Lead
) -> None:
    team_lead.answer = lambda _notification: alice
    for _ in range(15):
        send(None, bob, charlie, kind="tests.ticket")
    pass_time(hours=4)

    def read_all() -> None:
        marks.mark_all(charlie, Mark.READ)

    together([run_due_steps, run_due_steps, run_due_steps, read_all])
    run_due_steps()
    assert {state for state, _reason in step_states()} <= {"done", "cancelled"}
    done = EscalationStep.objects.filter(state="done")
    assert done.filter(notification__recipient=bob).count() == 30, "nobody read these"
    by_method = done.filter(number=1).values_list("notification_id", flat=True)
    armed = Delivery.objects.filter(escalation=1).values_list("notification_id", flat=True)
    assert sorted(by_method) == sorted(armed)
    news = Notification.objects.filter(recipient=alice, kind="escalation")
    keys = [f"escalation:{pk}" for pk in done.filter(number=2).values_list("pk", flat=True)]
    assert sorted(str(row.dedupe_key) for row in news) == sorted(keys)


KILLED_AT_EACH_STATEMENT = """
    import json, os, signal, sys, time
    import django
    django.setup()
    from django.contrib.auth import get_user_model
    from django.db import connection, connections
    from notifications.signals import notify
    from notifications_hub.delivery.models import Delivery
    from notifications_hub.escalation.models import EscalationStep
    from notifications_hub.escalation.running import run_due_steps
    from notifications_hub.notification import Notification
    from tests.support.escalation import lead, pass_time

    alice, bob = (get_user_model().objects.get(username=name) for name in ("alice", "bob"))
    lead.answer = lambda notification: alice

    def work(point):
        "Run due steps in a process of its own, which is killed before or after a statement. Return whether it was."
        connections.close_all()
        if not (child := os.fork()):
            seen = [0]
            def killed_at(execute, *arguments):
                seen[0] += 1
                if point == seen[0] * 2:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = execute(*arguments)
                if point == seen[0] * 2 + 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result
            with connection.execute_wrapper(killed_at):
                run_due_steps()
            os._exit(0)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    def waits(row):
        return EscalationStep.objects.filter(notification=row, state="waiting").exists()

    # A step is done here, so that no process below takes time for imports.
    notify.send(None, recipient=bob, verb="waved", kind="tests.ticket")
    pass_time(hours=5)
    run_due_steps()
    Notification.objects.all().delete()

    found, point, killed = [], 2, True
    while killed:
        [row] = notify.send(None, recipient=bob, verb="waved", kind="tests.ticket")[0][1]
        pass_time(hours=5)
        killed = work(point)
        until = time.monotonic() + 60
        while waits(row) and time.monotonic() < until:
            # The lease ends. The database may still be ending what the killed process began.
            pass_time(minutes=2)
            work(0)
        news = Notification.objects.filter(recipient=alice, kind="escalation").count()
        states = EscalationStep.objects.filter(notification=row, state="done", reason="escalated").count()
        found.append([states, Delivery.objects.filter(notification=row, escalation=1).count(), news - len(found)])
        point += int(sys.argv[1])
    print(json.dumps(found))
"""


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
@pytest.mark.both_databases(short="postgresql")
def test_a_worker_killed_before_and_after_any_statement_leaves_each_step_done_once(
    settings: Settings, alice: User, bob: User
) -> None:
    """Kill it at each of more than thirty points, and in the short form at every third."""
    step = 1 if FULL else 3
    ran = warm.run(
        ["-c", textwrap.dedent(KILLED_AT_EACH_STATEMENT), str(step)],
        environment=site_environment(hub=settings.NOTIFICATIONS_HUB, DATABASE_URL=database_url()),
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert len(found) > 30 / step, "it was killed at that many points"
    assert found == [[2, 1, 1]] * len(found), "steps done, deliveries planned and people notified, of each"


@pytest.mark.parametrize("hours", [-5, 5], ids=["behind", "ahead"])
def test_a_machine_whose_clock_is_wrong_plans_and_claims_at_the_right_time(alice: User, bob: User, hours: int) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=False):
        send(alice, bob, kind="tests.ticket")
        assert claim_due_steps() == []
    planned = EscalationStep.objects.get(number=1).planned_for
    assert abs(planned - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    pass_time(hours=1)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours), tick=False):
        assert [step.number for step in claim_due_steps()] == [1]


def test_a_clock_that_goes_forward_and_back_repeats_nothing(alice: User, bob: User, team_lead: Lead) -> None:
    team_lead.answer = lambda _notification: alice
    send(None, bob, kind="tests.ticket")
    pass_time(hours=5)
    run_due_steps()
    before = step_states()
    EscalationStep.objects.update(due_at=datetime.now(UTC) + timedelta(hours=3))
    run_due_steps()
    EscalationStep.objects.update(due_at=datetime.now(UTC) - timedelta(hours=3))
    run_due_steps()
    assert step_states() == before == [("done", "escalated")] * 2
    assert Notification.objects.filter(recipient=alice).count() == 1


# Cost


def plan_of(table: str, act: object) -> list[str]:
    """Return the plan of each statement that reads or changes the table."""
    assert callable(act)
    with CaptureQueriesContext(connection) as caught:
        act()
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    plans = []
    for statement in (one["sql"] for one in caught.captured_queries if table in one["sql"]):
        with connection.cursor() as sql:
            sql.execute(f"{explain} {statement}")
            plans.append("\n".join(str(row[-1]) for row in sql.fetchall()))
    return plans


def test_an_index_finds_due_steps_and_those_of_a_notification(alice: User, bob: User) -> None:
    [row] = send(alice, bob, kind="tests.ticket")
    others = [Notification(recipient=bob, verb="x", actor_object_id="") for _ in range(1000)]
    others = Notification.objects.bulk_create(others)
    moment = datetime.now(UTC)
    EscalationStep.objects.bulk_create(
        EscalationStep(notification=one, number=1, planned_for=moment, due_at=moment, state=state)
        for one, state in zip(others, ["done", "done", "waiting", "done"] * 250, strict=True)
    )
    EscalationStep.objects.filter(state="waiting").update(due_at=moment + timedelta(hours=1))
    with connection.cursor() as sql:
        sql.execute("ANALYZE")
    [due] = plan_of("escalationstep", claim_due_steps)
    assert "hub_escalation_due" in due
    [cancels] = plan_of("escalationstep", row.mark_as_read)
    assert "hub_escalation_once" in cancels or "INDEX sqlite_autoindex" in cancels
