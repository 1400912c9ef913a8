"""A job is first a row in the caller's transaction. Its message follows, and may be lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

from notifications_hub import start, start_all
from notifications_hub.jobs.enqueue import BadJob, WrongType
from notifications_hub.jobs.models import Job, JobState
from notifications_hub.streams.models import Event
from tests.jobs import tasks
from tests.jobs.support import deliver, events_of, handle_due_jobs, make_due, messages, started
from tests.support.celery import use_broker
from tests.support.processes import ROOT
from tests.support.site import site_environment
from tests.support.together import rolled_back, together

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [
    pytest.mark.both_databases(short="postgresql"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("engine"),
]


def test_a_committed_job_is_queued_sent_and_published(alice: User) -> None:
    job = started(alice, tasks.count, 3)

    assert (job.state, job.owner_id, job.title) == (JobState.QUEUED, alice.pk, "Report 2026")
    assert messages() == [str(job.pk)]
    [(kind, data)] = events_of(job)
    assert (kind, data["standing"]) == ("task.progress", "queued")


def test_a_job_whose_transaction_rolls_back_never_runs(alice: User) -> None:
    with rolled_back():
        job = started(alice, tasks.count, 3)

    assert messages() == []
    assert not Job.objects.exists()
    assert events_of(job) == []


def test_nothing_is_sent_before_the_commit(alice: User) -> None:
    with transaction.atomic():
        job = started(alice, tasks.count, 3)
        assert messages() == []

    assert messages() == [str(job.pk)]


def test_a_lost_message_is_sent_again_after_longer_and_longer_pauses(alice: User) -> None:
    job = started(alice, tasks.count, 1)
    messages()
    pauses = []
    for _ in range(3):
        make_due(job)
        handle_due_jobs()
        assert messages() == [str(job.pk)]
        before, job = job, Job.objects.get(pk=job.pk)
        assert job.due_at is not None
        pauses.append(round((job.due_at - before.created).total_seconds()))
    assert pauses[0] * 1.5 < pauses[1] * 1.01 < pauses[2]


def test_a_job_that_is_not_due_is_left_alone(alice: User) -> None:
    started(alice, tasks.count, 1)
    messages()
    handle_due_jobs()

    assert messages() == []


@pytest.mark.clocked
@pytest.mark.parametrize("engine", [tasks.CELERY], indirect=True)
def test_a_broker_that_is_down_only_delays_the_job(alice: User) -> None:
    use_broker("redis://127.0.0.1:1/0")
    began = time.monotonic()
    job = started(alice, tasks.count, 1)
    assert time.monotonic() - began < 1
    assert job.state == JobState.QUEUED
    use_broker("memory://")
    make_due(job)
    handle_due_jobs()

    assert messages() == [str(job.pk)]


@pytest.mark.postgres
def test_only_one_of_several_sweepers_sends_a_job(alice: User) -> None:
    job = started(alice, tasks.count, 1)
    messages()
    make_due(job)
    from notifications_hub.jobs.broker import _send_due

    together([lambda: _send_due(job.pk)] * 6)

    assert messages() == [str(job.pk)]


def test_a_job_sent_twice_runs_once(alice: User) -> None:
    job = started(alice, tasks.count, 2)
    deliver(job)
    assert job.state == JobState.DONE
    deliver(job)

    assert (job.starts, job.state) == (1, JobState.DONE)


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"title": " "}, "needs a title"),
        ({"url": "https://elsewhere.example/"}, "path of this site"),
        ({"audience": "nobody"}, "not an audience"),
    ],
)
def test_an_invalid_title_link_or_audience_is_rejected_at_the_call(
    alice: User, about: dict[str, str], words: str
) -> None:
    with pytest.raises(BadJob, match=words):
        started(alice, tasks.count, 1, **about)


@pytest.mark.parametrize("given", [object(), float("nan"), "a\0b"])
def test_arguments_that_are_not_json_are_rejected(alice: User, given: object) -> None:
    with pytest.raises(BadJob, match="must be JSON"):
        started(alice, tasks.count, given)


@pytest.mark.parametrize("engine", [tasks.CELERY], indirect=True)
def test_a_countdown_is_rejected_because_brokers_lose_it(alice: User) -> None:
    signature: Any = tasks.count.s(1).set(countdown=60)
    with pytest.raises(BadJob, match="does not accept countdown"):
        start(signature, owner=alice, title="Later")
    with pytest.raises(BadJob, match="at least one"):
        start_all([], owner=alice, title="Nothing")


def plain(job: object) -> None:
    """Stand for a function that nobody declared as a job."""


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (lambda: tasks.count.of_celery, r"pass count\.s\(…\) instead of count\."),
        (lambda: tasks.count.of_django, r"pass count\.s\(…\) instead of count\."),
        (lambda: plain, r"decorate a function with job_task, and pass plain\.s\(…\)"),
        (lambda: "host.tasks.count", "not 'host.tasks.count': decorate a function with job_task"),
        (lambda: None, "not None: decorate"),
    ],
    ids=["a task of Celery", "a task of Django", "a function", "a name", "None"],
)
def test_a_task_without_its_arguments_is_refused_with_the_remedy(
    alice: User, given: Callable[[], Any], remedy: str
) -> None:
    with pytest.raises(WrongType, match=remedy):
        start(given(), owner=alice, title="Report")
    with pytest.raises(WrongType, match=remedy):
        start_all([tasks.count.s(1), given()], owner=alice, title="Report")
    assert not Job.objects.exists()
    assert not Event.objects.exists()


def test_an_owner_or_title_of_another_type_is_refused_with_the_remedy(alice: User) -> None:
    stranger, nobody = type(alice)(username="stranger"), AnonymousUser()
    owners: list[Any] = [None, "alice", alice.pk, stranger, nobody]
    for owner in owners:
        with pytest.raises(TypeError, match="owner of a job is a saved person, who sees it and is notified of its end"):
            started(owner, tasks.count, 1)
    with pytest.raises(TypeError, match="title of a job is text, not None"):
        started(alice, tasks.count, 1, title=None)
    with pytest.raises(TypeError, match="takes a list of signatures"):
        start_all(tasks.count.s(1), owner=alice, title="Report")
    assert not Job.objects.exists()


def test_a_lazy_person_and_a_lazy_title_will_do(alice: User) -> None:
    lazy: Any = SimpleLazyObject(lambda: alice)
    job = started(lazy, tasks.count, 1, title=gettext_lazy("Report"))

    assert (job.owner, job.title) == (alice, "Report")


def test_a_task_called_without_start_is_a_plain_task(alice: User) -> None:
    assert tasks.count.of_celery.apply([2]).get().value == 2
    assert tasks.count.of_celery(2).value == tasks.count.of_django(2).value == 2
    assert not Job.objects.exists()


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize("engine", [tasks.CELERY], indirect=True)
def test_the_app_and_its_jobs_can_be_imported_without_celery() -> None:
    script = """
import sys
sys.modules["celery"] = None
import django
django.setup()
from notifications_hub import jobs, urls, admin
from notifications_hub.ops import doctor
from notifications_hub import Done, cancel, job_task, start
from notifications_hub.jobs import api, views
try:
    from notifications_hub import HubTask
except ImportError as error:
    assert "HubTask needs Celery: `pip install celery`" in str(error), error
else:
    raise AssertionError("HubTask was imported")
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=site_environment(), check=True)
