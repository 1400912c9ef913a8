"""Every run ends its bar and notifies its owner, whichever way it ends."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError

from notifications_hub import Done, JobCancelled, cancel
from notifications_hub.jobs import transitions as job_changes
from notifications_hub.jobs.models import Job, JobState
from notifications_hub.jobs.reporter import Reporter
from notifications_hub.jobs.run import Run
from tests.jobs import tasks
from tests.jobs.support import deliver, delivered, events_of, handle_due_jobs, make_due, messages, started
from tests.support.processes import wait_until
from tests.support.together import together

if TYPE_CHECKING:
    from pytest_django import Settings

    from accounts.models import User

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("engine"),
]


def claimed(owner: User) -> Job:
    """Return a job that this thread has claimed, as a worker would."""
    job = job_changes.claim(str(started(owner, tasks.count, 1).pk))
    assert job is not None
    return job


# Outcomes


def test_a_job_that_is_done_links_to_its_result(alice: User) -> None:
    job = started(alice, tasks.count, 3, url="/reports/")
    deliver(job)

    assert (job.state, job.done, job.total, job.text, job.download) == (JobState.DONE, 3, 3, "3 steps", "/result.csv")
    kind, data = events_of(job)[-1]
    assert (kind, data["standing"], data["url"]) == ("task.done", "done", "/result.csv")
    assert delivered(alice) == [("task.done", "“Report 2026” is done", "3 steps")]


def test_a_failure_shows_people_its_message(alice: User) -> None:
    job = started(alice, tasks.say_why, "The file is empty.")
    deliver(job)

    assert (job.state, job.text, job.standing) == (JobState.FAILED, "The file is empty.", "failed")
    assert delivered(alice) == [("task.failed", "“Report 2026” failed", "The file is empty.")]


def test_a_task_speaks_its_owners_language(alice: User, bob: User) -> None:
    for owner, language in ((alice, "en"), (bob, "zh-hans")):
        type(owner).objects.filter(pk=owner.pk).update(language=language)
        job = started(owner, tasks.say_in_what_language)
        deliver(job)
        assert job.text == language


def test_a_task_writes_times_in_its_owners_zone(alice: User) -> None:
    type(alice).objects.filter(pk=alice.pk).update(time_zone="Asia/Shanghai")
    job = started(alice, tasks.say_in_what_time_zone)
    deliver(job)
    assert job.text == "Asia/Shanghai"


def test_any_other_exception_keeps_its_message_private(alice: User) -> None:
    job = started(alice, tasks.stumble)
    deliver(job)

    assert (job.state, job.standing, job.text) == (JobState.FAILED, "error", "")
    assert "hunter2" not in str([events_of(job), delivered(alice), vars(job)])
    assert delivered(alice) == [("task.failed", "“Report 2026” failed", "Something went wrong.")]


def test_a_retry_waits_in_the_row_until_it_is_due(alice: User) -> None:
    job = started(alice, tasks.try_again, 60)
    for _ in range(2):
        deliver(job)
        assert (job.state, events_of(job)[-1][0]) == (JobState.RETRYING, "task.retry")
        messages()
        handle_due_jobs()
        assert messages() == []
        make_due(job)
        handle_due_jobs()
        assert messages() == [str(job.pk)]
    deliver(job)

    assert (job.state, job.value, job.starts) == (JobState.DONE, "third time lucky", 3)


def test_an_early_message_does_not_start_a_retry(alice: User) -> None:
    job = started(alice, tasks.try_again, 60)
    deliver(job)
    deliver(job)

    assert (job.state, job.starts) == (JobState.RETRYING, 1)


def test_the_number_of_retries_is_limited(alice: User) -> None:
    job = started(alice, tasks.try_again, 0)
    Job.objects.filter(pk=job.pk).update(retries=2)
    tasks.try_again.limit_retries(1)
    try:
        Job.objects.filter(pk=job.pk).update(retries=1)
        deliver(job)
    finally:
        tasks.try_again.limit_retries(2)

    assert (job.state, job.standing) == (JobState.FAILED, "error")


def test_a_result_url_of_another_site_fails_the_job(alice: User) -> None:
    run = Run(claimed(alice))
    with pytest.raises(ValueError, match="path of this site"):
        run.end(Done(url="https://elsewhere.example/"))
    run.fail()
    run.job.refresh_from_db()

    assert (run.job.state, run.job.download) == (JobState.FAILED, "")


# Cancelling


def test_a_job_cancelled_before_it_starts_never_starts(alice: User) -> None:
    job = started(alice, tasks.count, 1)
    assert cancel(job)
    deliver(job)

    assert (job.state, job.starts, events_of(job)[-1][0]) == (JobState.CANCELLED, 0, "task.cancelled")
    assert delivered(alice) == []
    assert not cancel(job)


def test_a_running_task_notices_a_cancellation_when_it_reports(alice: User) -> None:
    job = started(alice, tasks.count, 1000, 0.02)
    running = threading.Thread(target=lambda: together([lambda: deliver(Job.objects.get(pk=job.pk))]))
    running.start()
    wait_until(lambda: Job.objects.get(pk=job.pk).done > 0)
    assert cancel(job)
    assert Job.objects.get(pk=job.pk).standing == "cancelling"
    running.join(10)
    job.refresh_from_db()

    assert (job.state, job.standing) == (JobState.CANCELLED, "cancelled")
    assert job.done < 200


def test_a_task_that_swallows_every_exception_is_still_cancelled(alice: User) -> None:
    job = started(alice, tasks.swallow_everything, 1000)
    running = threading.Thread(target=lambda: together([lambda: deliver(Job.objects.get(pk=job.pk))]))
    running.start()
    wait_until(lambda: Job.objects.get(pk=job.pk).done > 0)
    cancel(job)
    running.join(10)

    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED


def test_a_cancelled_task_that_never_reports_is_ended(alice: User) -> None:
    job = claimed(alice)
    run = Run(job)
    cancel(job)
    job_changes.renew(job)
    job.refresh_from_db()
    assert job.due_at is not None
    assert (job.due_at - job.created).total_seconds() < job_changes.CANCEL_SECONDS + 5
    make_due(job)
    handle_due_jobs()
    run.end(Done(text="Too late"))
    job.refresh_from_db()

    assert (job.state, job.text) == (JobState.CANCELLED, "")


# A worker that was killed


def test_a_job_whose_lease_ended_fails_as_lost(alice: User) -> None:
    job = claimed(alice)
    make_due(job)
    handle_due_jobs()
    job.refresh_from_db()

    assert (job.state, job.standing) == (JobState.FAILED, "lost")
    [(_kind, _title, body)] = delivered(alice)
    assert "its worker went away" in body


def test_a_job_that_may_restart_is_queued_again(alice: User) -> None:
    job = started(alice, tasks.count, 1, restarts=1)
    for expected in (JobState.QUEUED, JobState.FAILED):
        messages()
        job_changes.claim(str(job.pk))
        make_due(job)
        handle_due_jobs()
        job.refresh_from_db()
        assert job.state == expected
        if expected is JobState.QUEUED:
            handle_due_jobs()
            assert messages() == [str(job.pk)]


def test_a_worker_that_was_given_up_changes_nothing(alice: User) -> None:
    job = claimed(alice)
    run = Run(job)
    make_due(job)
    handle_due_jobs()
    run.progress(1, 2, "Still here")
    run.end(Done(text="Done after all"))
    job.refresh_from_db()

    assert (job.state, job.text) == (JobState.FAILED, "")
    assert [kind for kind, _title, _body in delivered(alice)] == ["task.failed"]


@pytest.mark.faults
def test_a_task_that_reports_nothing_stays_alive(alice: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "JOB_LEASE": 1.2}
    job = started(alice, tasks.silent, 3)
    running = threading.Thread(target=lambda: together([lambda: deliver(Job.objects.get(pk=job.pk))]))
    running.start()
    while running.is_alive():
        handle_due_jobs()
        time.sleep(0.1)

    assert Job.objects.get(pk=job.pk).state == JobState.DONE


# Progress


@pytest.mark.clocked
def test_a_thousand_reports_are_ten_updates_a_second_and_the_last_is_kept(alice: User) -> None:
    job = claimed(alice)
    run = Run(job)
    began = time.monotonic()
    for done in range(1, 1001):
        run.progress(done, 1000, f"Row {done}")
        time.sleep(0.001)
    lasted = time.monotonic() - began
    wait_until(lambda: Job.objects.get(pk=job.pk).done == 1000, seconds=2)
    reports = [data["done"] for kind, data in events_of(job) if kind == "task.progress" and data["done"]]
    run.end(Done())

    assert 2 <= len(reports) <= lasted * 10 + 2
    assert reports == sorted(reports)
    assert reports[-1] == 1000


@pytest.mark.clocked
def test_reporting_does_not_wait_for_the_database(alice: User) -> None:
    run = Run(claimed(alice))
    began = time.perf_counter()
    for done in range(10_000):
        run.progress(done, 10_000, "Fast")
    lasted = time.perf_counter() - began
    run.end(Done())

    assert lasted < 1.5


def test_the_last_report_comes_with_the_end(alice: User) -> None:
    job = started(alice, tasks.say_why, "Enough.")
    deliver(job)

    assert (job.done, job.total) == (1, 4)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_progress_that_is_not_a_finite_number_is_rejected(alice: User, number: float) -> None:
    run = Run(claimed(alice))
    with pytest.raises(ValueError, match="finite"):
        run.progress(number, 1, "")
    run.fail()


def test_text_that_a_database_would_refuse_is_cleaned(alice: User) -> None:
    run = Run(claimed(alice))
    run.progress(1, 2, "a\0b\ud800" + "x" * 300)
    run.fail()
    run.job.refresh_from_db()
    assert len(run.job.text) <= 255


def test_a_report_survives_a_database_outage(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    job = claimed(alice)
    report = job_changes.report
    answers = iter([OperationalError("away")])

    def once_away(job: Job, values: dict[str, Any]) -> bool:
        for error in answers:
            raise error
        return report(job, values)

    monkeypatch.setattr(job_changes, "report", once_away)
    reporter = Reporter(job)
    reporter.report({"done": 1.0, "text": "One"})
    wait_until(lambda: Job.objects.get(pk=job.pk).done == 1.0, seconds=30)

    assert reporter.stop() == {}


def test_job_cancelled_is_not_an_ordinary_exception() -> None:
    assert not issubclass(JobCancelled, Exception)
