"""Requests that our pages never make: each is answered, and none with a server error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import AsyncClient, Client

from accounts.models import User
from notifications_hub.live.session import check_many
from showcase.chat.models import Membership, Message, Room
from showcase.models import Post, Reply
from tests.support.deliveries import send

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]

STRANGE = ["9" * 50, "0" * 20 + "9" * 30, "1" * 5000, "a\0b", "\u202e", "x" * 100_000]
DEEP = "[" * 20_000 + "]" * 20_000


@pytest.fixture
def member(alice: User, bob: User) -> Client:
    """Alice, with a room that she owns, a post, a reply and a notification."""
    room = Room.objects.create(slug="lobby", name="Lobby", owner=alice)
    Membership.objects.create(room=room, person=alice)
    Message.objects.create(room=room, author=alice, body="Hello", client_id="c1")
    post = Post.objects.create(author=alice, title="Hello", body="Hello")
    Reply.objects.create(post=post, author=alice, body="Hello")
    send(bob, alice)
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    return client


def ids(value: str) -> str:
    return f"{value[:12]!r} of {len(value)}"


GETS = {
    "/": ["page"],
    "/notifications/": ["show", "before"],
    "/api/v1/notifications/": ["unread", "kind", "before"],
    "/showcase/chat/lobby/": ["before"],
    "/showcase/chat/lobby/messages/": ["before"],
    "/live/poll/": ["topic", "cursor", "person", "wait", "visible"],
    "/accounts/login/": ["next"],
    "/accounts/signup/": ["next"],
}
POSTS = {
    "/": ["title", "body"],
    "/posts/{post}/": ["body"],
    "/replies/{reply}/": ["action", "body"],
    "/notifications/mark/": ["action", "ids", "next"],
    "/notifications/preferences/": ["comment.reply:live"],
    "/notifications/preferences/forget-device/": ["id"],
    "/notifications/preferences/test-device/": ["id"],
    "/showcase/chat/": ["name"],
    "/showcase/chat/lobby/messages/": ["body", "client_id"],
    "/showcase/chat/lobby/read/": ["through"],
    "/showcase/chat/lobby/members/": ["username"],
    "/showcase/chat/lobby/members/remove/": ["person"],
    "/showcase/chat/lobby/here/": ["typing"],
    "/showcase/connections/send/": ["n", "run"],
    "/showcase/report/": ["how"],
    "/live/ack/": ["cursor", "person"],
    "/accounts/profile/": ["first_name", "last_name", "email", "language", "time_zone"],
    "/accounts/language/": ["language", "next"],
}


TEXTS = {
    *("show", "kind", "topic", "cursor", "next", "title", "body", "action", "comment.reply:live", "name", "client_id"),
    *("username", "typing", "how", "first_name", "last_name", "email", "language", "time_zone", "password"),
}
"""Fields that are no numbers. PostgreSQL is stricter with them: it rejects a NUL and a text that is too long."""
ON_POSTGRESQL = pytest.mark.both_databases(short="postgresql")
ON_SQLITE = pytest.mark.both_databases(short="sqlite")


def fields_of(table: dict[str, list[str]]) -> list[ParameterSet]:
    return [
        pytest.param(path, field, marks=[ON_POSTGRESQL] if field in TEXTS else [])
        for path, fields in table.items()
        for field in fields
    ]


@pytest.mark.parametrize(("path", "field"), fields_of(GETS))
def test_any_query_value_is_answered(member: Client, path: str, field: str) -> None:
    statuses = {ids(value): member.get(path, {field: value}).status_code for value in STRANGE}
    assert [one for one, status in statuses.items() if status >= 500] == []


@pytest.mark.parametrize(("path", "field"), fields_of(POSTS))
def test_any_form_value_is_answered(member: Client, path: str, field: str) -> None:
    form = {"client_id": "c2", "body": "Hi", "title": "Hi", "name": "Hi", "language": "en", "time_zone": "UTC"}
    path = path.format(post=Post.objects.get().pk, reply=Reply.objects.get().pk)
    statuses = {ids(value): member.post(path, {**form, field: value}).status_code for value in STRANGE}
    assert [one for one, status in statuses.items() if status >= 500] == []


@pytest.mark.parametrize(
    "path",
    ["/posts/{}/", "/replies/{}/", "/notifications/{}/why/", "/showcase/chat/{}/", "/api/v1/push/subscriptions/{}/"],
)
def test_any_number_or_text_in_a_path_is_answered(member: Client, path: str) -> None:
    values = ["9" * 50, "0" * 20 + "9" * 30, "1" * 5000, "%00", "a%00b", "%ed%a0%80"]
    assert all(member.get(path.format(value)).status_code < 500 for value in values)


@pytest.mark.parametrize(
    ("path", "field"),
    fields_of({"/accounts/login/": ["username", "password"], "/accounts/signup/": ["username", "email", "time_zone"]}),
)
def test_any_form_value_of_an_anonymous_visitor_is_answered(db: None, path: str, field: str) -> None:
    client = Client(raise_request_exception=False)
    form = {"username": "eve", "password": "x", "password1": "Long-enough-1", "password2": "Long-enough-1"}
    assert all(client.post(path, {**form, field: value}).status_code < 500 for value in STRANGE)


API = [
    "notifications/read/",
    "notifications/unread/",
    "notifications/seen/",
    "notifications/archive/",
    "push/subscriptions/",
    "push/renew/",
    "push/act/",
]


BODIES: dict[str, str | bytes] = {
    "deep": DEEP,
    "deep ids": '{"ids": ' + DEEP + "}",
    "deep object": '{"a":' * 5000 + "1" + "}" * 5000,
    "number": "9" * 50_000,
    "number id": '{"ids": [' + "9" * 5000 + "]}",
    "ids": '{"ids": ["' + "9" * 50 + '", "a\\u0000"]}',
    "token": '{"token": "a\\u0000b\\ud800", "action": "read", "subscription": {"endpoint": "\\u0000", "keys": {}}}',
    "subscription": json.dumps({"endpoint": "https://fcm.googleapis.com/\0", "keys": {"p256dh": "\0", "auth": "\0"}}),
    "no utf-8": "\udcff".encode("utf-8", "surrogatepass"),
}


@pytest.mark.parametrize("path", [f"/api/v1/{path}" for path in API] + ["/live/ack/"])
def test_any_json_is_answered(member: Client, path: str) -> None:
    answers = {name: member.post(path, body, content_type="application/json") for name, body in BODIES.items()}
    assert [name for name, answer in answers.items() if answer.status_code >= 500] == []


ADMIN = ["notification", "delivery", "pushsubscription", "stream", "job", "announcement"]


@pytest.mark.parametrize("model", ADMIN)
def test_any_query_value_of_the_admin_lists_is_answered(admin: User, model: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(admin)
    fields = ["q", "p", "o", "kind", "delivered_by", "transport", "state", "state__exact", "level", "unread__exact"]
    path = f"/admin/notifications_hub/{model}/"
    broken = [
        (field, ids(value))
        for field in fields
        for value in ("9" * 50, "a\0b")
        if client.get(path, {field: value}).status_code >= 500
    ]
    assert broken == []
    assert all(client.get(f"{path}{value}/change/").status_code < 500 for value in ("9" * 50, "1" * 5000, "%00"))


# Cookies


QUOTED_NUL = '"a\\000bcdefgh"'
"""A NUL as a cookie may contain it: quoted, in octal."""


# The database is asked only for a session.
OTHER_COOKIES = ["csrftoken", "messages", "django_language", "other"]


@pytest.mark.parametrize(
    "name", [settings.SESSION_COOKIE_NAME, *(pytest.param(name, marks=ON_SQLITE) for name in OTHER_COOKIES)]
)
@pytest.mark.parametrize(
    "path", ["/", "/accounts/login/", "/api/v1/notifications/", "/live/poll/?wait=0", "/admin/login/"]
)
def test_a_cookie_with_a_nul_is_ignored(db: None, name: str, path: str) -> None:
    client = Client(raise_request_exception=False)
    plain = client.get(path).status_code
    assert client.get(path, headers={"Cookie": f"{name}={QUOTED_NUL}"}).status_code == plain < 500


async def test_a_cookie_with_a_nul_is_ignored_under_asgi(db: None) -> None:
    client = AsyncClient(raise_request_exception=False)
    answer = await client.get("/", headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={QUOTED_NUL}"})
    assert answer.status_code == 200


def test_an_invalid_session_key_does_not_affect_other_sessions(alice: User) -> None:
    client = Client()
    client.force_login(alice)
    key = client.session.session_key or ""
    bad, good, long = check_many(["a\0b", key, "x" * 100_000])
    assert (bad, long) == (None, None)
    assert good is not None
    assert good.person == alice
