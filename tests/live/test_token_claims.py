"""Connection tokens in one process: what makes one invalid, and what checking many of them costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import login, logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.signing import Signer
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from notifications_hub import ConnectionToken, connection_token, revoke
from notifications_hub.live.admission import AdmissionRequest, Admitted, Refusal, admit_many
from notifications_hub.live.connection_token import MAX_LENGTH, check_many
from notifications_hub.live.revocation import LONGEST_TOKEN, Revocation, RevocationType, forget_old, write
from notifications_hub.live.visitor import Credential

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def is_valid(token: ConnectionToken | str) -> bool:
    [visitor] = check_many([str(token)])
    return visitor is not None


def test_a_token_names_its_person_and_topics_and_shows_itself_in_no_representation(alice: User) -> None:
    token = connection_token(alice, ["inbox", "post.9", "inbox"], seconds=60)
    [visitor] = check_many([token.text])
    assert visitor is not None
    assert visitor.person == alice
    assert visitor.topics == frozenset({"inbox", "post.9"})
    assert 50 < visitor.seconds_left <= 60
    assert token.expires - timezone.now() <= timedelta(seconds=60)
    assert token.text not in repr(token) + repr(visitor)


def test_a_forged_or_foreign_token_is_invalid(alice: User) -> None:
    text = connection_token(alice).text
    value, _dot, signature = text.rpartition(".")
    fields = Signer(sep=".", salt="notifications_hub.connection_token").unsign_object(text.removeprefix("hub_"))
    other = Signer(sep=".", salt="another purpose").sign_object(fields)
    for forged in (
        "",
        "hub_",
        "hub_.",
        "\0",
        f"{value}.{signature[:-1]}",
        f"{value[:-4]}AAAA.{signature}",
        text.removeprefix("hub_"),
        f"hub_{other}",
        text + "x" * MAX_LENGTH,
    ):
        assert not is_valid(forged), forged
    assert is_valid(text)


def test_a_token_of_another_release_is_invalid(alice: User) -> None:
    others: list[Any] = [{}, {"topics": ["inbox"]}, [], {"topics": None}]
    for fields in others:
        assert not is_valid("hub_" + Signer(sep=".", salt="notifications_hub.connection_token").sign_object(fields))


def test_a_token_survives_a_new_secret_key_while_the_old_one_is_a_fallback(alice: User, settings: Any) -> None:
    token = connection_token(alice)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another"
    assert not is_valid(token)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert is_valid(token)


def test_a_changed_password_ends_a_token(alice: User) -> None:
    token = connection_token(alice)
    alice.set_password("another")
    User.objects.filter(pk=alice.pk).update(password=alice.password)
    assert not is_valid(token)


def test_a_view_that_signs_somebody_in_returns_a_token_of_the_new_session(alice: User, bob: User, rf: Any) -> None:
    request = rf.post("/")
    SessionMiddleware(HttpResponse).process_request(request)
    for person in (alice, bob):
        login(request, person, backend="django.contrib.auth.backends.ModelBackend")
        token = connection_token(person, session=request.session)
        assert is_valid(token)
        request.session.save()
    logout(request)
    assert not is_valid(token)


def test_a_backend_that_refuses_the_person_ends_a_token(alice: User) -> None:
    token = connection_token(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not is_valid(token)


def test_a_revoked_persons_later_tokens_are_valid(alice: User, bob: User) -> None:
    before, of_bob = connection_token(alice), connection_token(bob)
    revoke(alice)
    assert not is_valid(before)
    assert is_valid(connection_token(alice))
    assert is_valid(of_bob)


def test_a_revocation_is_kept_until_no_token_can_be_older(alice: User) -> None:
    token = connection_token(alice, seconds=LONGEST_TOKEN)
    revoke(alice, token=token.id)
    write(RevocationType.CHECK, person="0")
    Revocation.objects.update(created=datetime.now(UTC) - timedelta(seconds=LONGEST_TOKEN))
    forget_old()
    assert not is_valid(token)


@pytest.mark.parametrize("seconds", [0, -1, LONGEST_TOKEN + 1, float("nan")])
def test_an_invalid_lifetime_is_rejected(alice: User, seconds: float) -> None:
    with pytest.raises(ValueError, match="lasts"):
        connection_token(alice, seconds=seconds)


@pytest.mark.parametrize(
    "topics", [[], [f"post.{n}" for n in range(33)], [f"post.{n}".ljust(200, "x") for n in range(32)]]
)
def test_topics_that_do_not_fit_a_token_are_rejected(alice: User, topics: list[str]) -> None:
    with pytest.raises(ValueError, match="topic"):
        connection_token(alice, topics)


def test_strangers_are_revoked_by_topic_only() -> None:
    with pytest.raises(ValueError, match="topic"):
        revoke(AnonymousUser())


# Costs


def admitted(*credentials: Credential, names: tuple[str, ...] = ("inbox",)) -> tuple[list[Any], list[str]]:
    """Return the answers to these requests, and the tables of the queries."""
    with CaptureQueriesContext(connection) as queries:
        answers = admit_many([AdmissionRequest(credential, names) for credential in credentials])
    return answers, [query["sql"].split('FROM "')[1].split('"')[0] for query in queries if 'FROM "' in query["sql"]]


def test_a_crowd_with_tokens_costs_as_many_queries_as_one(alice: User, bob: User) -> None:
    tokens = [Credential(token=connection_token(person).text) for person in (alice, bob) * 10]
    answers, tables = admitted(*tokens)
    assert all(isinstance(answer, Admitted) for answer in answers)
    assert sorted(tables) == ["accounts_user", "accounts_user_groups", "notifications_hub_revocation"]
    assert sorted(admitted(tokens[0])[1]) == sorted(tables)


def test_sessions_cost_no_query_for_tokens_and_strangers(alice: User) -> None:
    answers, tables = admitted(Credential("0" * 32))
    assert isinstance(answers[0], Refusal)
    assert tables == ["django_session"]


def test_a_crowd_of_strangers_asks_a_rule_once(alice: User) -> None:
    post = alice.posts.create(title="Tea", body="Is ready")
    answers, tables = admitted(*[Credential()] * 20, names=(f"post.{post.pk}",))
    assert all(isinstance(answer, Admitted) for answer in answers)
    assert tables == ["showcase_post"]
    assert admitted(*[Credential()] * 20)[1] == []


def test_revocations_of_tokens_are_found_by_their_indexes(alice: User) -> None:
    now = datetime.now(UTC)
    Revocation.objects.bulk_create(
        Revocation(what=what, person=person, session=session, created=now)
        for number in range(3000)
        for what, person, session in (("person", f"p{number}", ""), ("session", "", f"s{number}"))
    )
    with CaptureQueriesContext(connection) as queries:
        check_many([connection_token(alice).text])
    [sql] = [query["sql"] for query in queries if "revocation" in query["sql"]]
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_hub_revocation")
        cursor.execute(f"{explain} {sql}")
        plan = str(cursor.fetchall())
    assert "hub_revocation_session" in plan
    assert "hub_revocation_person" in plan
