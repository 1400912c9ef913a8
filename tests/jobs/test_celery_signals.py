"""Celery's own signals about a job, in the worker's main process, after the task can no longer report."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from billiard.exceptions import Terminated, TimeLimitExceeded, WorkerLostError
from celery.signals import task_failure, task_revoked

from notifications_hub.jobs import transitions
from notifications_hub.jobs.models import Job, JobState
from tests.jobs import tasks
from tests.jobs.support import delivered, handle_due_jobs, started

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def running(alice: User) -> Job:
    job = transitions.claim(started(alice, tasks.count, 1).pk)
    assert job is not None
    return job


def test_a_revoked_job_is_cancelled_without_a_notification(running: Job, alice: User) -> None:
    task_revoked.send(sender=tasks.count.of_celery, request=SimpleNamespace(id=str(running.pk)), terminated=True)

    assert Job.objects.get().standing == "cancelled"
    assert delivered(alice) == []


@pytest.mark.parametrize(
    ("fault", "standing"),
    [(TimeLimitExceeded(1), "late"), (WorkerLostError("killed"), "lost"), (Terminated(9), "lost")],
    ids=repr,
)
def test_a_killed_process_ends_the_bar_without_waiting_for_the_lease(
    running: Job, alice: User, fault: Exception, standing: str
) -> None:
    task_failure.send(sender=tasks.count.of_celery, task_id=str(running.pk), exception=fault)
    handle_due_jobs()
    job = Job.objects.get()

    assert (job.state, job.standing) == (JobState.FAILED, standing)
    assert [kind for kind, _title, _body in delivered(alice)] == ["task.failed"]


def test_a_signal_about_another_task_with_the_same_id_changes_nothing(running: Job) -> None:
    task_revoked.send(sender=object(), request=SimpleNamespace(id=str(running.pk)), terminated=True)
    task_failure.send(sender=object(), task_id=str(running.pk), exception=TimeLimitExceeded(1))
    handle_due_jobs()

    assert Job.objects.get().state == JobState.RUNNING
