"""Connection tokens over the HTTP API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from notifications_hub.live.connection_token import check_many

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

TOKENS = "/api/v1/connection-tokens/"


@pytest.fixture
def of_alice(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def issue(client: Client, **wanted: Any) -> Any:
    return client.post(TOKENS, wanted, content_type="application/json")


def visitor_of(answer: Any) -> Any:
    [visitor] = check_many([answer.json()["token"]])
    return visitor


def test_a_token_is_for_the_signed_in_person_and_the_inbox_by_default(of_alice: Client, alice: User) -> None:
    answer = issue(of_alice)
    assert (answer.status_code, answer.json()["topics"]) == (201, ["inbox"])
    assert visitor_of(answer).person == alice
    assert "no-store" in answer["Cache-Control"]


def test_a_token_lasts_no_longer_than_its_session(of_alice: Client) -> None:
    session = of_alice.session
    session.set_expiry(120)
    session.save()
    ends = datetime.fromisoformat(issue(of_alice, topics=["post.9"], seconds=3600).json()["expires"])
    assert timedelta(seconds=100) < ends - timezone.now() <= timedelta(seconds=120)


def test_signing_out_ends_the_tokens_of_that_session_alone(of_alice: Client, alice: User) -> None:
    elsewhere = Client()
    elsewhere.force_login(alice)
    over, other = issue(of_alice), issue(elsewhere)
    of_alice.post("/accounts/logout/")
    assert visitor_of(over) is None
    assert visitor_of(other).person == alice


def test_signing_in_as_somebody_else_in_the_same_browser_ends_the_tokens(of_alice: Client, bob: User) -> None:
    over = issue(of_alice)
    form = {"username": bob.username, "password": "demo"}
    bob.set_password("demo")
    bob.save()
    assert of_alice.post("/accounts/login/", form).status_code == 302
    assert visitor_of(over) is None
    assert visitor_of(issue(of_alice)).person == bob


def test_only_the_person_of_a_token_revokes_it(of_alice: Client, bob: User) -> None:
    of_bob = Client()
    of_bob.force_login(bob)
    issued = issue(of_alice)
    path = f"{TOKENS}{issued.json()['id']}/"
    assert of_bob.delete(path).status_code == 204
    assert visitor_of(issued) is not None
    assert of_alice.delete(path).status_code == 204
    assert visitor_of(issued) is None


@pytest.mark.both_databases(short="sqlite")
@pytest.mark.parametrize(
    "wanted",
    [
        {"seconds": 0},
        {"seconds": 3601},
        {"seconds": "soon"},
        {"topics": []},
        {"topics": "inbox"},
        {"topics": [f"post.{n}" for n in range(33)]},
        {"topics": [f"post.{n}".ljust(200, "x") for n in range(32)]},
        {"person": 1},
    ],
    ids=lambda wanted: next(iter(wanted)),
)
def test_an_invalid_request_is_rejected(of_alice: Client, wanted: dict[str, object]) -> None:
    answer = issue(of_alice, **wanted)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


def test_a_token_needs_a_session_and_the_csrf_token(alice: User, of_alice: Client) -> None:
    assert issue(Client()).status_code == 401
    assert issue(Client(headers={"authorization": f"Bearer {issue(of_alice).json()['token']}"})).status_code == 401
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert issue(strict).status_code == 403
