"""The connections of this process, indexed by person and by session."""

from __future__ import annotations

from collections.abc import Sequence

from notifications_hub.live.connection import Connection
from notifications_hub.users import person_key

_Lists = dict[str, list[Connection]]


class Registry:
    """An index of connections. A person's key is their `person_key`; a session's keys are the hashes of its names."""

    def __init__(self) -> None:
        self._of_person: _Lists = {}
        self._of_session: _Lists = {}

    def add(self, connection: Connection) -> None:
        self._of_person.setdefault(person_key(connection.person_pk), []).append(connection)
        for session in connection.sessions:
            self._of_session.setdefault(session, []).append(connection)

    def remove(self, connection: Connection) -> None:
        _take_out(connection, self._of_person, person_key(connection.person_pk))
        for session in connection.sessions:
            _take_out(connection, self._of_session, session)

    def people(self) -> list[str]:
        return list(self._of_person)

    def of_person(self, key: str) -> Sequence[Connection]:
        """Return a person's connections, oldest first."""
        return self._of_person.get(key, ())

    def of_session(self, session: str) -> Sequence[Connection]:
        return self._of_session.get(session, ())

    def all(self) -> list[Connection]:
        return [connection for own in self._of_person.values() for connection in own]


def _take_out(connection: Connection, lists: _Lists, name: str) -> None:
    own = lists.get(name, [])
    if connection in own:
        own.remove(connection)
    if not own:
        lists.pop(name, None)
