"""Many tasks as one job: its bar counts their rows, without a result backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from notifications_hub import cancel, start_all
from notifications_hub.jobs import transitions
from notifications_hub.jobs.models import Job, JobState
from tests.jobs import tasks
from tests.jobs.support import deliver, delivered, events_of, handle_due_jobs, make_due, messages
from tests.support.together import together

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("engine"),
]


def parts_of(job: Job) -> list[Job]:
    return list(job.parts.order_by("position"))


def three(owner: User, **about: Any) -> Job:
    return start_all([tasks.count.s(number) for number in (1, 2, 3)], owner=owner, title="Parts", **about)


def test_each_part_moves_the_bar_and_the_last_ends_it(alice: User) -> None:
    job = three(alice)
    for part in parts_of(job):
        deliver(part)
    job.refresh_from_db()

    assert [(kind, data["done"], data["total"]) for kind, data in events_of(job)] == [
        ("task.progress", 0, 3),
        ("task.progress", 1, 3),
        ("task.progress", 2, 3),
        ("task.done", 3, 3),
    ]
    assert delivered(alice) == [("task.done", "“Parts” is done", "")]


def test_a_following_task_receives_the_results_in_order(alice: User) -> None:
    job = three(alice, then=tasks.add_up.s(times=10))
    for part in reversed(parts_of(job)):
        deliver(part)
    messages_before = messages()
    assert messages_before.count(str(job.pk)) == 1
    deliver(job)

    assert (job.state, job.text, job.done, job.total) == (JobState.DONE, "60", 3.5, 4)
    assert [kind for kind, _title, _body in delivered(alice)] == ["task.done"]


def test_a_part_that_fails_fails_the_whole_once_the_others_have_ended(alice: User) -> None:
    job = start_all([tasks.stumble.s(), tasks.count.s(1)], then=tasks.add_up.s(), owner=alice, title="Parts")
    first, second = parts_of(job)
    deliver(first)
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING
    deliver(second)
    job.refresh_from_db()

    assert (job.state, job.standing, job.done) == (JobState.FAILED, "parts", 1)
    assert delivered(alice) == [("task.failed", "“Parts” failed", "A part of the job failed.")]
    assert str(job.pk) not in messages()


def test_cancelling_a_group_cancels_every_part(alice: User) -> None:
    job = three(alice)
    first, *others = parts_of(job)
    running = transitions.claim(first.pk)
    assert running is not None
    assert cancel(job)
    assert {part.state for part in parts_of(job)} == {JobState.RUNNING, JobState.CANCELLED}
    assert Job.objects.get(pk=job.pk).standing == "cancelling"
    transitions.stop(running, {})
    for part in others:
        deliver(part)
    job.refresh_from_db()

    assert (job.state, job.done) == (JobState.CANCELLED, 0)
    assert delivered(alice) == []


def test_cancelling_a_group_that_has_not_started_ends_it_at_once(alice: User) -> None:
    job = three(alice)
    cancel(job)
    job.refresh_from_db()

    assert job.state == JobState.CANCELLED


def test_a_part_whose_worker_was_killed_ends_the_whole(alice: User) -> None:
    job = start_all([tasks.count.s(1)], owner=alice, title="Parts")
    [part] = parts_of(job)
    transitions.claim(part.pk)
    make_due(part)
    handle_due_jobs()
    job.refresh_from_db()

    assert (job.state, job.standing) == (JobState.FAILED, "parts")


def test_parts_that_end_together_are_all_counted(alice: User) -> None:
    job = start_all([tasks.count.s(1) for _ in range(4)], owner=alice, title="Parts")
    together([lambda part=part: deliver(part) for part in parts_of(job)])  # type: ignore[misc]
    job.refresh_from_db()

    assert (job.state, job.done) == (JobState.DONE, 4)
