"""Errors of an announcement: the form and `broadcast()` name them, nothing is sent and no word is lost."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.exceptions import ValidationError

from notifications_hub import broadcast
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.streams.models import Event
from tests.announcements.support import ADD, change, filled_in, translated

if TYPE_CHECKING:
    from django.test import Client

pytestmark = [pytest.mark.both_databases(short="postgresql"), pytest.mark.django_db]

MEGABYTE = "A long line of text. " * 50_000
NEXT_YEAR = datetime.now(UTC).year + 1


def times(name: str, day: str, hour: str = "12:00") -> dict[str, str]:
    return {f"{name}_0": day, f"{name}_1": hour}


def nothing_is_sent() -> bool:
    return not (Announcement.objects.exists() or Event.objects.exists() or Rollout.objects.exists())


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"title": ""}, "required"),
    ({"title": " \t "}, "required"),
    ({"title": "\u200b\u2060"}, "that people can see"),
    ({"title": "x" * 121}, "at most 120 characters (it has 121)"),
    ({"title": "A\x00B"}, "Null characters are not allowed"),
    ({"body": "A\x00B"}, "Null characters are not allowed"),
    ({"body": MEGABYTE}, "at most 5000 characters (it has"),
    ({"title": MEGABYTE}, "at most 120 characters (it has"),
    ({"url": "/" + MEGABYTE}, "at most 2000 characters"),
    (translated("Closed", MEGABYTE), "at most 5000 characters (it has"),
    (translated(""), "required"),
    ({"url": "javascript:alert(1)"}, "begins with / or https://"),
    ({"url": "data:text/html,x"}, "begins with / or https://"),
    ({"url": "http://other.example/"}, "begin with https://"),
    ({"url": "https://eve:secret@other.example/"}, "name and password"),
    ({"url": "//other.example/"}, "https:// before"),
    ({"url": "/\\other.example/"}, "backslash"),
    ({"url": "/a b/"}, "space"),
    ({"url": "other.example"}, "a path of this site"),
    ({"url": "https://"}, "not a complete address"),
    ({"url": "https://other.example/"}, "another site, other.example"),
    ({"level": "loud"}, "not one of the available choices"),
    ({"urgency": "now"}, "not one of the available choices"),
    ({"audience": "nobody"}, "not one of the available choices"),
    ({"audience": ""}, "required"),
    ({"methods": ["pigeon"]}, "not one of the available choices"),
    (times("starts_at", "tomorrow"), "valid date"),
    (times("starts_at", f"{NEXT_YEAR}-02-30"), "valid date"),
    (times("starts_at", f"{NEXT_YEAR}-02-03", ""), "valid time"),
    (times("starts_at", "", "12:00"), "valid date"),
    (times("starts_at", "0001-01-01"), "people live to see"),
    (times("starts_at", "9999-12-31", "23:59"), "people live to see"),
    (times("ends_at", "9999-12-31", "23:59"), "people live to see"),
    (times("ends_at", "2001-01-01"), "in the future"),
    (times("starts_at", f"{NEXT_YEAR}-01-02") | times("ends_at", f"{NEXT_YEAR}-01-01"), "end after it starts"),
    (times("starts_at", f"{NEXT_YEAR}-01-02") | times("ends_at", f"{NEXT_YEAR}-01-02"), "end after it starts"),
]


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(("wrong", "words"), WRONG, ids=range(len(WRONG)))
def test_the_form_says_what_is_wrong_and_keeps_every_word(writer: Client, wrong: dict[str, Any], words: str) -> None:
    form = filled_in(title="Closed on Sunday", body="We move the shelves.") | wrong
    began = time.monotonic()
    answer = writer.post(ADD, form)
    assert time.monotonic() - began < 5
    page = answer.content.decode()
    assert answer.status_code == 200
    assert words in page
    for name in {"title", "body", "url"} - wrong.keys():
        assert form[name] in page
    assert nothing_is_sent()


def test_a_change_says_so_too(writer: Client) -> None:
    announcement = broadcast(title="Closed on Sunday", body="All day")
    sent = Event.objects.count()
    for wrong in ({"title": ""}, {"body": MEGABYTE}, {"url": "javascript:alert(1)"}, times("ends_at", "2001-01-01")):
        answer = writer.post(change(announcement), filled_in(title="Open") | wrong)
        assert answer.status_code == 200
        assert "errorlist" in answer.content.decode()
    announcement.refresh_from_db()
    assert (announcement.title, announcement.body, Event.objects.count()) == ("Closed on Sunday", "All day", sent)


def test_a_browser_lets_a_text_in_that_is_too_long_so_that_the_form_can_say_so(writer: Client) -> None:
    page = writer.get(ADD).content.decode()
    assert 'maxlength="50000"' in page


NOW = datetime.now(UTC)


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"title": ""}, "blank"),
        ({"title": " "}, "people can see"),
        ({"title": None}, "null"),
        ({"title": "A\x00B"}, "cannot be stored"),
        ({"title": "x" * 121}, "at most 120 characters (it has 121)"),
        ({"title": MEGABYTE}, "at most 120 characters (it has"),
        ({"body": MEGABYTE}, "at most 5000 characters (it has"),
        ({"body": "**" * 500_000}, "at most 5000 characters (it has"),
        ({"body": "\ud800"}, "cannot be stored"),
        ({"url": "javascript:alert(1)"}, "begins with / or https://"),
        ({"url": "https://other.example/"}, "other_site=True"),
        ({"url": "http://other.example/", "other_site": True}, "begin with https://"),
        ({"url": "/" + MEGABYTE}, "too long"),
        ({"level": "loud"}, "not a valid choice"),
        ({"urgency": "now"}, "choose one of very-low"),
        ({"methods": ["pigeon"]}, "choose from live"),
        ({"starts_at": NOW + timedelta(days=2), "ends_at": NOW + timedelta(days=1)}, "end after it starts"),
        ({"starts_at": datetime(2030, 1, 1, 12)}, "with a time zone"),  # noqa: DTZ001 -- what is wrong
        ({"ends_at": datetime(2030, 1, 1, 12)}, "with a time zone"),  # noqa: DTZ001 -- what is wrong
        ({"starts_at": "tomorrow"}, "with a time zone"),
        ({"starts_at": datetime.max.replace(tzinfo=UTC)}, "people live to see"),
    ],
    ids=range(21),
)
def test_code_is_told_what_is_wrong(wrong: dict[str, Any], words: str) -> None:
    began = time.monotonic()
    with pytest.raises(ValidationError) as refused:
        broadcast(**{"title": "Closed on Sunday", **wrong})
    assert time.monotonic() - began < 5
    assert words in " ".join(refused.value.messages)
    assert nothing_is_sent()
