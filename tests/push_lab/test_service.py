"""Tests of the local push service: it would prove nothing if it accepted a wrong sender."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import requests
from py_vapid import Vapid02
from pywebpush import WebPusher

from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.push_lab.checks import encode
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService

Send = Callable[..., int]


@pytest.fixture
def private() -> str:
    return generate()


@pytest.fixture
def reader(push_service: LocalPushService, private: str) -> Reader:
    return push_service.subscribe(VapidKey(private).public)


def authorization(private: str, **claims: object) -> str:
    return str(Vapid02.from_raw(private.encode()).sign(claims)["Authorization"])


@pytest.fixture
def send(push_service: LocalPushService, reader: Reader, private: str) -> Send:
    """Send a push that is correct except for a test's changes, and return the status."""

    def send(body: bytes | None = None, claims: dict[str, object] | None = None, **headers: str | None) -> int:
        stated = {
            "aud": push_service.origin,
            "sub": "mailto:a@b.example",
            "exp": int(time.time()) + 60,
            **(claims or {}),
        }
        fields = {"TTL": "60", "Content-Encoding": "aes128gcm", "Authorization": authorization(private, **stated)}
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**fields, **changed}.items() if value is not None}
        data = WebPusher(reader.to_json()).encode(b"hello")["body"] if body is None else body
        return requests.post(reader.endpoint, data=data, headers=sent, timeout=30).status_code

    return send


def test_a_correct_push_is_accepted_and_only_the_browser_can_read_it(
    push_service: LocalPushService, reader: Reader, send: Send
) -> None:
    assert send(Urgency="high", Topic="t") == 201
    (message,) = push_service.messages.values()
    assert reader.read(message.body) == b"hello"
    assert (message.ttl, message.urgency, message.topic, message.state) == (60, "high", "t", "stored")


@pytest.mark.parametrize(
    "claims",
    [{"aud": "https://elsewhere.example"}, {"exp": 1}, {"exp": int(time.time()) + 3 * 86_400}],
)
def test_wrong_claims_are_refused_with_403(send: Send, claims: dict[str, object]) -> None:
    assert send(claims=claims) == 403


def test_a_signature_is_required_and_checked(push_service: LocalPushService, send: Send) -> None:
    claims = {"aud": push_service.origin, "sub": "mailto:a@b.example", "exp": int(time.time()) + 60}
    strangers = authorization(generate(), **claims)
    none = encode(b'{"alg":"none"}')
    unsigned = f"vapid t={none}.{strangers.split('.')[1]}.,k={strangers.split('k=')[1]}"
    assert send(Authorization=None) == 401
    assert send(Authorization="Bearer x") == 401
    assert send(Authorization="vapid nonsense") == 403
    assert send(Authorization=strangers) == 403
    assert send(Authorization=unsigned) == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"TTL": None},
        {"TTL": "soon"},
        {"TTL": "-1"},
        {"Urgency": "urgent"},
        {"Topic": "x" * 33},
        {"Topic": "a b"},
        {"Content_Encoding": "aesgcm"},
        {"Content_Encoding": None},
    ],
)
def test_wrong_headers_are_refused_with_400(send: Send, headers: dict[str, str | None]) -> None:
    assert send(**headers) == 400


def test_wrong_bodies_are_refused(reader: Reader, send: Send) -> None:
    pusher = WebPusher(reader.to_json())
    good = bytes(pusher.encode(b"x")["body"])
    assert send(good) == 201
    assert send(b"plain text") == 400
    assert send(good[:90]) == 400
    assert send(good[:22] + b"\0" * 64 + good[86:]) == 400
    assert send(bytes(pusher.encode(b"x" * 3993)["body"])) == 201
    assert send(bytes(pusher.encode(b"x" * 3994)["body"])) == 413


def test_gone_and_unknown_subscriptions_have_their_own_statuses(
    push_service: LocalPushService, reader: Reader, send: Send
) -> None:
    push_service.expire(reader.endpoint)
    assert send() == 410
    push_service.forget(reader.endpoint)
    assert send() == 404
