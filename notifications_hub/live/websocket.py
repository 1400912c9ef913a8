"""The WebSocket connection: version 1 of the live protocol over ASGI.

A wrong origin is refused before the handshake is accepted. For every other refusal the socket is accepted and closed
with a code, because a browser gives a page no reason for a failed handshake.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from notifications_hub.database.reconnect import CONNECTION_ERRORS, first_line
from notifications_hub.delivery.acknowledgement import Acknowledgement, acknowledge_many
from notifications_hub.live.admission import ConnectionRequest, Known, Refusal, sends_token, start_positions
from notifications_hub.live.asgi_exchange import Receive, Scope, Send
from notifications_hub.live.close_codes import BAD_FRAME, MAX_CLIENT_FRAME, RESTART, TOO_LARGE, TOO_MANY, Closing
from notifications_hub.live.connection import Connection
from notifications_hub.live.counted_warning import CountedWarning
from notifications_hub.live.counting import count_closed, count_refused
from notifications_hub.live.eager_start import start
from notifications_hub.live.frames import Frame
from notifications_hub.live.hub import Hub, start_hub
from notifications_hub.live.origin import Caller
from notifications_hub.live.topics import MAX_TOPICS
from notifications_hub.request_ids import answer_headers
from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import Position

CLOSE_SECONDS = 2.0
AGAIN_SECONDS = 1.0
"""Time between two tries to record an acknowledgement while the database is away."""
FRAMES = 20
"""The most frames that a client may send in any ten seconds."""

log = logging.getLogger(__name__)

_waiting = CountedWarning(log, "Acknowledgements wait for the database, by tries: %d (%s)")


async def websocket(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of `/live/ws/`."""
    await receive()
    caller = Caller.of_scope(scope)
    # Without a browser there is no origin to check, and with a token no cookie that a foreign page could use.
    if not caller.may_open_socket() and not (caller.has_no_origin and sends_token(scope)):
        count_refused("ws", "origin")
        await send({"type": "websocket.close"})
        return
    own = [(name.lower().encode(), value.encode()) for name, value in answer_headers().items()]
    await send({"type": "websocket.accept", **({"headers": own} if own else {})})
    socket = _Socket(start_hub(), receive, send)
    try:
        await socket.run(scope)
    except Refusal as refusal:
        count_refused("ws", refusal.closing)
        await socket.close(refusal.closing)
    except asyncio.CancelledError:
        # A server that stops cancels its sockets: hypercorn before the hub hears of it, Daphne while the hub ends them.
        await socket.close(socket.closing or RESTART)
        raise


@dataclass(frozen=True, slots=True)
class ClientFrame:
    """A frame from a client. Unknown keys are ignored, for later versions."""

    visible: bool | None = None
    shown: Mapping[str, Position] | None = None
    topics: tuple[str, ...] | None = None
    known: Mapping[str, Position] | None = None

    @classmethod
    def parse(cls, text: str) -> ClientFrame:
        """Parse a frame. Raise `ValueError`, or `RecursionError` for JSON that is nested too deep."""
        frame = json.loads(text)
        if not isinstance(frame, dict):
            raise ValueError("A frame is a JSON object.")
        visible = frame.get("visible")
        if not isinstance(visible, bool | None):
            raise ValueError("visible is a boolean.")
        return cls(
            visible,
            _parse_cursor(frame.get("ack")),
            _parse_names(frame.get("topics")),
            _parse_cursor(frame.get("cursor")),
        )


def _parse_cursor(given: object) -> Mapping[str, Position] | None:
    if not isinstance(given, str | None):
        raise ValueError("A cursor is text.")
    return None if given is None else cursor.decode(given)


def _parse_names(given: object) -> tuple[str, ...] | None:
    if given is None:
        return None
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given) or len(given) > MAX_TOPICS:
        raise ValueError(f"topics is a list of at most {MAX_TOPICS} names.")
    return tuple(given)


class _Socket:
    """One accepted socket, from its first frame to its close. Most are idle, so it keeps little state and no task."""

    __slots__ = ("_hub", "_reading", "_receive", "_received_at", "_send", "closing")

    def __init__(self, hub: Hub, receive: Receive, send: Send) -> None:
        self._hub = hub
        self._receive = receive
        self._send = send
        self.closing: Closing | None = None
        self._reading: asyncio.Task[Any] | None = None
        self._received_at: tuple[float, ...] = ()

    async def run(self, scope: Scope) -> None:
        """Serve the socket until it ends. Raise `Refusal` if it is not admitted."""
        connection = await self._open(scope)
        self._reading = reading = asyncio.current_task()
        try:
            with self._hub.holding(connection):
                await self._read_frames(connection)
        except asyncio.CancelledError:
            # The server may have cancelled it as well.
            if self.closing is None or reading is None or reading.uncancel():
                raise
        finally:
            self._reading = None
            count_closed("ws", self.closing)
        if self.closing is not None:
            await self.close(self.closing)

    async def close(self, closing: Closing) -> None:
        # Without a timeout, a client that does not read would delay the close frame forever.
        with suppress(TimeoutError, OSError, RuntimeError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send_close(closing)

    async def _send_close(self, closing: Closing) -> None:
        try:
            await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.words})
        except (OSError, RuntimeError):
            raise
        except Exception:  # noqa: BLE001 -- Daphne raises a bare one for 1009 and 1012, and sends no frame
            await self._send({"type": "websocket.close", "reason": closing.words})

    async def _open(self, scope: Scope) -> Connection:
        wanted = ConnectionRequest.parse(scope["query_string"].decode("latin1"))
        admitted = await self._hub.admit(scope, wanted)
        connection = Connection(admitted, log=self._hub.log, send=self._send_frame, close=self._end, kind="ws")
        connection.listen(*start_positions(admitted.topics, wanted.known))
        return connection

    async def _read_frames(self, connection: Connection) -> None:
        while self.closing is None and (message := await self._receive())["type"] == "websocket.receive":
            text = message.get("text")
            if text is None:
                self._end(BAD_FRAME)
            elif len(text) > MAX_CLIENT_FRAME:
                self._end(TOO_LARGE)
            elif self._is_flood():
                self._end(TOO_MANY)
            else:
                await self._handle_frame(connection, text)

    def _is_flood(self) -> bool:
        now = asyncio.get_running_loop().time()
        recent = [at for at in self._received_at if now - at < 10]
        self._received_at = (*recent, now)
        return len(recent) >= FRAMES

    async def _handle_frame(self, connection: Connection, text: str) -> None:
        try:
            frame = ClientFrame.parse(text)
        except (ValueError, RecursionError):
            self._end(BAD_FRAME)
            return
        if frame.visible is not None:
            connection.visible = frame.visible
        if frame.shown is not None and connection.visible and connection.credential:
            known = connection.known(frame.shown)
            shown = Acknowledgement(connection.person_pk, connection.newly_shown(known))
            await self._record(shown)
            connection.shown = known
        if frame.topics is not None:
            await self._change_topics(connection, frame.topics, frame.known or {})

    async def _record(self, shown: Acknowledgement) -> None:
        """Record what a page displayed, if need be once the database is back: the client does not say it twice."""
        while True:
            try:
                return await self._hub.database.batched(acknowledge_many, shown)
            except CONNECTION_ERRORS as error:
                _waiting.add(first_line(error))
                await asyncio.sleep(AGAIN_SECONDS)

    async def _change_topics(self, connection: Connection, names: Sequence[str], known: Known) -> None:
        try:
            admitted = await self._hub.admit_again(connection, names)
        except Refusal as refusal:
            self._end(refusal.closing)
        else:
            connection.names, connection.admitted_at = admitted.names, admitted.visitor.at
            self._hub.change(connection, *start_positions(admitted.topics, known))

    def _end(self, closing: Closing) -> None:
        """Close the socket from this side. The first reason wins."""
        if self.closing is None:
            self.closing = closing
            if self._reading is not None and self._reading is not asyncio.current_task() and not self._reading.cancel():
                # A task of granian's own cannot be cancelled. It ends when `receive` reports that the socket is closed.
                start(self.close(closing))

    async def _send_frame(self, frame: Frame) -> None:
        # `receive` reports a disconnect and ends the session, so a send that fails after it needs no handling.
        # Not `suppress`: an event goes to thousands of sockets.
        try:
            await self._send({"type": "websocket.send", "text": frame.text})
        except (OSError, RuntimeError):
            return
