"""What a hub looks at again: everybody each minute, at the price of one; and what was revoked, in its time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model, login
from django.contrib.sessions.models import Session
from django.db import connection as database_connection
from django.http import HttpRequest
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from notifications_hub import revoke
from notifications_hub.live.closing import RESTART, SESSION_OVER, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.database import Database
from notifications_hub.live.opening import Asked, admit_many, start
from notifications_hub.live.watch import Watch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]


class OneThread(Database):
    """Asks on one database connection, and counts what it is asked."""

    selects = 0

    async def __call__(self, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        return await sync_to_async(self._count)(function, *args, **kwargs)

    def _count(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        with CaptureQueriesContext(database_connection) as queries:
            answer = function(*args, **kwargs)
        self.selects += len([query for query in queries if query["sql"].startswith("SELECT")])
        return answer


@pytest.fixture
def database() -> Iterator[OneThread]:
    database = OneThread()
    yield database
    database.close()


class Room:
    """Connections of people who signed in, and how those ended that did."""

    def __init__(self, database: Database) -> None:
        self.connections: list[Connection] = []
        self.ended: dict[str, Closing] = {}
        self._database = database
        self.watch = Watch(database, lambda: self.connections)

    def enter(self, *people: User) -> None:
        for admitted in admit_many([Asked(_sign_in(person), ("inbox",)) for person in people]):
            self.connections.append(self._connection(cast("Any", admitted)))

    def _connection(self, admitted: Any) -> Connection:
        def close(closing: Closing) -> None:
            # The first reason stands, as with every kind of connection.
            self.ended.setdefault(admitted.visitor.person.username, closing)

        connection = Connection(admitted, log=cast("Any", None), send=cast("Any", None), close=close)
        connection.listen(*start(admitted.topics, None))
        return connection


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
    return [get_user_model().objects.create_user(f"person{number}") for number in range(count)]


async def test_three_hundred_connections_are_looked_at_in_a_handful_of_queries(
    room: Room, database: OneThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications_hub.live.watch.CHECK_SECONDS", 0.0)
    await sync_to_async(lambda: room.enter(*people(300)))()
    await sync_to_async(lambda: Session.objects.filter(session_key=room.connections[7].session_key).delete())()
    await room.watch.check_all()
    assert room.ended == {"person7": SESSION_OVER}
    # Sessions, people, their groups.
    assert database.selects == 3


async def test_whose_time_is_up_hears_that_the_session_is_over_or_is_renewed(
    room: Room, alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications_hub.live.watch.TIME_SECONDS", 0.0)
    await sync_to_async(room.enter)(alice, bob, charlie)
    over, prolonged, _running = room.connections
    over.expires_in = prolonged.expires_in = 0.0
    for connection in room.connections:
        room.watch.keep_time(connection)
    await sync_to_async(lambda: Session.objects.filter(session_key=over.session_key).delete())()
    await room.watch.end_due()
    assert room.ended == {"alice": SESSION_OVER, "bob": RESTART}


async def test_whoever_signed_in_again_after_a_revocation_stays_on_a_hub_that_is_new(
    room: Room, alice: User, bob: User
) -> None:
    await sync_to_async(revoke)(alice)
    await sync_to_async(room.enter)(alice, bob)
    await room.watch.heed()
    assert room.ended == {}
    # What comes after the first look counts at once.
    await sync_to_async(revoke)(bob)
    await room.watch.heed()
    assert room.ended == {"bob": SESSION_OVER}


async def test_a_session_that_was_over_before_a_new_hubs_first_look_is_ended(room: Room, alice: User) -> None:
    await sync_to_async(room.enter)(alice)
    await sync_to_async(revoke)(alice)
    await sync_to_async(lambda: Session.objects.all().delete())()
    await room.watch.heed()
    assert room.ended == {"alice": SESSION_OVER}
