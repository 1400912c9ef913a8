"""Clients without cookies: a connection token opens every kind of connection, for its person and its topics only.

test_token_claims.py and test_revocation.py have the queries, on both databases.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from tests.live.support import BRIEFLY, PROMPTLY, SECONDS, ends, person_id, poke, publish, revoke, run
from tests.support.live import EVERY, POLL, WEBSOCKET, Closed, LiveClient, RefusedHandshake, cookie_of, opened
from tests.support.processes import wait_until
from tests.support.site import Site, Visitor

IN_HEADER, IN_QUERY = "header", "query"


@dataclass(frozen=True)
class Token:
    text: str
    id: str


def issued(site: Site, username: str, *topics: str, seconds: float = 60) -> Token:
    """Issue a token by code."""
    named = f"{list(topics or ('inbox',))!r}, seconds={seconds!r}"
    text, token_id = site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications_hub import connection_token
        token = connection_token(get_user_model().objects.get(username={username!r}), {named})
        print(token.text, token.id)
    """).split()
    return Token(text, token_id)


@pytest.fixture(params=[IN_HEADER, IN_QUERY])
def where(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@dataclass(frozen=True)
class Connect:
    """Opens connections of one kind without cookies and without an origin, as a program does."""

    by: str
    site: Site

    def __call__(
        self, token: Token, *topics: str, where: str = IN_HEADER, cursor: str = "", cookie: str = "", **headers: str
    ) -> AbstractContextManager[LiveClient]:
        if where == IN_HEADER:
            headers["Authorization"] = f"Bearer {token.text}"
        named = token.text if where == IN_QUERY else ""
        return opened(self.by, self.site.url, cookie, topics=topics, cursor=cursor, token=named, headers=headers)


@pytest.fixture
def connect(by: str, site: Site) -> Connect:
    return Connect(by, site)


# What it opens


def test_a_client_with_a_token_receives_acknowledges_and_resumes(
    connect: Connect, site: Site, newcomer: str, where: str
) -> None:
    token = issued(site, newcomer)
    with connect(token, where=where) as client:
        client.frame()
        poke(site, newcomer)
        client.until("notification.created")
        client.send(ack=client.cursor, visible=True)
        wait_until(lambda: delivered_by(site, newcomer) == "live", what="the acknowledgement")
    poke(site, newcomer)
    with connect(issued(site, newcomer), where=where, cursor=client.cursor) as again:
        assert again.until("notification.created")
        assert again.reset == []


def delivered_by(site: Site, username: str) -> str:
    return site.python(
        f"print(person(username={username!r}).notifications.filter(announcement=None).earliest('pk').delivered_by)"
    ).strip()


def test_a_token_opens_only_its_own_topics(connect: Connect, site: Site, topic: str) -> None:
    token = issued(site, "charlie", topic)
    with connect(token, topic) as client:
        client.frame()
        publish(site, topic, 1)
        assert client.until("counted")
    for other in ("inbox", "everyone", f"{topic}b", "nonsense"):
        with connect(token, topic, other) as client:
            assert client.closing() == (4403, f"topic refused: {other}")


def test_a_topic_in_a_token_still_needs_the_right_to_it(connect: Connect, site: Site) -> None:
    with connect(issued(site, "charlie", "staff"), "staff") as client:
        assert client.closing() == (4403, "topic refused: staff")


def test_a_token_takes_the_place_of_a_cookie(connect: Connect, site: Site, newcomer: str, where: str) -> None:
    with connect(issued(site, newcomer), where=where, cookie=cookie_of(site, "alice")) as client:
        client.frame()
        poke(site, "alice")
        assert client.receives_nothing(BRIEFLY)
    invalid = Token(issued(site, newcomer).text[:-2] + "xx", "")
    with connect(invalid, where=where, cookie=cookie_of(site, "alice")) as client:
        assert client.closing()[0] == 4401


def test_a_bearer_token_of_another_system_is_left_alone(connect: Connect, site: Site) -> None:
    own_page = {"Origin": site.url} if connect.by == WEBSOCKET else {}
    with connect(Token("eyJhbGciOi", ""), cookie=cookie_of(site, "alice"), **own_page) as client:
        assert client.frame()


def test_a_token_does_not_fall_back_to_public_topics(connect: Connect, site: Site) -> None:
    with connect(Token("hub_invalid", ""), "post.1") as client:
        assert client.closing()[0] == 4401


def test_a_page_of_another_origin_may_not_connect_with_a_token(connect: Connect, site: Site, where: str) -> None:
    token = issued(site, "alice")
    foreign = {"Origin": "https://evil.example"}
    with pytest.raises((RefusedHandshake, Closed)) as refused, connect(token, where=where, **foreign) as client:
        client.frame()
    assert 403 in (getattr(refused.value, "status", 0), getattr(refused.value, "code", 0) - 4000)


def test_a_socket_changes_only_to_topics_of_its_token(site: Site, topic: str) -> None:
    with Connect(WEBSOCKET, site)(issued(site, "charlie", topic, f"{topic}b"), topic) as client:
        client.frame()
        client.send(topics=[topic, f"{topic}b"])
        while not (reset := client.frame()["reset"]):
            pass
        assert reset == [f"{topic}b"]
        client.send(topics=[topic, "inbox"])
        assert client.closing() == (4403, "topic refused: inbox")


def test_a_token_without_the_inbox_acknowledges_nothing(site: Site, topic: str) -> None:
    headers = {"Authorization": f"Bearer {issued(site, 'charlie', topic).text}"}
    with Connect(POLL, site)(issued(site, "charlie")) as client:
        body = {"cursor": client.frame()["cursor"], "visible": True}
    assert requests.post(f"{site.url}/live/ack/", json=body, headers=headers, timeout=30).status_code == 403


# What ends it


CHANGES = {
    "a changed password": "one.set_password('another'); one.save()",
    "deactivation": "one.is_active = False; one.save(update_fields=['is_active'])",
    "deletion": "one.delete()",
    "revoking the person": "revoke(one)",
    "revoking the token": "revoke(one, token={token!r})",
}
BY_ALL_KINDS = ("a changed password", "revoking the token")
"""The changes that bin/test tries with each kind of connection. The others go by WebSocket, in full by all kinds."""


def _case(by: str, name: str) -> Any:
    is_short = by == WEBSOCKET or name in BY_ALL_KINDS
    marks = [] if is_short else [pytest.mark.faults, pytest.mark.exhaustive]
    return pytest.param(by, CHANGES[name], id=f"{by}-{name}", marks=marks)


@pytest.mark.clocked
@pytest.mark.parametrize(("by", "change"), [_case(by, name) for by in EVERY for name in CHANGES])
def test_a_token_ends_within_two_seconds_and_for_good(connect: Connect, site: Site, newcomer: str, change: str) -> None:
    token = issued(site, newcomer)
    with connect(token) as client, connect(issued(site, "bob")) as bob:
        bob.frame()
        with ends(client, 4401, PROMPTLY):
            site.python(f"""
                from django.contrib.auth import get_user_model
                from notifications_hub import revoke
                one = get_user_model().objects.get(username={newcomer!r})
                {change.format(token=token.id)}
            """)
        poke(site, "bob")
        assert bob.until("notification.created")
    with connect(token) as again:
        assert again.closing()[0] == 4401
    assert client.events == []


def test_a_revoked_token_leaves_the_persons_other_tokens(connect: Connect, site: Site, newcomer: str) -> None:
    over, other = issued(site, newcomer), issued(site, newcomer)
    revoke(site, newcomer, token=over.id)
    revoke(site, "charlie", token=other.id)
    with connect(over) as client:
        assert client.closing()[0] == 4401
    with connect(other) as client:
        client.frame()
        poke(site, newcomer)
        assert client.until("notification.created")


def test_a_new_token_works_after_the_person_was_revoked(connect: Connect, site: Site, newcomer: str) -> None:
    with connect(issued(site, newcomer)) as earlier, ends(earlier, 4401):
        revoke(site, newcomer)
    with connect(issued(site, newcomer)) as client:
        assert client.frame()


def test_a_token_ends_when_it_expires(connect: Connect, site: Site) -> None:
    token = issued(site, "alice", seconds=3)
    with connect(token) as client, ends(client, 4401, 3 + SECONDS):
        pass
    with connect(token) as again:
        assert again.closing()[0] == 4401


def test_a_right_removed_behind_djangos_back_ends_a_token(site: Site, newcomer: str) -> None:
    token = issued(site, newcomer)
    run(site, "UPDATE accounts_user SET is_active = false WHERE id = %s", person_id(site, newcomer))
    with Connect(POLL, site)(token) as client:
        assert client.closing()[0] == 4401


# By the API


@pytest.fixture
def by_api(site: Site, visitor: Visitor) -> Token:
    answer = visitor.post("/api/v1/connection-tokens/", json={"topics": ["inbox"], "seconds": 600})
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store, private"
    return Token(answer.json()["token"], answer.json()["id"])


def test_a_token_of_the_api_ends_with_its_session(connect: Connect, visitor: Visitor, by_api: Token) -> None:
    with connect(by_api) as client, ends(client, 4401):
        visitor.post("/accounts/logout/")
    with connect(by_api) as again:
        assert again.closing()[0] == 4401


def test_a_token_of_the_api_is_revoked_by_its_id(connect: Connect, site: Site, visitor: Visitor, by_api: Token) -> None:
    path = f"/api/v1/connection-tokens/{by_api.id}/"
    with connect(by_api) as client:
        client.frame()
        stranger = site.visitor("charlie")
        assert stranger.delete(path).status_code == 204
        assert client.receives_nothing(BRIEFLY)
        assert visitor.delete(path).status_code == 204
        assert client.closing()[0] == 4401


def test_no_token_is_in_the_log(site: Site) -> None:
    token = issued(site, "alice")
    for by in (WEBSOCKET, "sse", "long-poll", POLL):
        with Connect(by, site)(token, where=IN_QUERY) as client:
            client.frame()
    with Connect(POLL, site)(Token(f"{token.text}x", ""), where=IN_QUERY) as client:
        client.closing()
    assert token.text not in site.log
    assert "token=" in site.log
