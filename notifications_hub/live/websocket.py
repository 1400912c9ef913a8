"""The WebSocket connection: version 1 of the live protocol over ASGI.

A wrong origin is refused before the handshake is accepted. Every other refusal is accepted and closed with its code,
as a browser tells a page nothing else of a handshake that failed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from notifications_hub import cursor, delivery
from notifications_hub.cursor import BadCursor, Position
from notifications_hub.live.closing import BAD_FRAME, SESSION_OVER, TOO_LARGE, Closing, refused
from notifications_hub.live.connection import Connection
from notifications_hub.live.hub import Hub, start_hub
from notifications_hub.live.origin import is_allowed
from notifications_hub.live.session import SignedIn, signed_in
from notifications_hub.live.topics import INBOX, MAX_TOPICS, TopicRefused, stored_topics

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_CLIENT_FRAME = 8 * 1024


@dataclass(frozen=True, slots=True)
class ClientFrame:
    """What a page may say. Keys that this version does not know are passed over."""

    visible: bool | None = None
    shown: Mapping[str, Position] | None = None

    @classmethod
    def parse(cls, text: str) -> ClientFrame:
        """Raises `ValueError`, and `RecursionError` for JSON nested too deep."""
        frame = json.loads(text)
        if not isinstance(frame, dict):
            raise ValueError("A frame is a JSON object.")
        visible, ack = frame.get("visible"), frame.get("ack")
        if not isinstance(visible, bool | None) or not isinstance(ack, str | None):
            raise ValueError("visible is a boolean and ack a cursor.")
        return cls(visible, None if ack is None else cursor.decode(ack))


class Refusal(Exception):
    def __init__(self, closing: Closing) -> None:
        super().__init__(closing.reason)
        self.closing = closing


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of `/live/ws/`."""
    await receive()
    if not is_allowed(scope):
        await send({"type": "websocket.close"})
        return
    await send({"type": "websocket.accept"})
    await _Session(start_hub(), scope, receive, send).run()


class _Session:
    """One accepted socket, from its first frame to its close."""

    def __init__(self, hub: Hub, scope: Scope, receive: Receive, send: Send) -> None:
        self._hub = hub
        self._query = parse_qs(scope["query_string"].decode("latin1"))
        self._scope = scope
        self._receive = receive
        self._send = send
        self._closing: Closing | None = None
        self._reader: asyncio.Task[None] | None = None

    async def run(self) -> None:
        try:
            visitor, topics, known = await self._open()
        except Refusal as refusal:
            await self._close(refusal.closing)
            return
        connection = Connection(visitor, database=self._hub.database, send=self._send_frame, close=self._end)
        connection.listen(topics, known)
        self._hub.join(connection)
        try:
            await self._serve(connection)
        finally:
            self._hub.leave(connection)
            connection.stop()
        if self._closing is not None:
            await self._close(self._closing)

    async def _open(self) -> tuple[SignedIn, list[str], Mapping[str, Position] | None]:
        names = self._query.get("topic", [INBOX])
        given = self._query.get("cursor", [""])[0]
        if len(names) > MAX_TOPICS:
            raise Refusal(BAD_FRAME)
        known = _decoded(given) if given else None
        visitor = await self._hub.database(signed_in, self._scope)
        if visitor is None:
            raise Refusal(SESSION_OVER)
        try:
            return visitor, await self._hub.database(stored_topics, visitor.person, names), known
        except TopicRefused as refusal:
            raise Refusal(refused(refusal.topic)) from None

    async def _serve(self, connection: Connection) -> None:
        self._reader = asyncio.create_task(self._read_frames(connection))
        catching_up = asyncio.create_task(self._catch_up(connection))
        try:
            await self._reader
        except asyncio.CancelledError:
            if self._closing is None:
                raise
        finally:
            self._reader.cancel()
            catching_up.cancel()

    async def _catch_up(self, connection: Connection) -> None:
        await connection.catch_up()
        self._hub.caught_up(connection)

    async def _read_frames(self, connection: Connection) -> None:
        while (message := await self._receive())["type"] == "websocket.receive":
            text = message.get("text")
            if text is None:
                self._end(BAD_FRAME)
            elif len(text) > MAX_CLIENT_FRAME:
                self._end(TOO_LARGE)
            else:
                await self._hear(connection, text)

    async def _hear(self, connection: Connection, text: str) -> None:
        try:
            frame = ClientFrame.parse(text)
        except (ValueError, RecursionError):
            self._end(BAD_FRAME)
            return
        if frame.visible is not None:
            connection.visible = frame.visible
        if frame.shown is not None:
            shown = connection.known(frame.shown)
            await self._hub.database(delivery.acknowledge, connection.person_pk, shown)

    def _end(self, closing: Closing) -> None:
        """Closes from our side; the first reason stands."""
        if self._closing is None:
            self._closing = closing
            if self._reader is not None:
                self._reader.cancel()

    async def _send_frame(self, frame: str) -> None:
        await self._send_quietly({"type": "websocket.send", "text": frame})

    async def _close(self, closing: Closing) -> None:
        await self._send_quietly({"type": "websocket.close", "code": closing.code, "reason": closing.reason})

    async def _send_quietly(self, message: dict[str, Any]) -> None:
        # `receive` says that a client has gone, and ends the session; a send that comes too late says nothing new.
        try:
            await self._send(message)
        except (OSError, RuntimeError):
            return


def _decoded(given: str) -> Mapping[str, Position]:
    try:
        return cursor.decode(given)
    except BadCursor:
        raise Refusal(BAD_FRAME) from None
