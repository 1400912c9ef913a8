"""A job that always fails to be handled, among healthy ones."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from notifications.signals import notify

from notifications_hub import job_task, start
from notifications_hub.jobs import broker
from notifications_hub.jobs.models import Job
from notifications_hub.streams.sweeper import Isolation
from notifications_hub.users import Person
from tests.jobs import job_tasks, tasks
from tests.jobs.support import delivered, handle_due_jobs, make_due, messages, started

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [
    pytest.mark.both_databases(short="postgresql"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("engine"),
]


@pytest.fixture(autouse=True)
def _nothing_failed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker, "_isolation", Isolation(longest=60))


def unsendable(owner: User) -> Job:
    """Return a job that its engine refuses to send, as after a deployment that changed what it may be sent with."""
    if tasks.engine() == tasks.DJANGO:
        elsewhere = job_task(queue_name="nowhere")(job_tasks.count.function)
        return start(elsewhere.s(1), owner=owner, title="Report 2026")
    return started(owner, tasks.count)


def test_a_job_that_cannot_be_sent_does_not_stop_the_others(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    poison = unsendable(alice)
    good = [started(alice, tasks.count, 1) for _ in range(2)]
    assert messages() == [str(job.pk) for job in good]
    for job in (poison, *good):
        make_due(job)
    for _ in range(3):
        handle_due_jobs()
    assert messages() == [str(job.pk) for job in good]
    assert caplog.text.count(f"job {poison.pk} failed") == 1
    assert "The broker did not take" not in caplog.text


def test_a_job_that_cannot_be_sent_is_retried_less_and_less_often(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    poison = unsendable(alice)
    for sends in range(1, 4):
        monkeypatch.setattr(broker, "_isolation", Isolation(longest=60))
        make_due(poison)
        handle_due_jobs()
        poison.refresh_from_db()
        assert poison.sends == sends


def test_a_job_that_was_sent_very_often_is_still_sent_again(alice: User) -> None:
    job = started(alice, tasks.count, 1)
    messages()
    Job.objects.update(sends=30_000)
    make_due(job)
    handle_due_jobs()
    assert messages() == [str(job.pk)]


def _refuse_bob(recipient: Person, **kwargs: object) -> None:
    if recipient.get_username() == "bob":
        raise LookupError("bob")


@pytest.fixture
def _host_that_fails_for_bob() -> Iterator[None]:
    notify.connect(_refuse_bob)
    yield
    notify.disconnect(_refuse_bob)


@pytest.mark.usefixtures("_host_that_fails_for_bob")
def test_a_job_that_cannot_be_given_up_does_not_stop_the_others(
    alice: User, bob: User, caplog: pytest.LogCaptureFixture
) -> None:
    poison, good = (started(owner, tasks.count, 1) for owner in (bob, alice))
    messages()
    Job.objects.update(state="running")
    for job in (poison, good):
        make_due(job)
    for _ in range(3):
        handle_due_jobs()
    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.state, good.state) == ("running", "failed")
    assert [kind for kind, _title, _body in delivered(alice)] == ["task.failed"]
    assert caplog.text.count(f"job {poison.pk} failed") == 1
