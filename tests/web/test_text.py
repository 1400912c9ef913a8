"""Names that would reverse the words around them, and text without a visible character."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils import translation
from pytest_django import Settings

from accounts.forms import ProfileForm, SignUpForm
from accounts.models import User
from accounts.people import initial_of
from notifications_hub.delivery.worker import Worker
from notifications_hub.jobs.enqueue import BadJob
from notifications_hub.kinds import Kind, NotificationLike, get_kind
from notifications_hub.message import Message
from notifications_hub.rendering import render
from notifications_hub.transports.web_push.payload import encode
from notifications_hub.web.text import balanced, is_blank, isolated, storable, validate_visible
from showcase.chat.forms import MessageForm, RoomForm
from showcase.chat.models import Room
from showcase.forms import PostForm, ReplyForm
from showcase.models import Post
from tests.jobs import tasks
from tests.jobs.support import started
from tests.support.deliveries import memory, one_worker, send, send_due, use_memory
from tests.support.log import delivered_to

__all__ = ["one_worker"]

ClientFor = Callable[[User], Client]

RLO, FSI, PDI = "\u202e", "\u2068", "\u2069"
DANA = "דנה"
both_databases = pytest.mark.both_databases


def is_balanced(text: str) -> bool:
    """Return whether direction controls are balanced (UAX #9): each is closed inside, and none closes one outside."""
    waiting: list[str] = []
    for character in text:
        match unicodedata.bidirectional(character):
            case "RLO" | "LRO" | "RLE" | "LRE":
                waiting.append("PDF")
            case "FSI" | "RLI" | "LRI":
                waiting.append("PDI")
            case "PDF" | "PDI" as end:
                if not waiting or waiting.pop() != end:
                    return False
    return not waiting


# Names


@pytest.mark.parametrize("name", ["Bob", "Zoë", "王小明", "Bob 🙂", "O'Neil (Bob) #1"])
def test_a_harmless_name_is_unchanged(name: str) -> None:
    assert isolated(name) == name


def test_a_right_to_left_name_is_isolated() -> None:
    assert isolated(DANA) == f"{FSI}{DANA}{PDI}"
    assert isolated("علي 5") == f"{FSI}علي 5{PDI}"
    assert isolated(isolated(DANA)) == isolated(DANA)


@pytest.mark.parametrize("control", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_direction_controls_in_a_name_are_dropped(control: str) -> None:
    assert isolated(f"Bo{control}b") == "Bob"
    assert isolated(f"{control}{DANA}") == f"{FSI}{DANA}{PDI}"


def test_a_right_to_left_page_isolates_every_name() -> None:
    with translation.override("he"):
        assert isolated("Bob") == f"{FSI}Bob{PDI}"
        assert isolated("") == ""


@pytest.mark.parametrize(
    ("text", "even"),
    [
        ("plain", "plain"),
        (f"{RLO}abc", f"{RLO}abc\u202c"),
        (f"abc{PDI}", "abc"),
        ("abc\u202c", "abc"),
        (f"{FSI}a{RLO}b{PDI}c", f"{FSI}a{RLO}b{PDI}c"),
        (f"{FSI}{FSI}a", f"{FSI}{FSI}a{PDI}{PDI}"),
        (f"{FSI}a{PDI}{PDI}b", f"{FSI}a{PDI}b"),
    ],
)
def test_direction_controls_are_balanced_within_a_text(text: str, even: str) -> None:
    assert balanced(text) == even


class Replied(Kind):
    name = "tests.replied"

    def title(self, notification: NotificationLike) -> str:
        return f"{notification.actor_name} replied to “{notification.target_name}”"

    def body(self, notification: NotificationLike) -> str:
        return str(notification.data.get("words", ""))


def row_of(**columns: Any) -> Any:
    names = {"actor_name": "Bob", "target_name": "Hello", "action_object_name": ""}
    plain = {**names, "verb": "replied to", "description": None}
    return SimpleNamespace(**{**plain, "url": "", "level": "info", "data": {}, **columns})


KINDS = [Replied(), get_kind("default"), get_kind("comment.reply")]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_a_kind_gets_names_that_cannot_reverse_its_words(kind: Kind) -> None:
    row = row_of(actor_name=f"{RLO}boB", target_name=DANA)
    title = render(kind, row).title
    assert RLO not in title
    assert f"{FSI}{DANA}{PDI}" in title
    assert "replied to" in title
    assert row.actor_name == f"{RLO}boB"


def test_data_in_a_kinds_words_reverses_nothing_outside_them() -> None:
    body = render(Replied(), row_of(data={"words": f"{PDI}{RLO}abc"})).body
    assert body == f"{RLO}abc\u202c"


@pytest.fixture
def eve(bob: User) -> User:
    """Return a person whose name would reverse all text after it."""
    bob.first_name = f"{RLO}Eve"
    bob.save()
    return bob


@both_databases
def test_no_page_push_or_event_is_reversed_by_a_name(
    alice: User, eve: User, settings: Settings, client_for: ClientFor, one_worker: Worker
) -> None:
    use_memory(settings, ack_window=0)
    room = Room.objects.create(slug="lobby", name=f"{RLO}Lobby", is_open=True, owner=eve)
    room.members.add(alice, eve)
    post = Post.objects.create(author=eve, title=f"{RLO}Hello", body="Hi")
    send_due(eve, alice, target=post, kind="comment.reply")

    one_worker.run_due()
    [(message, _address)] = memory().outbox
    assert message.title == "Eve replied to “Hello”"
    assert RLO.encode() not in encode(message)
    assert [data["title"] for _kind, data in delivered_to(alice, "notification.created")] == ["Eve replied to “Hello”"]
    client = client_for(alice)
    for path in ("/", post.get_absolute_url(), "/notifications/", "/showcase/chat/", "/showcase/chat/lobby/"):
        assert RLO not in client.get(path).content.decode(), path


@both_databases
def test_a_flash_is_not_reversed_by_a_name(alice: User, eve: User, client_for: ClientFor) -> None:
    send(eve, alice, verb="wrote")
    page = client_for(alice).get("/").content.decode()
    assert "Eve wrote" in page
    assert RLO not in page


def test_an_initial_is_the_first_visible_character() -> None:
    assert [initial_of(User(username=name)) for name in ("alice", DANA, "\u200b")] == ["A", "ד", "?"]


def test_direction_controls_are_balanced_after_a_text_is_cut() -> None:
    row = row_of(actor_name=DANA * 100, target_name=DANA * 100)
    title = render(Replied(), row).title
    assert is_balanced(title)
    message = Message(id="1", kind="default", title=title, body=title)
    for limit in range(400, 900, 50):
        sealed = encode(message, limit).decode()
        assert is_balanced(sealed), sealed


# Invisible text


BLANK = [
    *("", " ", "\n\t", "\u00a0\u3000", "\u200b\u200d\u2060\ufeff", "\u202e\u2069", "\u00ad", "\u034f"),
    *("\u3164", "\u115f\u1160\uffa0", "\u2800", "\ufe0f", "\U000e0041"),
]


@pytest.mark.parametrize("text", BLANK, ids=repr)
def test_invisible_text_is_blank(text: str) -> None:
    assert is_blank(text)
    with pytest.raises(ValidationError, match="people can see"):
        validate_visible(text)


@pytest.mark.parametrize("text", ["a", ".", "🙂", "❤️", "👩\u200d💻", "é", "\u0301a", "王", DANA, "\u200b-"], ids=repr)
def test_visible_text_is_not_blank(text: str) -> None:
    assert not is_blank(text)
    validate_visible(text)


NOTHING = "\u200b\u3164\u2060"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        (lambda: PostForm({"title": NOTHING, "body": "Hi"}), "title"),
        (lambda: PostForm({"title": "Hi", "body": NOTHING}), "body"),
        (lambda: ReplyForm({"body": NOTHING}), "body"),
        (lambda: MessageForm({"body": NOTHING, "client_id": "c1"}), "body"),
        (lambda: RoomForm({"name": NOTHING}), "name"),
        (lambda: SignUpForm({"username": "\u3164"}), "username"),
    ],
)
@pytest.mark.django_db
def test_a_form_refuses_invisible_text(form: Callable[[], Any], field: str) -> None:
    assert field in form().errors


def test_a_profile_refuses_an_invisible_name(alice: User) -> None:
    form = ProfileForm({"first_name": NOTHING, "language": "en", "time_zone": "UTC"}, instance=alice)
    assert "first_name" in form.errors


def test_a_person_with_an_invisible_name_is_shown_by_username() -> None:
    assert str(User(username="bob", first_name=NOTHING)) == "bob"


def test_a_job_needs_a_visible_title(alice: User) -> None:
    with pytest.raises(BadJob, match="title"):
        started(alice, tasks.count, 1, title=NOTHING)


# Storable text


def test_storable_text_is_cut_and_repaired() -> None:
    assert storable("a\0b\ud800", 10) == "ab?"
    assert storable("x" * 300, 255) == "x" * 255
