"""Requests of the connections page: the reader's own topic, and rate-limited events on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from notifications_hub.live.topics import may_listen
from notifications_hub.streams import Event
from notifications_hub.users import pseudonym_of
from showcase import connections

ClientFor = Callable[[User], Client]

PAGE = "/showcase/connections/"
SEND = f"{PAGE}send/"
ONE = {"n": "1", "run": "ab12"}


def test_the_page_has_the_readers_own_topic_and_a_cursor(client_for: ClientFor, alice: User) -> None:
    page = client_for(alice).get(PAGE)

    assert f'topic="lab.{alice.pk}"' in page.content.decode()
    assert 'cursor="1~' in page.content.decode()
    assert f'live="/live/?person={pseudonym_of(alice.pk)}"' in page.content.decode()
    assert "no-store" in page.headers["Cache-Control"]


def test_an_anonymous_visitor_is_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get(PAGE).headers["Location"] == f"/accounts/login/?next={PAGE}"
    assert client.post(SEND, ONE).status_code == 302
    assert not Event.objects.exists()


def test_only_the_sender_may_listen_to_their_events(client_for: ClientFor, alice: User, charlie: User) -> None:
    assert client_for(alice).post(SEND, ONE).status_code == 204

    event = Event.objects.get()
    assert (event.topic, event.data) == (f"lab.{alice.pk}", {"n": 1, "run": "ab12"})
    assert may_listen(alice, event.topic)
    assert not may_listen(charlie, event.topic)


@pytest.mark.parametrize("field", [{"n": "x"}, {"n": "-1"}, {"n": "1" * 10}, {"run": "<b>"}, {"run": ""}])
def test_an_invalid_event_is_rejected(client_for: ClientFor, alice: User, field: dict[str, str]) -> None:
    assert client_for(alice).post(SEND, ONE | field).status_code == 400
    assert not Event.objects.exists()


def test_a_flood_of_events_is_rate_limited(
    client_for: ClientFor, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "RATE", "2/100000s")
    client = client_for(alice)
    answers = [client.post(SEND, ONE) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [204, 204, 429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 100_000
    assert client_for(bob).post(SEND, ONE).status_code == 204
