"""`hub_doctor` checks jobs, and `hub_prune` deletes old ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from notifications_hub import start_all
from notifications_hub.jobs.models import Job
from notifications_hub.ops import doctor, retention
from notifications_hub.streams.models import Event, Stream
from tests.jobs import tasks
from tests.jobs.support import deliver, started
from tests.support.celery import use_broker

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def finding() -> doctor.Finding:
    return next(finding for finding in doctor.examine() if finding.about == "jobs")


def test_a_site_that_starts_no_jobs_needs_no_worker() -> None:
    assert finding() == doctor.Finding("jobs", "none has been started yet.")


def test_the_doctor_reports_a_job_that_no_worker_can_run(alice: User) -> None:
    started(alice, tasks.count, 1)

    assert not finding().good
    assert finding().words.startswith("no worker answers: start one")


def test_the_doctor_reports_a_broker_that_is_down(alice: User) -> None:
    started(alice, tasks.count, 1)
    use_broker("redis://127.0.0.1:1/0")

    assert not finding().good
    assert finding().words.startswith("the broker does not answer")
    use_broker("memory://")


def test_old_jobs_are_pruned_with_their_parts_and_log(alice: User) -> None:
    old = start_all([tasks.count.s(1), tasks.count.s(1)], owner=alice, title="Old")
    for part in old.parts.all():
        deliver(part)
    kept = started(alice, tasks.count, 1)
    Job.objects.exclude(ended_at=None).update(ended_at=datetime.now(UTC) - timedelta(days=100))
    before = datetime.now(UTC) - timedelta(days=90)

    assert (retention.prunable(before).jobs, retention.prune(before).jobs) == (1, 1)
    assert list(Job.objects.all()) == [kept]
    assert not Event.objects.filter(topic=old.topic).exists()
    assert not Stream.objects.filter(topic=old.topic).exists()
