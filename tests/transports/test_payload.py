from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from notifications_hub.kinds import Action, Privacy, open_and_read
from notifications_hub.message import retraction_of
from notifications_hub.transports.web_push.payload import MAX_BYTES, encode
from tests.transports.sending import REPLY, reply

SAMPLE = Path(__file__).parents[1] / "payloads" / "push.json"
RETRACTION = SAMPLE.with_name("push-retraction.json")
BUTTONS = (*open_and_read(), Action(name="thread", title="All replies", url="/posts/9/replies/"))


def test_the_payload_equals_the_sample_of_the_service_workers_tests() -> None:
    payload = encode(reply(actions=BUTTONS), owner="0a1b2c3d4e5f6071", site="https://hub.example/")
    assert json.loads(payload) == json.loads(SAMPLE.read_text())


def test_a_retraction_equals_the_sample_and_carries_none_of_the_words() -> None:
    payload = encode(retraction_of(reply(actions=BUTTONS)), owner="0a1b2c3d4e5f6071", site="https://hub.example/")
    assert json.loads(payload) == json.loads(RETRACTION.read_text())


def test_the_site_url_setting_wins_over_the_registered_site(settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "SITE_URL": "https://hub.example"}
    notification = json.loads(encode(reply(), site="http://inside:8000/"))["notification"]
    assert notification["navigate"] == "https://hub.example/posts/9/"


def shown(**changes: object) -> dict[str, Any]:
    return dict(json.loads(encode(reply(actions=BUTTONS, **changes)))["notification"])


def test_a_private_kind_shows_only_its_title() -> None:
    notification = shown(privacy=Privacy.TITLE)
    assert (notification["title"], notification["body"]) == (REPLY.title, "")


def test_the_most_private_kind_shows_no_content() -> None:
    notification = shown(privacy=Privacy.NOTHING)
    assert (notification["title"], notification["body"]) == ("You have a new notification", "")
    assert [action["action"] for action in notification["actions"]] == ["read", "preferences", "open"]


OWN = [Action(name=name, title=name) for name in ("accept", "decline", "later")]


@pytest.mark.parametrize(
    ("own", "buttons"),
    [
        ([], ["preferences"]),
        (OWN[:1], ["accept", "preferences"]),
        (open_and_read(), ["read", "preferences", "open"]),
        (OWN, ["accept", "decline", "later", "preferences"]),
    ],
)
def test_a_button_leads_to_the_preferences_of_the_kind(own: list[Action], buttons: list[str]) -> None:
    notification = json.loads(encode(reply(actions=tuple(own)), site="https://hub.example/"))["notification"]
    assert [action["action"] for action in notification["actions"]] == buttons
    [link] = [action["navigate"] for action in notification["actions"] if action["action"] == "preferences"]
    assert link == "https://hub.example/notifications/preferences/?kind=comment.reply"


def test_a_button_of_the_kind_keeps_its_place() -> None:
    own = Action(name="preferences", title="Your plan", url="/plan/")
    notification = json.loads(encode(reply(actions=(own,))))["notification"]
    assert [action["title"] for action in notification["actions"]] == ["Your plan"]


def test_only_a_repeated_message_disturbs_again_in_the_place_of_the_earlier_one() -> None:
    assert (shown().get("renotify"), shown(repeat=1)["renotify"]) == (None, True)


def test_a_message_without_a_url_links_to_the_inbox() -> None:
    assert json.loads(encode(reply(url="")))["url"].startswith("/")


def test_a_message_that_fits_is_unchanged() -> None:
    fits = reply(body="x" * 3000)
    assert json.loads(encode(fits))["notification"]["body"] == fits.body


@pytest.mark.parametrize("character", ["x", "é", "我", "👋", '"', "\\", "\x00"])
def test_a_long_body_is_shortened_between_characters(character: str) -> None:
    payload = encode(reply(body=character * 10_000))
    assert MAX_BYTES - 20 <= len(payload) <= MAX_BYTES
    body = json.loads(payload)["notification"]["body"]
    assert set(body) <= {character, "…"}
    assert body.endswith("…")


def test_the_body_is_shortened_before_the_title() -> None:
    notification = json.loads(encode(reply(title="t" * 255, body="b" * 10_000)))["notification"]
    assert notification["title"] == "t" * 255
    assert len(notification["body"]) > 2000


@given(
    title=st.text(max_size=6000),
    body=st.text(max_size=6000),
    url=st.text(alphabet="ab/é", max_size=2000).map(lambda path: f"/{path}"),
)
def test_any_message_fits_and_none_is_refused(title: str, body: str, url: str) -> None:
    payload = encode(reply(title=title, body=body, url=url))
    assert len(payload) <= MAX_BYTES
    assert json.loads(payload)["token"] == REPLY.token
