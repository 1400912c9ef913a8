"""Admission of one and of many: equal answers, as many queries as for one, and isolated faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings as current_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user, get_user_model, login
from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from notifications_hub import audiences, streams
from notifications_hub.live import topics
from notifications_hub.live.admission import AdmissionRequest, Admitted, Refusal, admit_many
from notifications_hub.live.batching import Batcher
from notifications_hub.live.visitor import Credential
from notifications_hub.streams.cursor import Position
from tests.support.redis import RedisServer

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

OWN = "django.contrib.auth.backends.ModelBackend"
FOREIGN = f"{__name__}.Foreign"
STRICT = f"{__name__}.Strict"


class Foreign(BaseBackend):
    """A backend that finds people in its own way."""

    def get_user(self, user_id: Any) -> Any:
        return get_user_model().objects.filter(pk=user_id).first()


class Strict(ModelBackend):
    def user_can_authenticate(self, user: Any) -> bool:
        return user is not None and user.username != "charlie"


@pytest.fixture(autouse=True)
def _backends(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [OWN, FOREIGN, STRICT]


def sign_in(person: User, backend: str = OWN) -> Any:
    """Return a session as Django makes it."""
    request = HttpRequest()
    request.session = import_module(current_settings.SESSION_ENGINE).SessionStore()
    login(request, person, backend=backend)
    request.session.save()
    return request.session


def changed(session: Any, **values: object) -> str:
    session.update(values)
    session.save()
    return str(session.session_key)


def sessions_of(person: Callable[..., User]) -> dict[str, tuple[str, str]]:
    """Return every case: its session key, and the username it belongs to, or an empty string."""
    signed_out, expired, cycled = sign_in(person("out")), sign_in(person("late")), sign_in(person("cycled"))
    old_key = cycled.session_key
    signed_out.flush()
    expired.set_expiry(timezone.now() - timedelta(seconds=1))
    expired.save()
    cycled.cycle_key()
    renamed, gone = sign_in(person("renamed")), sign_in(person("gone"))
    password = person("password")
    before = sign_in(password)
    password.set_password("another")
    password.save()
    get_user_model().objects.get(username="gone").delete()
    asleep = sign_in(person("asleep"))
    get_user_model().objects.filter(username="asleep").update(is_active=False)
    asleep_elsewhere = sign_in(person("asleep2"), FOREIGN)
    get_user_model().objects.filter(username="asleep2").update(is_active=False)
    stranger = sign_in(person("stranger"))
    return {
        "signed in": (sign_in(person("alice")).session_key, "alice"),
        "no cookie": ("", ""),
        "an unknown key": ("0" * 32, ""),
        "an invalid key": ("'; --", ""),
        "signed out": (signed_out.session_key or "x" * 32, ""),
        "expired": (expired.session_key, ""),
        "the key before it was cycled": (old_key, ""),
        "the key after it was cycled": (cycled.session_key, "cycled"),
        "another password": (before.session_key, ""),
        "inactive": (asleep.session_key, ""),
        "gone": (gone.session_key, ""),
        "another backend": (sign_in(person("bob"), FOREIGN).session_key, "bob"),
        "inactive, but allowed by another backend": (asleep_elsewhere.session_key, "asleep2"),
        "a backend that refuses": (sign_in(person("charlie"), STRICT).session_key, ""),
        "a backend that is not in use": (changed(stranger, **{BACKEND_SESSION_KEY: "no.such.Backend"}), ""),
        "no person": (changed(sign_in(person("nobody")), **{SESSION_KEY: "nobody"}), ""),
        "another hash": (changed(renamed, **{HASH_SESSION_KEY: "0"}), ""),
        "anonymous": (changed(import_module(current_settings.SESSION_ENGINE).SessionStore(), seen=1), ""),
    }


@pytest.fixture
def person(db: None) -> Callable[[str], User]:
    return lambda name: get_user_model().objects.create_user(name, password="three-red-lamps")


@pytest.fixture(params=["db", "cached_db", "cache"])
def engine(request: pytest.FixtureRequest, settings: Any, redis_server: RedisServer) -> str:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}
    }
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{request.param}"
    return str(request.param)


def whose(answer: Admitted | Exception) -> str:
    if isinstance(answer, Refusal):
        assert answer.closing.code == 4401
        return ""
    assert isinstance(answer, Admitted)
    assert answer.visitor.seconds_left > 1000
    return str(answer.visitor.person.username)


def known_to_django(session_key: str) -> str:
    request = HttpRequest()
    request.session = import_module(current_settings.SESSION_ENGINE).SessionStore(session_key)
    return str(get_user(request).username)


def test_a_batch_gets_the_same_answers_as_single_requests_and_as_django(
    engine: str, person: Callable[[str], User]
) -> None:
    cases = sessions_of(person)
    together = admit_many([AdmissionRequest(Credential(key), ("inbox",)) for key, _whose in cases.values()])
    for (case, (key, expected)), answer in zip(cases.items(), together, strict=True):
        [alone] = admit_many([AdmissionRequest(Credential(key), ("inbox",))])
        assert (whose(answer), whose(alone)) == (expected, expected), case
        if case != "no person":  # which Django does not answer
            assert known_to_django(key) == expected, case


def test_two_sessions_of_a_person_and_one_session_twice_are_all_admitted(alice: User) -> None:
    one, other = sign_in(alice), sign_in(alice)
    asked = [
        AdmissionRequest(Credential(key), ("inbox",)) for key in (one.session_key, other.session_key, one.session_key)
    ]
    assert list(map(whose, admit_many(asked))) == ["alice"] * 3


def test_a_crowd_costs_as_many_queries_as_one_visitor(person: Callable[[str], User], settings: Any) -> None:
    settings.NOTIFICATIONS_HUB = {"AUDIENCES": {"early": f"{__name__}.early"}}
    sessions = [sign_in(person(f"person{number}")) for number in range(30)]
    group = Group.objects.create(name="readers")
    group.user_set.set(get_user_model().objects.filter(username__in=["person3", "person4"]))
    asked = [AdmissionRequest(Credential(session.session_key), ("inbox", "everyone")) for session in sessions]
    caches["default"].clear()
    with CaptureQueriesContext(connection) as queries:
        answers = admit_many(asked)
    tables = [query["sql"].split('FROM "')[1].split('"')[0] for query in queries if 'FROM "' in query["sql"]]
    assert tables.count("django_session") == tables.count("accounts_user_groups") == 1
    assert tables.count("accounts_user") == 2  # the people, and the members of the named audience
    admitted = {answer.visitor.person.username: answer.topics for answer in answers if isinstance(answer, Admitted)}
    assert len(admitted) == 30
    assert admitted["person3"][1:] == ["everyone", f"group.{group.pk}", "audience.early"]
    assert admitted["person4"][1:] == ["everyone", f"group.{group.pk}"]
    assert admitted["person1"][1:] == ["everyone", "audience.early"]


def early() -> Any:
    return get_user_model().objects.filter(username__in=["person1", "person3"])


def test_a_faulty_rule_fails_only_the_request_that_uses_it(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))

    @topics.topic("odd.<int:pk>")
    def odd(user: Any, pk: int) -> bool:
        raise OperationalError("canceling statement due to statement timeout")

    asked = [
        AdmissionRequest(Credential(sign_in(alice).session_key), ("odd.1",)),
        AdmissionRequest(Credential(sign_in(bob).session_key), ("inbox",)),
    ]
    fault, fine = admit_many(asked)
    assert isinstance(fault, OperationalError)
    assert whose(fine) == "bob"


def test_audiences_are_known_while_the_cache_is_unreachable(
    alice: User, settings: Any, redis_server: RedisServer
) -> None:
    settings.NOTIFICATIONS_HUB = {"AUDIENCES": {"named": f"{__name__}.named"}}
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": redis_server.url}
    }
    redis_server.stop()
    assert audiences.topics_of(alice) == ["everyone", "audience.named"]


def named() -> Any:
    return get_user_model().objects.filter(username="alice")


@pytest.mark.django_db(transaction=True)
def test_readers_in_one_batch_each_read_from_their_own_position() -> None:
    for number in range(3):
        streams.append("post.9", "note", {"n": number})
        streams.append("post.10", "note", {"n": number})
    [[now]] = streams.read_many([{"post.9": None}])
    epoch = now.position.epoch
    with CaptureQueriesContext(connection) as queries:
        first, second, third, none = streams.read_many(
            [
                {"post.9": Position(epoch, 1, 1), "post.10": Position("", 0, 0)},
                {"post.9": Position(epoch, 0, 2)},
                {"post.9": Position("ffffffff", 0, 1)},
                {},
            ]
        )
    assert len(queries) == 1
    assert [[event.seq for event in reading.events] for reading in first] == [[2, 3], [1, 2, 3]]
    assert [reading.position.start for reading in first] == [1, 0]
    assert [event.seq for event in second[0].events] == [3]
    assert (third[0].reset, none) == (True, [])


# Batcher


class Asking:
    """Requests that are batched and counted. A request of 0 fails alone; one of -1 fails its whole batch."""

    def __init__(self) -> None:
        self.batches: list[Sequence[int]] = []
        self.asking: Batcher[int, int] = Batcher(self._run, self._many)

    async def _run(self, many: Callable[[Sequence[int]], Any], requests: Sequence[int]) -> Any:
        self.batches.append(requests)
        await asyncio.sleep(0.01)
        return many(requests)

    @staticmethod
    def _many(requests: Sequence[int]) -> list[int | Exception]:
        if -1 in requests:
            raise ValueError("all of it")
        return [2 * request if request else KeyError("its own") for request in requests]

    async def ask(self, *requests: int) -> list[object]:
        return [*await asyncio.gather(*(self.asking.ask(one) for one in requests), return_exceptions=True)]


@pytest.fixture
def asking() -> Asking:
    return Asking()


async def test_simultaneous_requests_form_a_batch_and_later_ones_the_next(asking: Asking) -> None:
    first = asyncio.create_task(asking.ask(1, 2, 3))
    await asyncio.sleep(0.005)
    later = await asyncio.gather(asking.ask(4), asking.ask(5))
    assert await first == [2, 4, 6]
    assert [*later] == [[8], [10]]
    assert asking.batches == [[1, 2, 3], [4, 5]]


async def test_a_fault_is_raised_only_in_its_own_caller(asking: Asking) -> None:
    one, fault, other = await asking.ask(1, 0, 2)
    assert (one, other) == (2, 4)
    assert isinstance(fault, KeyError)


async def test_the_requests_of_a_failed_batch_are_tried_one_by_one(asking: Asking) -> None:
    one, fault, other = await asking.ask(1, -1, 2)
    assert (one, other) == (2, 4)
    assert isinstance(fault, ValueError)


async def test_a_cancelled_caller_does_not_affect_the_others(asking: Asking) -> None:
    gone = asyncio.create_task(asking.asking.ask(1))
    staying = asyncio.create_task(asking.asking.ask(2))
    await asyncio.sleep(0.005)
    gone.cancel()
    assert await staying == 4
