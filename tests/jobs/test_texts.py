"""A task's texts are never markup: not in the bar that the server renders, in the inbox, or on the next page."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from notifications_hub import Done
from notifications_hub.jobs import transitions
from notifications_hub.jobs.enqueue import BadJob
from notifications_hub.jobs.models import Job
from tests.jobs import tasks
from tests.jobs.support import ATTACKS, events_of, started

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = pytest.mark.django_db

ClientFor = Callable[["User"], Client]

PAGES = ("/showcase/report/", "/notifications/")
"""The first page flashes every undelivered notification."""
HARMLESS = "Words"
LINKS = (
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/",
    "/\\evil.example/",
    "/\tx",
)


class _Shape(HTMLParser):
    """Collects every tag with its attribute names, and the targets of links and forms."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, *(name for name, _value in attrs)))
        self.links += [str(value) for name, value in attrs if name in {"href", "src", "action", "formaction"}]


def shape_of(client: Client, path: str) -> _Shape:
    shape = _Shape()
    shape.feed(client.get(path).content.decode())
    return shape


def ended_in_every_way(owner: User, words: str) -> list[Job]:
    """Return a running, a failed and a finished job with this text in every field a task may set."""
    running, failed, done = (_claimed(owner, words) for _ in range(3))
    path = "/result/" + words.replace(" ", "+").replace("\\", "-")
    transitions.report(running, {"text": transitions.clean(words)})
    transitions.fail(failed, {}, words=words)
    transitions.finish(done, Done(text=words, url=path), {})
    return [running, failed, done]


def _claimed(owner: User, words: str) -> Job:
    job = transitions.claim(started(owner, tasks.count, 1, title=words, url="/showcase/report/").pk)
    assert job is not None
    return job


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_tasks_texts_add_no_markup_to_a_page(alice: User, bob: User, client_for: ClientFor, attack: str) -> None:
    ended_in_every_way(alice, attack)
    ended_in_every_way(bob, HARMLESS)
    for path in PAGES:
        attacked, harmless = shape_of(client_for(alice), path), shape_of(client_for(bob), path)

        assert attacked.tags == harmless.tags
        assert {link for link in attacked.links if not link.startswith("/")} <= set(harmless.links)


@pytest.mark.parametrize("attack", ATTACKS)
def test_pages_receive_a_tasks_texts_unchanged(alice: User, attack: str) -> None:
    _running, failed, done = ended_in_every_way(alice, attack)

    assert [events_of(job)[-1][1]["text"] for job in (failed, done)] == [attack, attack]
    assert {data["title"] for job in (failed, done) for _kind, data in events_of(job)} == {attack}


@pytest.mark.parametrize("link", LINKS)
def test_a_link_to_another_site_is_rejected(alice: User, link: str) -> None:
    with pytest.raises(BadJob, match="path of this site"):
        started(alice, tasks.count, 1, url=link)
    job = _claimed(alice, HARMLESS)
    with pytest.raises(ValueError, match="path of this site"):
        transitions.finish(job, Done(url=link), {})
