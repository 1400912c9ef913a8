"""System checks and the doctor say what jobs and the worker need of Django's task framework."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from django.core.checks import CheckMessage, run_checks
from django.db import connection
from django_tasks_db.models import DBTaskResult

from notifications_hub import task_framework
from notifications_hub.jobs.models import Job, JobState
from notifications_hub.ops import doctor
from tests.jobs import tasks
from tests.jobs.support import handle_due_jobs, make_due, messages, started

if TYPE_CHECKING:
    from pytest_django import Settings

    from accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)
IMMEDIATE = f"{task_framework.framework()}.backends.immediate.ImmediateBackend"
TABLE = DBTaskResult._meta.db_table
OF_DATABASE = "django_tasks_db.DatabaseBackend"


@pytest.fixture(autouse=True)
def _jobs_are_django_tasks() -> Iterator[None]:
    tasks.use_engine(tasks.DJANGO)
    yield
    tasks.use_engine(tasks.CELERY)


def found(*, deploy: bool = False) -> dict[str | None, CheckMessage]:
    messages = run_checks(include_deployment_checks=deploy, databases=["default"])
    return {
        one.id: one for one in messages if (one.id or "").startswith("notifications_hub.") and (one.id or "")[-2] == "3"
    }


def configure(settings: Settings, *, worker: str, **backends: str) -> None:
    settings.TASKS = {alias: {"BACKEND": path} for alias, path in backends.items()}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TASK_BACKEND": worker}


def test_a_backend_with_a_worker_is_right(settings: Settings) -> None:
    configure(settings, worker="default", default=OF_DATABASE)

    assert found(deploy=True) == {}


def test_a_backend_that_tasks_lacks_is_reported(settings: Settings) -> None:
    configure(settings, worker="pushes", default=OF_DATABASE)

    assert found()["notifications_hub.E031"].msg == "TASKS has no backend 'pushes' for TASK_BACKEND."


def test_a_backend_that_runs_tasks_in_the_request_is_reported(settings: Settings) -> None:
    configure(settings, worker="default", default=IMMEDIATE)

    assert found().keys() == {"notifications_hub.E032"}
    assert "django_tasks_db" in str(found(deploy=True)["notifications_hub.W030"].hint)


def test_a_missing_framework_is_reported_with_the_package_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_framework, "find_spec", lambda name: None)

    assert "install django-tasks" in str(found()["notifications_hub.E030"].hint)


def test_a_backend_that_is_down_only_delays_the_job(alice: User) -> None:
    with connection.cursor() as sql:
        sql.execute(f"ALTER TABLE {TABLE} RENAME TO away")
    job = started(alice, tasks.count, 1)
    assert job.state == JobState.QUEUED
    with connection.cursor() as sql:
        sql.execute(f"ALTER TABLE away RENAME TO {TABLE}")
    make_due(job)
    handle_due_jobs()

    assert messages() == [str(job.pk)]


def test_the_doctor_reports_a_job_that_no_worker_began(alice: User) -> None:
    def finding() -> doctor.Finding:
        return next(one for one in doctor.examine() if one.about == "jobs")

    started(alice, tasks.count, 1)
    assert finding().good
    Job.objects.update(created=datetime.now(UTC) - timedelta(hours=1))
    assert not finding().good
    assert "start more workers of the task backend" in finding().words
