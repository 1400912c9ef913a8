"""The rendered form of a notification, which every delivery method shares."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone as zones
from django.utils import translation
from pytest_django import Settings

from accounts.models import User
from notifications_hub.message import Item, Message, localized_for, timestamp

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_json_of_an_item_follows_the_contract() -> None:
    message = Message(
        id="12",
        kind="comment.reply",
        title="Bob replied to “Hello”",
        body="I agree.",
        url="/posts/9/",
        icon="reply",
        tag="n12",
    )
    item = Item(message=message, at=NOON, actor="Bob", target="Hello", data={"post": 9})
    assert item.as_json() == {
        "id": "12",
        "kind": "comment.reply",
        "title": "Bob replied to “Hello”",
        "body": "I agree.",
        "url": "/posts/9/",
        "level": "info",
        "icon": "reply",
        "tag": "n12",
        "actor": "Bob",
        "target": "Hello",
        "data": {"post": 9},
        "at": "2026-11-20T12:00:00.000000Z",
        "unread": True,
        "seen": False,
        "archived": False,
        "delivered": False,
        "toast": True,
    }


def test_only_items_with_translations_carry_them() -> None:
    message = Message(id="a5", kind="announcement", title="Closed")
    chinese = {"zh-hans": {"title": "关闭", "body": ""}}
    assert Item(message=message, at=NOON, translations=chinese).as_json()["translations"] == chinese
    assert Item(message=message, at=NOON, translations={}).as_json()["translations"] == {}
    assert "translations" not in Item(message=message, at=NOON).as_json()


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-11-20T12:00:00.000000Z"),
        (NOON + timedelta(microseconds=123456), "2026-11-20T12:00:00.123456Z"),
        (datetime(2026, 11, 20, 20, tzinfo=timezone(timedelta(hours=8))), "2026-11-20T12:00:00.000000Z"),
    ],
)
def test_times_are_written_in_utc_with_microseconds(moment: datetime, text: str) -> None:
    assert timestamp(moment) == text


def test_localized_for_activates_the_language_and_restores_the_old_one() -> None:
    with translation.override("en"):
        with localized_for(User(language="zh-hans")):
            assert translation.get_language() == "zh-hans"
        assert translation.get_language() == "en"


def test_localized_for_activates_the_time_zone_and_restores_the_old_one() -> None:
    with zones.override("America/New_York"):
        with localized_for(User(time_zone="Asia/Shanghai")):
            assert zones.localtime(NOON).isoformat() == "2026-11-20T20:00:00+08:00"
        assert zones.get_current_timezone_name() == "America/New_York"


@pytest.mark.parametrize(
    ("given", "used"),
    [
        (lambda person: "Asia/Tokyo", "Asia/Tokyo"),
        (lambda person: ZoneInfo("Asia/Tokyo"), "Asia/Tokyo"),
        (lambda person: "Middle/Earth", "Europe/Rome"),
        (lambda person: "../../etc/passwd", "Europe/Rome"),
        (lambda person: None, "Europe/Rome"),
        (lambda person: person.no_such_field, "Europe/Rome"),
    ],
    ids=["name", "zone", "unknown", "path", "nothing", "fault"],
)
def test_an_invalid_time_zone_falls_back_to_the_one_of_the_site(
    settings: Settings, given: Callable[[User], object], used: str
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TIMEZONE_OF": given}
    settings.TIME_ZONE = "Europe/Rome"
    with localized_for(User()):
        assert zones.get_current_timezone_name() == used


def test_people_without_a_language_get_the_one_of_the_site(settings: Settings) -> None:
    hub = {key: value for key, value in settings.NOTIFICATIONS_HUB.items() if key != "LANGUAGE_OF"}
    settings.NOTIFICATIONS_HUB = hub
    settings.LANGUAGE_CODE = "zh-hans"
    with localized_for(User(language="en")):
        assert translation.get_language() == "zh-hans"
