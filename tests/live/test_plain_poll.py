"""The poll that does not wait and the acknowledgement, as plain views: they work under WSGI, for every visitor."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from notifications_hub import connection_token

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def poll(client: Client, *topics: str, address: str = "192.0.2.1", **query: str) -> int:
    answer = client.get("/live/poll/", {"topic": topics, **query}, REMOTE_ADDR=address)
    return int(answer.status_code)


def post_of(alice: User) -> str:
    return f"post.{alice.posts.create(title='Tea', body='Is ready').pk}"


def test_a_visitor_who_is_not_signed_in_polls_public_topics_only(alice: User) -> None:
    post = post_of(alice)
    stranger = Client()
    assert poll(stranger, post) == 200
    assert poll(stranger, post, "inbox") == poll(stranger, "room.lobby") == poll(stranger, "missing") == 401
    assert poll(stranger, "post.999999") == 403
    assert poll(stranger, post, person="0" * 16) == 401
    stranger.cookies["sessionid"] = "0" * 32
    assert poll(stranger, post) == 200


def test_an_address_polls_at_a_limited_rate_without_a_session(alice: User, settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"LIVE_ANONYMOUS_RATE": "2/d"}
    post, stranger, of_alice = post_of(alice), Client(), Client()
    of_alice.force_login(alice)
    assert [poll(stranger, post, address="192.0.2.2") for _ in range(3)] == [200, 200, 429]
    assert poll(stranger, post, address="192.0.2.3") == 200
    assert poll(of_alice, post, address="192.0.2.2") == 200
    assert poll(stranger, "inbox", address="192.0.2.2") == 401


def test_a_token_polls_and_acknowledges_without_a_session(alice: User) -> None:
    token = connection_token(alice, ["inbox"]).text
    in_header, in_query = Client(headers={"authorization": f"Bearer {token}"}), Client()
    assert poll(in_header, "inbox") == poll(in_query, "inbox", token=token) == 200
    assert poll(in_header, post_of(alice)) == 403
    assert poll(in_query, "inbox", token=token[:-1]) == 401
    cursor = in_header.get("/live/poll/").json()["cursor"]
    for client, address, status in (
        (in_header, "/live/ack/", 204),
        (in_query, f"/live/ack/?token={token}", 204),
        (in_query, "/live/ack/", 401),
    ):
        assert client.post(address, {"cursor": cursor}, content_type="application/json").status_code == status
