"""Re-validation of every connection each minute, in batches, and prompt handling of revocations."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.signals import user_logged_out
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.db import connection as database_connection
from django.http import HttpRequest
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import revoke
from notifications_hub.live import access_enforcement, revalidation, topics
from notifications_hub.live.access_enforcement import AccessEnforcer
from notifications_hub.live.admission import AdmissionRequest, Admitted, admit_many, identify_many, start_positions
from notifications_hub.live.close_codes import RESTART, SESSION_OVER, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.connection_registry import Registry
from notifications_hub.live.db_threads import Database
from notifications_hub.live.revocation import Unread
from notifications_hub.live.visitor import ANONYMOUS, Credential

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


class OneThread(Database):
    """A database that runs on one connection and counts its queries."""

    selects = 0
    is_away = False

    async def __call__(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        if self.is_away and function in (admit_many, identify_many):
            raise OperationalError("the database is away")
        return await sync_to_async(self._count)(function, *args, **kwargs)

    def _count(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        with CaptureQueriesContext(database_connection) as queries:
            answer = function(*args, **kwargs)
        self.selects += len([query for query in queries if query["sql"].lstrip("(").startswith("SELECT")])
        return answer


@pytest.fixture
def database() -> Iterator[OneThread]:
    database = OneThread()
    yield database
    database.close()


class Room:
    """Connections of signed-in people, and the close code of each that ended."""

    def __init__(self, database: Database) -> None:
        self.connections: list[Connection] = []
        self.ended: dict[str, Closing] = {}
        self._database = database
        self._registry = Registry()
        self.enforcer = AccessEnforcer(database, self._registry)

    async def enter(self, *people: User) -> None:
        for admitted in await self.admit(*people):
            self.join(admitted)

    async def admit(self, *people: User) -> list[Admitted]:
        """Sign people in and admit them, without a connection yet."""

        def admit() -> Any:
            return admit_many([AdmissionRequest(Credential(_sign_in(person)), ("inbox",)) for person in people])

        await self.enforcer.skip_earlier()
        return cast("list[Admitted]", await sync_to_async(admit)())

    def join(self, admitted: Admitted) -> None:
        connection = self._connection(admitted)
        self.connections.append(connection)
        self._registry.add(connection)
        self.enforcer.join(connection)

    def _connection(self, admitted: Admitted) -> Connection:
        def close(closing: Closing) -> None:
            # The first reason wins, as with every kind of connection.
            self.ended.setdefault(admitted.visitor.person.username, closing)

        connection = Connection(admitted, log=cast("Any", None), send=cast("Any", None), close=close, kind="sse")
        connection.listen(*start_positions(admitted.topics, None))
        return connection

    def leave(self, connection: Connection) -> None:
        self._registry.remove(connection)
        self.enforcer.leave(connection)


def _sign_in(person: User) -> str:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore()
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return str(request.session.session_key)


@pytest.fixture
def room(database: Database) -> Room:
    return Room(database)


def people(count: int) -> list[User]:
    """Store people at once. Nobody signs them in by a password, so they need none."""
    model = get_user_model()
    return model.objects.bulk_create(model(username=f"person{number}") for number in range(count))


async def test_three_hundred_connections_are_revalidated_in_slices_of_a_few_queries_each(
    room: Room, database: OneThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revalidation, "CHECK_SECONDS", 0.0)
    await room.enter(*await sync_to_async(people)(300))
    entering = database.selects
    await sync_to_async(
        lambda: Session.objects.filter(session_key=room.connections[7].credential.session_key).delete()
    )()
    for _ in range(revalidation.SLICES):
        before = database.selects
        await room.enforcer.revalidation.check_next()
        # Sessions, people, their groups.
        assert database.selects - before in (0, 3)
    assert room.ended == {"person7": SESSION_OVER}
    assert database.selects - entering == 3 * 300 / revalidation.FEW


@pytest.mark.parametrize("count", [2, 200])
async def test_reading_revocations_of_others_costs_one_query_however_many_people_are_here(
    room: Room, database: OneThread, charlie: User, count: int
) -> None:
    await room.enter(*await sync_to_async(people)(count))
    await room.enforcer.handle_revocations()
    for revoked in (0, 30):
        for _ in range(revoked):
            await sync_to_async(revoke)(charlie)
        before = database.selects
        await room.enforcer.handle_revocations()
        assert database.selects - before == 1
    assert room.ended == {}


@pytest.mark.clocked
async def test_every_connection_is_revalidated_within_the_promised_time(
    room: Room, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revalidation, "CHECK_SECONDS", 1.0)
    monkeypatch.setattr(revalidation, "FEW", 1)
    await room.enter(alice, bob)
    await sync_to_async(lambda: Session.objects.all().delete())()
    revalidating = asyncio.create_task(revalidate_forever(room))
    await asyncio.sleep(1)
    revalidating.cancel()
    assert room.ended == {"alice": SESSION_OVER, "bob": SESSION_OVER}


async def revalidate_forever(room: Room) -> None:
    while True:
        await room.enforcer.revalidation.check_next()


def slow(user: User, pk: int) -> bool:
    time.sleep(0.2)
    return True


async def test_rules_slower_than_the_promise_are_logged_once(
    room: Room, alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(revalidation, "CHECK_SECONDS", 0.05)
    monkeypatch.setattr(topics, "_rules", dict(topics._rules))
    topics.topic("slow.<int:pk>")(slow)
    await room.enter(alice)
    room.connections[0].names = ("slow.1",)
    room.connections[0].positions = {"slow.1": None}
    for _ in range(3 * revalidation.SLICES):
        await room.enforcer.revalidation.check_next()
    assert [record.levelname for record in caplog.records if "Make the topic rules" in record.message] == ["WARNING"]
    assert room.ended == {}


async def test_a_connection_that_changes_its_topics_during_revalidation_stays_open(room: Room, alice: User) -> None:
    await room.enter(alice)
    [connection] = room.connections
    asking = asyncio.create_task(room.enforcer._revalidate([connection]))
    await asyncio.sleep(0)
    connection.names, connection.positions = ("everyone",), {"everyone": None}
    await asking
    assert room.ended == {}


async def test_a_connection_that_has_left_is_not_revalidated(
    room: Room, alice: User, database: OneThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revalidation, "CHECK_SECONDS", 0.0)
    await room.enter(alice)
    room.leave(room.connections[0])
    entering = database.selects
    for _ in range(revalidation.SLICES):
        await room.enforcer.revalidation.check_next()
    assert database.selects == entering


async def test_an_expired_connection_is_closed_or_asked_to_reconnect(
    room: Room, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications_hub.live.access_enforcement.TIME_SECONDS", 0.0)
    await room.enter(alice, bob, charlie)
    over, prolonged, _running = room.connections
    over.due = prolonged.due = 0.0
    await sync_to_async(lambda: Session.objects.filter(session_key=over.credential.session_key).delete())()
    await room.enforcer.end_due()
    assert room.ended == {"alice": SESSION_OVER, "bob": RESTART}


async def test_a_person_who_signed_in_again_after_a_revocation_stays_connected_to_a_new_hub(
    room: Room, alice: User
) -> None:
    await sync_to_async(revoke)(alice)
    await room.enter(alice)
    await room.enforcer.handle_revocations()
    assert room.ended == {}


async def test_a_revocation_before_a_new_hubs_first_round_ends_the_connection(
    room: Room, alice: User, bob: User
) -> None:
    await room.enter(alice, bob)
    await sync_to_async(revoke)(alice)
    await room.enforcer.handle_revocations()
    assert room.ended == {"alice": SESSION_OVER}


async def test_an_admission_fails_with_the_first_read_and_the_next_one_reads_again(
    room: Room, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_self: Unread) -> None:
        raise OperationalError("the database is away")

    with monkeypatch.context() as away:
        away.setattr(Unread, "take", fail)
        with pytest.raises(OperationalError):
            await room.admit(alice)
    await room.enter(alice)
    await sync_to_async(revoke)(alice)
    await room.enforcer.handle_revocations()
    assert room.ended == {"alice": SESSION_OVER}


async def test_a_connection_admitted_before_a_revocation_and_joining_after_it_is_ended(
    room: Room, alice: User, bob: User
) -> None:
    in_between = await room.admit(alice)
    await sync_to_async(revoke)(alice)
    await room.enforcer.handle_revocations()
    for admitted in (*in_between, *await room.admit(alice, bob)):
        room.join(admitted)
    assert room.ended == {"alice": SESSION_OVER}
    assert len(room.connections) == 3


async def test_a_stranger_admitted_before_a_revoked_topic_and_joining_after_it_is_ended(
    room: Room, alice: User, bob: User
) -> None:
    posts = [await sync_to_async(alice.posts.create)(title="Tea", body="Is ready") for _ in range(2)]
    asked = [AdmissionRequest(ANONYMOUS, (f"post.{post.pk}",)) for post in posts]
    await room.enforcer.skip_earlier()
    strangers = [answer for answer in await sync_to_async(admit_many)(asked) if isinstance(answer, Admitted)]
    await sync_to_async(revoke)(AnonymousUser(), topic=f"post.{posts[0].pk}")
    await room.enforcer.handle_revocations()
    for admitted in strangers[::-1]:
        assert room.ended == {}
        room.join(admitted)
    assert [closing.code for closing in room.ended.values()] == [4403]


async def test_a_topic_that_is_revoked_while_it_is_added_ends_the_connection(room: Room, alice: User) -> None:
    await room.enter(alice)
    [added] = await room.admit(alice)
    await sync_to_async(revoke)(alice, topic="everyone")
    [connection] = room.connections
    connection.positions = {}
    await room.enforcer.handle_revocations()
    assert room.ended == {}
    connection.positions, connection.admitted_at = dict.fromkeys(["everyone"]), added.visitor.at
    room.enforcer.replay(connection)
    assert room.ended["alice"].code == 4403


@override_settings(AXES_ENABLED=False)  # this site's own view, which handles no sign-out without a request
async def test_a_renewal_makes_every_connection_of_a_person_reconnect(room: Room, alice: User, bob: User) -> None:
    await room.enter(alice, bob)
    await sync_to_async(user_logged_out.send)(sender=User, request=None, user=alice)
    await room.enforcer.handle_revocations()
    assert room.ended == {"alice": RESTART}


async def test_a_session_that_cannot_be_checked_is_checked_again(
    room: Room, alice: User, database: OneThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_enforcement, "_AGAIN_SECONDS", 0.0)
    await room.enter(alice)
    alice.set_password("another")
    await sync_to_async(alice.save)()
    rows = await database(room.enforcer._unread.take)
    monkeypatch.setattr(room.enforcer._unread, "take", lambda: rows)
    database.is_away = True
    await room.enforcer.handle_revocations()
    await room.enforcer.recheck()
    assert room.ended == {}
    database.is_away = False
    await room.enforcer.recheck()
    assert room.ended == {"alice": SESSION_OVER}
