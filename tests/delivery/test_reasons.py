"""What is stored in English is said in the language of who reads it."""

from __future__ import annotations

import pytest
from django.utils import translation

from notifications_hub.delivery.reasons import in_words


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ("taken by the other side", "对方已接收"),
        ("delivered by live", "已通知（实时）"),
        ("read", "已读"),
        ("given up: The push service answered 503.", "放弃发送：推送服务返回 503"),
        ("Not tried: push.example is slow to answer.", "未尝试：push.example 响应缓慢"),
        ("ConnectionError: refused", "ConnectionError: refused"),
        ("", ""),
    ],
)
def test_a_reason_is_said_as_far_as_it_is_known(stored: str, said: str) -> None:
    with translation.override("zh-hans"):
        assert in_words(stored) == said
    assert in_words(stored) == {"read": "it was read"}.get(stored, stored)
