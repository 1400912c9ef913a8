from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone, translation

from showcase.templatetags.showcase import ago


@pytest.mark.parametrize(
    ("passed", "english", "chinese"),
    [
        (timedelta(seconds=5), "just now", "刚刚"),
        (timedelta(seconds=-5), "just now", "刚刚"),
        (timedelta(minutes=1), "1\xa0minute ago", "1\xa0分钟前"),
        (timedelta(hours=3, minutes=20), "3\xa0hours ago", "3\xa0小时前"),
    ],
)
def test_ago_uses_the_largest_unit(passed: timedelta, english: str, chinese: str) -> None:
    moment = timezone.now() - passed

    assert ago(moment) == english
    with translation.override("zh-hans"):
        assert ago(moment) == chinese
