"""Emails as they go over the wire: what a parser finds in them, and what no mail program would understand."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import django
import pytest
from django.core.mail import EmailMultiAlternatives
from pytest_django import Settings

from notifications_hub.kinds import open_and_read
from notifications_hub.message import Message
from notifications_hub.transports.email.content import email_for
from notifications_hub.transports.email.recipients import Recipient
from notifications_hub.transports.email.wire_form import LONGEST_LINE, HubEmail, list_id
from tests.support.smtp import html_of, text_of

CJK = "小明回复了你的帖子《给植物浇水的一些经验以及关于夏天天气的讨论，还有很多很多其他的内容》"
LONG = "Quarterly report of the department for the coordination of international gardening projects was approved"
ARABIC = "رد بوب على منشورك «سقي النباتات»"


@pytest.fixture(autouse=True)
def _site(settings: Settings) -> None:
    site = {"SITE_URL": "https://hub.example", "EMAIL_FROM": "Hub <hub@hub.example>"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **site}


def wire_form(made: EmailMultiAlternatives) -> bytes:
    """Return the bytes that Django's own backend sends."""
    message: Any = made.message
    if django.VERSION >= (6, 0):
        return bytes(message(policy=email.policy.SMTP).as_bytes())
    return bytes(message().as_bytes(linesep="\r\n"))


def sent(title: str, body: str = "I agree.", language: str = "en") -> tuple[bytes, EmailMessage]:
    actions = tuple(open_and_read())
    given: dict[str, Any] = {"kind": "comment.reply", "url": "/posts/9/", "thread": "post.9", "actions": actions}
    message = Message(id="1", title=title, body=body, language=language, **given)
    raw = wire_form(email_for(message, Recipient(1, "alice@example.com"), optional=True))
    return raw, email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize(
    ("title", "language"), [("Bob replied", "en"), (LONG, "en"), (CJK, "zh-hans"), (ARABIC, "ar"), ("=?x", "en")]
)
def test_a_parser_finds_every_header_and_no_defect(title: str, language: str) -> None:
    raw, parsed = sent(title, body=f"{title}\n" * 30, language=language)
    assert [defect for part in parsed.walk() for defect in part.defects] == []
    assert parsed["Subject"] == title
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(len(line) <= LONGEST_LINE + 10 for line in head if not line.startswith(b"List-Unsubscribe:"))
    # Some programs take an empty first line for an empty header.
    assert not any(line.rstrip().endswith(b":") for line in head)
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    unsubscribe = str(parsed["List-Unsubscribe"])
    assert unsubscribe.startswith("<https://hub.example/notifications/unsubscribe/")
    assert f"List-Unsubscribe: {unsubscribe}".encode() in head
    assert b"<comment.reply.hub.example>" in raw
    assert str(parsed["List-Id"]).endswith(" <comment.reply.hub.example>")
    for name in ("Message-ID", "References", "In-Reply-To"):
        assert str(parsed[name]).endswith("@hub.example>")
    assert (parsed["Auto-Submitted"], parsed["MIME-Version"]) == ("auto-generated", "1.0")
    assert title in text_of(parsed).replace("\r\n", " ")
    assert html_of(parsed).startswith("<!DOCTYPE html>")


def test_the_text_is_as_wide_as_a_terminal() -> None:
    _raw, parsed = sent(LONG, body="They need it every other day, at least while it is this warm. " * 5)
    assert [line for line in text_of(parsed).splitlines() if len(line) > 72 and "://" not in line] == []


def test_a_body_without_a_space_is_encoded_in_short_lines() -> None:
    raw, parsed = sent("Bob replied", body="x" * 5000)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert "x" * 5000 in text_of(parsed)


@pytest.mark.parametrize("label", ["Other notifications", 'Foo, "bar" (x)', "对你的帖子和你参与的讨论的回复" * 3])
def test_a_list_id_keeps_its_identifier_readable(label: str) -> None:
    made = HubEmail("Hello", "Text", headers={"List-Id": list_id(label, "a.hub.example")})
    raw = wire_form(made)
    assert b" <a.hub.example>\r\n" in raw
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert label in str(parsed["List-Id"]).replace("\\", "")


def test_what_is_sent_again_has_the_same_bytes_except_the_date() -> None:
    made = [HubEmail("Hello", "Text", headers={"Message-ID": "<a@hub.example>", "Date": "now"}) for _ in range(2)]
    for one in made:
        one.attach_alternative("<p>Text</p>", "text/html")
    first, second = map(wire_form, made)
    assert first == second
