"""Reasons are stored as a code with parameters, and put into words in the language of their reader."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.reasons import LONGEST_CODE, DeliveryReason, ReasonCode, reason_in_words
from notifications_hub.transports.web_push.subscriptions import PushSubscription

PARAMETERS: dict[str, str | int] = {
    "method": "live",
    "because": "push_answered",
    "host": "push.example",
    "seconds": "10",
    "error": "ZeroDivisionError",
    "text": "The line is busy.",
    "status": 503,
    "until": "2026-11-20 07:00",
    "number": 5,
}


def names_in(template: str) -> set[str]:
    return set(re.findall(r"%\((\w+)\)s", template))


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("code", ReasonCode)
def test_every_code_has_words_in_each_language(code: ReasonCode, language: str) -> None:
    with translation.override("en"):
        english = str(code.label)
    with translation.override(language):
        words = reason_in_words(code, PARAMETERS)
        template = str(code.label)
    assert words
    assert not {"?", "%"} & set(words)
    assert names_in(template) == names_in(english) <= set(PARAMETERS)
    if language != "en" and code != ReasonCode.TRANSPORT_SAID:
        assert template != english


def test_every_code_fits_its_columns() -> None:
    longest = max(map(len, ReasonCode.values))
    for field in (Delivery._meta.get_field("reason"), PushSubscription._meta.get_field("quarantine_reason")):
        assert longest <= LONGEST_CODE == field.max_length


def test_a_wrapped_reason_is_rendered_with_its_cause() -> None:
    refused = DeliveryReason.of(ReasonCode.PUSH_REFUSED, status=403)
    held_back = DeliveryReason.wrapped(ReasonCode.HELD_BACK, refused)
    assert str(held_back) == "Paused: The push service refused it with status 403."
    with translation.override("zh-hans"):
        assert str(held_back) == "已暂停：推送服务以状态码 403 拒绝了请求。"


def test_a_reason_around_a_reason_around_another_keeps_all_three() -> None:
    refused = DeliveryReason.of(ReasonCode.PUSH_REFUSED, status=403)
    gave_up = DeliveryReason.wrapped(ReasonCode.GAVE_UP, DeliveryReason.wrapped(ReasonCode.HELD_BACK, refused))
    assert reason_in_words(gave_up.code, gave_up.parameters) == (
        "Gave up: Paused: The push service refused it with status 403."
    )


def test_a_transports_own_words_are_kept_in_every_language() -> None:
    with translation.override("zh-hans"):
        assert str(DeliveryReason.from_transport("100% busy: %(x)s")) == "100% busy: %(x)s"


def test_a_transports_own_words_are_cleaned_and_cut() -> None:
    assert DeliveryReason.from_transport("\ud800\0" + "x" * 300).parameters == {"text": "?" + "x" * 254}


def test_a_stored_reason_that_is_incomplete_or_unknown_still_has_words() -> None:
    assert reason_in_words("push_answered", {}) == "The push service answered ?."
    assert reason_in_words("of_another_version", {}) == "of_another_version"
    assert reason_in_words("", {}) == ""
