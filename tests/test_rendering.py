"""Rendering of stored rows whose kind fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from notifications_hub import kinds, rendering
from notifications_hub.delivery.worker import Worker
from notifications_hub.kinds import Action, Kind, NotificationLike, Privacy, Urgency
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.rendering import render
from notifications_hub.transports.web_push.payload import encode
from tests.support.deliveries import memory, one_worker, send, send_due, use_memory
from tests.support.log import delivered_to

__all__ = ["one_worker"]

ClientFor = Callable[[User], Client]

both_databases = pytest.mark.both_databases
PLAIN = "Bob replied to Hello"


class Broken(Kind):
    """A kind that raises in every part."""

    name = "tests.every_part_broken"

    def title(self, notification: NotificationLike) -> str:
        raise KeyError("title")

    def body(self, notification: NotificationLike) -> str:
        raise KeyError("body")

    def tag(self, notification: NotificationLike) -> str:
        raise KeyError("tag")

    def actions(self, notification: NotificationLike) -> list[Action]:
        raise KeyError("actions")

    @property
    def icon(self) -> str:  # type: ignore[override]
        raise KeyError("icon")

    @property
    def urgency(self) -> Urgency:  # type: ignore[override]
        raise KeyError("urgency")

    @property
    def ttl(self) -> int:  # type: ignore[override]
        raise KeyError("ttl")

    @property
    def privacy(self) -> Privacy:  # type: ignore[override]
        raise KeyError("privacy")


# Declared by a fixture, for these tests alone: pages and checks of others read every kind.
del kinds._kinds[Broken.name]
PARTS = {"title", "body", "tag", "actions", "icon", "urgency", "ttl", "privacy"}


@pytest.fixture(autouse=True)
def _nothing_logged_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering, "_logged", set())
    monkeypatch.setattr(kinds, "_kinds", {**kinds._kinds, Broken.name: Broken()})


def row_of(**columns: Any) -> Any:
    given = {
        "kind": "tests.row",
        "actor_name": "Bob",
        "verb": "replied to",
        "target_name": "Hello",
        "action_object_name": "",
        "description": "I agree.",
        "url": "/posts/9/",
        "level": "info",
        "data": {},
    }
    return SimpleNamespace(**given | columns)


# All views of a row


@pytest.fixture
def row(db: None, alice: User, bob: User) -> Notification:
    [row] = send(bob, alice, verb="replied", kind=Broken.name, url="/posts/9/")
    return row


@both_databases
def test_the_next_page_flashes_a_row_of_a_broken_kind_once_as_plain_text(
    row: Notification, alice: User, client_for: ClientFor
) -> None:
    client = client_for(alice)
    first, second = client.get("/"), client.get("/")
    assert (first.status_code, second.status_code) == (200, 200)
    shown = [answer.content.decode().count("Bob replied</a>") for answer in (first, second)]
    assert shown == [1, 0]


@both_databases
def test_in_silence_a_page_asks_every_kind_how_urgent_it_is(
    row: Notification, alice: User, client_for: ClientFor
) -> None:
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=3)))
    answer = client_for(alice).get("/")
    assert (answer.status_code, "Bob replied</a>" in answer.content.decode()) == (200, False)


@both_databases
@pytest.mark.parametrize("path", ["/notifications/", "/notifications/{}/why/"])
def test_the_inbox_pages_show_a_row_of_a_broken_kind(
    row: Notification, alice: User, client_for: ClientFor, path: str
) -> None:
    answer = client_for(alice).get(path.format(row.pk))
    assert (answer.status_code, "Bob replied" in answer.content.decode()) == (200, True)


@both_databases
def test_the_api_and_live_events_carry_a_row_of_a_broken_kind(
    row: Notification, alice: User, client_for: ClientFor
) -> None:
    [listed] = client_for(alice).get("/api/v1/notifications/").json()["results"]
    [(kind, delivered)] = delivered_to(alice)
    assert (listed["title"], listed["tag"], listed["icon"]) == ("Bob replied", f"n{row.pk}", "bell")
    assert (kind, delivered["title"]) == ("notification.created", "Bob replied")


@both_databases
def test_a_push_of_a_broken_kind_is_sent_as_plain_text(
    settings: Settings, alice: User, bob: User, one_worker: Worker
) -> None:
    use_memory(settings, ack_window=0)
    send_due(bob, alice, verb="replied", kind=Broken.name)
    assert one_worker.run_due() == 1
    [(message, _address)] = memory().outbox
    assert (message.title, [action.name for action in message.actions]) == ("Bob replied", ["open", "read"])
    # The privacy of this kind raises, so a locked screen must show nothing.
    assert json.loads(encode(message))["notification"]["title"] == "You have a new notification"


@both_databases
def test_the_admin_lists_a_row_of_a_broken_kind(row: Notification, admin: User, client_for: ClientFor) -> None:
    answer = client_for(admin).get("/admin/notifications_hub/notification/")
    assert (answer.status_code, "Bob replied" in answer.content.decode()) == (200, True)


# One part at a time


@pytest.mark.parametrize("value", [None, 5, b"Hi", ["Hi"], "", " \u200b\u2060", "Hi\0", "Hi\ud800"], ids=repr)
def test_an_invalid_title_is_replaced_by_a_plain_one(value: Any) -> None:
    kind = type("Odd", (Kind,), {"title": lambda self, row: value, "body": lambda self, row: "Own body"})()
    rendered = render(kind, row_of())
    assert (rendered.title, rendered.body) == (PLAIN, "Own body")


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "read",
        [("read", "Read")],
        [Action(name="read", title=None)],  # type: ignore[arg-type]
        [Action(name="open", title="Open", url="javascript:alert(1)")],
        [Action(name="open", title="Open", url="https://elsewhere.example/")],
    ],
    ids=repr,
)
def test_invalid_actions_are_replaced_by_the_default_ones(value: Any) -> None:
    kind = type("Odd", (Kind,), {"actions": lambda self, row: value})()
    assert [action.name for action in render(kind, row_of()).actions] == ["open", "read"]


@pytest.mark.parametrize("value", [None, 5, "a\0b"], ids=repr)
def test_a_tag_that_is_not_text_is_dropped(value: Any) -> None:
    assert render(type("Odd", (Kind,), {"tag": lambda self, row: value})(), row_of()).tag == ""


@pytest.mark.parametrize(
    ("part", "value", "usual"),
    [
        ("icon", lambda self, row: "bell", "bell"),
        ("icon", None, "bell"),
        ("urgency", "urgent", Urgency.NORMAL),
        ("privacy", "none", Privacy.NOTHING),
        ("ttl", "an hour", None),
    ],
)
def test_a_declared_value_of_the_wrong_type_is_replaced_by_a_safe_one(part: str, value: Any, usual: object) -> None:
    assert getattr(render(type("Odd", (Kind,), {part: value})(), row_of()), part) == usual


def test_the_values_of_an_enum_are_accepted_as_its_members() -> None:
    rendered = render(type("Plain", (Kind,), {"urgency": "high", "privacy": "full"})(), row_of())
    assert (rendered.urgency, rendered.privacy) == (Urgency.HIGH, Privacy.FULL)


@pytest.mark.parametrize(
    ("column", "stored", "shown"),
    [("url", "javascript:alert(1)", ""), ("url", "//elsewhere.example/", ""), ("level", "urgent", "info")],
)
def test_an_invalid_stored_column_is_replaced(column: str, stored: str, shown: str) -> None:
    assert getattr(render(kinds.get_kind("default"), row_of(**{column: stored})), column) == shown


# The log


def test_each_broken_part_of_a_kind_is_logged_once_per_process(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        render(Broken(), row_of())
    records = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(records) == len(PARTS)
    assert {part for part in PARTS for record in records if f"'{part}'" in record.getMessage()} == PARTS
    assert all(Broken.name in record.getMessage() and record.exc_info for record in records)
