"""The admin's form for announcements, and its permissions."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from django.conf import global_settings
from django.contrib.auth.models import Group
from django.db import connections

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementState
from notifications_hub.streams.sweeper import sweep
from tests.announcements.support import (
    ADD,
    LIST,
    ONCE,
    ClientFor,
    Grant,
    change,
    filled_in,
    kinds_on,
    log_of,
    said,
    translated,
    withdrawal,
)

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import Settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

both_databases = pytest.mark.both_databases
pytestmark = pytest.mark.django_db


def errors_in(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == HTTPStatus.OK, "the form was taken"
    return {**answer.context["adminform"].form.errors}


# Announcing


def test_saving_the_form_announces(writer: Client, alice: User, bob: User) -> None:
    answer = writer.post(ADD, filled_in(url="/posts/1/", level="warning"))

    assert answer.status_code == HTTPStatus.FOUND
    announcement = Announcement.objects.get()
    assert (announcement.by, announcement.state, announcement.url) == (bob, AnnouncementState.RUNNING, "/posts/1/")
    [(kind, item)] = log_of("everyone")
    assert (kind, item["title"], item["level"]) == ("announcement.created", "Closed on Sunday", "warning")
    assert "“Closed on Sunday” has been announced to 2 people." in said(answer)


@both_databases
def test_a_form_that_is_sent_twice_announces_once(writer: Client) -> None:
    writer.post(ADD, filled_in())
    again = writer.post(ADD, filled_in())

    assert again.status_code == HTTPStatus.FOUND
    assert said(again)[-1] == "“Closed on Sunday” was already sent, so it was not announced again."
    assert kinds_on("everyone") == ["announcement.created"]


def test_a_person_sends_a_limited_number_in_an_hour_and_loses_no_words(
    writer: Client, client_for: ClientFor, admin: User, settings: Settings
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "ANNOUNCEMENT_RATE": "2/h"}
    fresh = iter(range(100))

    def _sends(client: Client, **changes: Any) -> Any:
        return client.post(ADD, filled_in(once=f"6f1c1b57-6d6f-4d41-8a3c-{next(fresh):012d}", **changes))

    with time_machine.travel(NOON, tick=False) as clock:
        # A form with an error, a draft and an edit count for nothing.
        assert errors_in(_sends(writer, title=""))
        for _ in range(3):
            assert _sends(writer, **translated("", "No title")).status_code == HTTPStatus.OK
        _sends(writer, _draft="1")
        assert [_sends(writer).status_code for _ in range(2)] == [302, 302]
        first = Announcement.objects.filter(is_draft=False).earliest("pk")
        assert writer.post(change(first), filled_in(title="Closed on Monday")).status_code == 302
        for changes in ({}, {"starts_at_0": "2026-12-24", "starts_at_1": "18:00:00"}):
            refused = _sends(writer, title="One more", **changes)
            assert "Save this one as a draft, or send it in 60 minutes." in str(errors_in(refused)["__all__"])
            assert refused.context["adminform"].form["title"].value() == "One more"
        assert _sends(writer, title="One more", _draft="1").status_code == 302
        draft = Announcement.objects.get(title="One more")
        assert "__all__" in errors_in(writer.post(change(draft), filled_in(title="One more", was="draft")))
        assert _sends(client_for(admin)).status_code == 302
        clock.shift(timedelta(hours=1))
        assert writer.post(change(draft), filled_in(title="One more", was="draft")).status_code == 302
        assert Announcement.objects.get(title="One more").announced_at


@both_databases
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_the_same_moment_announce_once(client_for: ClientFor, admin: User) -> None:
    clients = [client_for(admin), client_for(admin)]
    start = threading.Barrier(2)
    statuses: list[int] = []

    def click(client: Client) -> None:
        start.wait()
        try:
            statuses.append(client.post(ADD, filled_in()).status_code)
        finally:
            connections.close_all()

    clicks = [threading.Thread(target=click, args=[client]) for client in clients]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()

    assert statuses == [HTTPStatus.FOUND, HTTPStatus.FOUND]
    assert kinds_on("everyone") == ["announcement.created"]


def test_a_new_form_creates_another_announcement(writer: Client) -> None:
    first, second = (writer.get(ADD).context["adminform"].form["once"].value() for _ in range(2))

    assert first != second


def test_an_invalid_form_keeps_its_submission_id(writer: Client) -> None:
    answer = writer.post(ADD, filled_in(title=""))

    assert ONCE in answer.content.decode()
    assert not Announcement.objects.exists()


@both_databases
def test_a_planned_announcement_waits_for_its_start(writer: Client) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        answer = writer.post(ADD, filled_in(starts_at_0="2026-11-21", starts_at_1="12:00"))
        assert said(answer) == ["“Closed on Sunday” is planned and will be announced at its start time."]
        assert kinds_on("everyone") == []

        clock.shift(timedelta(days=1))
        sweep()
    assert kinds_on("everyone") == ["announcement.created"]


@both_databases
def test_translations_are_in_the_event_that_announces(writer: Client) -> None:
    writer.post(ADD, filled_in(**translated("周日闭馆", "**搬书架**")))

    [(_kind, item)] = log_of("everyone")
    assert item["translations"] == {"zh-hans": {"title": "周日闭馆", "body": "搬书架"}}


def test_the_sites_other_languages_are_offered(writer: Client, settings: Settings) -> None:
    page = writer.get(ADD).content.decode()
    assert '<option value="zh-hans">简体中文</option>' in page
    assert '<option value="en">' not in page

    settings.LANGUAGES = [("en", "English")]
    assert "translations-TOTAL_FORMS" not in writer.get(ADD).content.decode()


def test_a_repeated_language_is_rejected_with_a_message(writer: Client, settings: Settings) -> None:
    settings.LANGUAGES = [("en", "English"), ("zh-hans", "Chinese"), ("de", "German")]
    twice = translated("闭馆") | {key.replace("-0-", "-1-"): value for key, value in translated("又闭馆").items()}
    answer = writer.post(ADD, filled_in(**twice | {"translations-TOTAL_FORMS": "2"}))

    assert answer.status_code == HTTPStatus.OK
    assert not Announcement.objects.exists()


@both_databases
def test_audiences_are_offered_with_labels(writer: Client, alice: User, charlie: User) -> None:
    group = Group.objects.create(name="Readers")
    alice.groups.add(group)
    page = writer.get(ADD).content.decode()

    for words in ("Everyone", "Staff", "Readers", "People chosen by hand"):
        assert f">{words}</option>" in page


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"title": ""}, "title", "required"),
        ({"audience": "stuff"}, "audience", "not one of the available choices"),
        ({"url": "https://elsewhere.example/"}, "url", "another site, elsewhere.example"),
        ({"ends_at_0": "2001-01-01", "ends_at_1": "12:00"}, "ends_at", "in the future"),
        (
            {
                "starts_at_0": "2099-01-02",
                "starts_at_1": "12:00",
                "ends_at_0": "2099-01-01",
                "ends_at_1": "12:00",
            },
            "ends_at",
            "end after it starts",
        ),
        ({"body": "x" * 5001}, "body", "at most 5000 characters"),
    ],
)
def test_an_error_is_shown_at_its_field(writer: Client, wrong: dict[str, str], field: str, words: str) -> None:
    errors = errors_in(writer.post(ADD, filled_in(**wrong)))

    assert words in " ".join(errors[field])
    assert kinds_on("everyone") == []


# Permissions


@pytest.mark.parametrize(
    "rights",
    [(), ("add_announcement", "change_announcement", "delete_announcement", "view_announcement", "add_notification")],
)
def test_being_staff_is_not_enough(client_for: ClientFor, staff: Grant, rights: tuple[str, ...]) -> None:
    announcement = broadcast(title="Hello")
    client = client_for(staff(*rights))

    assert client.get(ADD).status_code == HTTPStatus.FORBIDDEN
    assert client.post(ADD, filled_in()).status_code == HTTPStatus.FORBIDDEN
    assert client.post(f"{LIST}preview/", filled_in()).status_code == HTTPStatus.FORBIDDEN
    assert client.post(change(announcement), filled_in()).status_code == HTTPStatus.FORBIDDEN
    assert client.post(withdrawal(announcement)).status_code == HTTPStatus.FORBIDDEN
    assert client.post(f"{LIST}{announcement.pk}/delete/", {"post": "yes"}).status_code == HTTPStatus.FORBIDDEN
    client.post(LIST, {"action": "withdraw_selected", "_selected_action": [announcement.pk]})
    assert kinds_on("everyone") == ["announcement.created"]


def test_a_viewer_sees_text_and_no_form(client_for: ClientFor, staff: Grant) -> None:
    announcement = broadcast(title="Hello", body="**Bold** words")
    page = client_for(staff("view_announcement")).get(change(announcement))

    assert page.status_code == HTTPStatus.OK
    assert 'name="title"' not in page.content.decode()
    assert "<strong>Bold</strong> words" in page.content.decode()


@pytest.mark.parametrize("path", [LIST, ADD, f"{LIST}preview/"])
def test_charlie_is_asked_to_sign_in(client_for: ClientFor, charlie: User, path: str) -> None:
    answer = client_for(charlie).post(path, filled_in())

    assert answer.status_code == HTTPStatus.FOUND
    assert "/admin/login/" in answer["Location"]
    assert not Announcement.objects.exists()


def in_languages(*codes: str) -> dict[str, str]:
    """Return form fields with the longest text in each of these languages."""
    form = {"translations-TOTAL_FORMS": str(len(codes))}
    for number, code in enumerate(codes):
        words = {"language": code, "title": "图" * 120, "body": "书" * 600}
        form |= {f"translations-{number}-{name}": text for name, text in words.items()}
    return form


def test_translations_too_large_for_one_event_are_rejected(writer: Client, settings: Settings) -> None:
    settings.LANGUAGES = global_settings.LANGUAGES
    codes = [code for code, _name in global_settings.LANGUAGES if code != "en"]

    answer = writer.post(ADD, filled_in(**in_languages(*codes)))
    assert answer.status_code == 200
    assert "All languages together are too long" in answer.content.decode()
    assert not Announcement.objects.exists()

    assert writer.post(ADD, filled_in(**in_languages(*codes[:20]))).status_code == 302
    assert kinds_on("everyone") == ["announcement.created"]


def test_an_edit_too_large_for_one_event_is_rejected(writer: Client, settings: Settings) -> None:
    settings.LANGUAGES = global_settings.LANGUAGES
    codes = [code for code, _name in global_settings.LANGUAGES if code != "en"]
    writer.post(ADD, filled_in())
    announcement = Announcement.objects.get()

    answer = writer.post(change(announcement), filled_in(**in_languages(*codes)))
    assert answer.status_code == 200
    assert "All languages together are too long" in answer.content.decode()
    assert kinds_on("everyone") == ["announcement.created"]
