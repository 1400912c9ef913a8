"""The preview shows how an unfinished announcement will look."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from notifications_hub import broadcast
from notifications_hub.announcements.models import Announcement
from tests.announcements.support import (
    ADD,
    LIST,
    filled_in,
    translated,
)

if TYPE_CHECKING:
    from django.test import Client

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_the_preview_shows_each_language_and_saves_nothing(writer: Client) -> None:
    page = writer.post(f"{LIST}preview/", filled_in(**translated("周日闭馆", "**搬书架**"))).content.decode()

    assert "We move the <strong>shelves</strong>." in page
    assert 'lang="zh-hans"' in page
    assert "<strong>搬书架</strong>" in page
    assert not Announcement.objects.exists()


def test_the_script_gets_a_fragment(writer: Client) -> None:
    page = writer.post(f"{LIST}preview/?piece", filled_in()).content.decode()

    assert "<html" not in page
    assert "Closed on Sunday" in page


@pytest.mark.parametrize("half_written", [{}, {"title": "x"}, {"level": "panic", "url": "javascript:alert(1)"}])
def test_a_half_written_form_can_be_previewed(writer: Client, half_written: dict[str, str]) -> None:
    page = writer.post(f"{LIST}preview/", half_written)

    assert page.status_code == HTTPStatus.OK
    assert "javascript:" not in page.content.decode()


def test_the_preview_runs_no_scripts_from_its_text(writer: Client) -> None:
    attack = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    page = writer.post(f"{LIST}preview/?piece", filled_in(title=attack, body=attack)).content.decode()

    assert "<script" not in page
    assert "<img" not in page


@pytest.mark.parametrize("path", [LIST, ADD, f"{LIST}preview/"])
def test_pages_keep_to_the_policy(writer: Client, path: str) -> None:
    broadcast(title="Hello")
    page = writer.get(path)

    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert " style=" not in page.content.decode()
    assert " onclick=" not in page.content.decode()
    assert "<style" not in page.content.decode()
