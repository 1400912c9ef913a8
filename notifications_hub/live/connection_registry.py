"""The connections of this process, indexed by owner and by session."""

from __future__ import annotations

from collections.abc import Sequence

from notifications_hub.live.connection import Connection

_Lists = dict[str, list[Connection]]


class Registry:
    """An index of connections, by `Visitor.owner` and by the hashed names of their sessions."""

    def __init__(self) -> None:
        self._of_owner: _Lists = {}
        self._of_session: _Lists = {}

    def add(self, connection: Connection) -> None:
        self._of_owner.setdefault(connection.owner, []).append(connection)
        for session in connection.sessions:
            self._of_session.setdefault(session, []).append(connection)

    def remove(self, connection: Connection) -> None:
        _take_out(connection, self._of_owner, connection.owner)
        for session in connection.sessions:
            _take_out(connection, self._of_session, session)

    def owners(self) -> list[str]:
        return list(self._of_owner)

    def of_owner(self, owner: str) -> Sequence[Connection]:
        """Return the connections that are counted together, oldest first: those of a person or of an address."""
        return self._of_owner.get(owner, ())

    def of_session(self, session: str) -> Sequence[Connection]:
        return self._of_session.get(session, ())

    def all(self) -> list[Connection]:
        return [connection for own in self._of_owner.values() for connection in own]


def _take_out(connection: Connection, lists: _Lists, name: str) -> None:
    own = lists.get(name, [])
    if connection in own:
        own.remove(connection)
    if not own:
        lists.pop(name, None)
