"""The level of a notification in words, as every template includes it."""

from __future__ import annotations

import re

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override


def _level(level: str = "") -> str:
    return render_to_string("notifications_hub/_level.html", {"level": level} if level else {})


@pytest.mark.parametrize(("level", "word"), [("success", "Success:"), ("warning", "Warning:"), ("error", "Error:")])
def test_a_level_is_a_word_that_screen_readers_read(level: str, word: str) -> None:
    assert _level(level).strip() == f'<span class="nh-hidden">{word}</span>'


def test_the_level_info_needs_no_word() -> None:
    assert _level("info").strip() == ""


def test_a_script_finds_the_words_of_every_level_in_the_page_s_language() -> None:
    with override("zh-hans"):
        assert re.findall(r'data-(\w+)="(.+?)"', _level()) == [
            ("part", "level"),
            ("success", "成功："),
            ("warning", "警告："),
            ("error", "错误："),
        ]
