"""A job is visible to its owner and its audience. Charlie sees nothing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.template import Context, Template
from django.test import Client, RequestFactory

from notifications_hub import streams
from notifications_hub.jobs.models import Job, JobState
from notifications_hub.live.topics import may_listen
from notifications_hub.streams.cursor import decode, key_of
from tests.inbox.support import answer_of
from tests.jobs import tasks
from tests.jobs.support import deliver, events_of, started

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.django_db(transaction=True)

ClientFor = Callable[["User"], Client]
NEVER = uuid.UUID(int=1)


@pytest.fixture
def job(alice: User) -> Job:
    return started(alice, tasks.count, 3, url="/reports/")


def rendered(job: Job, person: User, path: str = "/reports/") -> str:
    request = RequestFactory().get(path)
    request.user = person
    return Template("{% load notifications_hub %}{% task_progress job %}").render(
        Context({"request": request, "job": job})
    )


def api(pk: object, action: str = "") -> str:
    return f"/api/v1/jobs/{pk}/{action}"


def test_the_owner_may_subscribe_and_charlie_may_not(job: Job, alice: User, charlie: User) -> None:
    assert may_listen(alice, job.topic)
    assert not may_listen(charlie, job.topic)
    assert not may_listen(alice, f"task.{NEVER}")
    assert not may_listen(alice, "task.1")


def test_an_audience_may_watch_but_not_stop(admin: User, alice: User, charlie: User, client_for: ClientFor) -> None:
    job = started(alice, tasks.count, 1, audience="staff")

    assert may_listen(admin, job.topic)
    assert not may_listen(charlie, job.topic)
    assert client_for(admin).get(api(job.pk)).status_code == 200
    assert client_for(admin).post(api(job.pk, "cancel/"), content_type="application/json").status_code == 403
    assert 'data-part="cancel"' not in rendered(job, admin)


def test_the_api_returns_the_job_and_a_cursor(job: Job, alice: User, client_for: ClientFor) -> None:
    deliver(job)
    answer = client_for(alice).get(api(job.pk)).json()

    assert answer["job"] == events_of(job)[-1][1]
    assert decode(answer["cursor"])[key_of(job.topic)].seq == streams.read({job.topic: None})[0].top


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_charlie_finds_nothing(job: Job, charlie: User, client_for: ClientFor, method: str) -> None:
    client = client_for(charlie)
    action = "cancel/" if method == "POST" else ""
    ask = partial(client.generic, method, content_type="application/json")
    answers = [answer_of(lambda pk=pk: ask(path=api(pk, action))) for pk in (NEVER, job.pk)]  # type: ignore[misc]

    assert answers[0] == answers[1]
    assert answers[0].status == 404


def test_charlie_and_visitors_see_no_bar(job: Job, charlie: User) -> None:
    from django.contrib.auth.models import AnonymousUser

    assert rendered(job, charlie).strip() == ""
    assert rendered(job, AnonymousUser()).strip() == ""  # type: ignore[arg-type]


def test_only_a_post_by_the_owner_cancels(job: Job, alice: User, charlie: User, client_for: ClientFor) -> None:
    page = f"/jobs/{job.pk}/cancel/"
    assert client_for(charlie).post(page).status_code == 404
    assert client_for(alice).get(page).status_code == 405
    answer: Any = client_for(alice).post(page, {"next": "https://elsewhere.example/"})
    job.refresh_from_db()

    assert (answer.status_code, answer.url, job.state) == (302, "/reports/", JobState.CANCELLED)


def test_the_api_cancels_a_job_once(job: Job, alice: User, client_for: ClientFor) -> None:
    answers = [client_for(alice).post(api(job.pk, "cancel/"), content_type="application/json").json() for _ in range(2)]

    assert answers == [{"cancelled": True}, {"cancelled": False}]


def test_the_bar_works_without_scripts(job: Job, alice: User) -> None:
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, done=30, total=120, text="<b>Reading</b>", version=7)
    page = rendered(job, alice)

    assert 'value="25"' in page
    assert "&lt;b&gt;Reading&lt;/b&gt;" in page
    assert '<p data-standing="running" >Working on it</p>' in page
    assert '<p data-standing="done" hidden>Done</p>' in page
    assert 'version="7"' in page
    assert f'action="/jobs/{job.pk}/cancel/"' in page


def test_a_cancelled_bar_shows_no_progress(job: Job, alice: User) -> None:
    Job.objects.filter(pk=job.pk).update(state=JobState.CANCELLED, text="19 of 50")

    assert re.search(r'data-part="text"[^>]*\bhidden>19 of 50<', rendered(job, alice))


def test_a_bar_continues_from_where_it_was_rendered(job: Job, alice: User) -> None:
    page = rendered(job, alice)
    deliver(job)
    here = decode(page.partition('cursor="')[2].partition('"')[0])[key_of(job.topic)]
    [reading] = streams.read({job.topic: here})

    assert [event.kind for event in reading.events][-1] == "task.done"
