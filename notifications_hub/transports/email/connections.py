"""Connections of Django's mail backend, kept open between emails, in threads that end at a deadline.

Each event loop has `EMAIL_CONNECTIONS` of them. One is used by one thread at a time. It is closed after an error, after
a while without an email, and after many emails, because servers limit all of these.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from notifications_hub.conf import hub_settings
from notifications_hub.database.pooling import release_connections
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.transports.base import PutOff, TransportError
from notifications_hub.transports.email.smtp_errors import error_of

DEADLINE = 7.0
"""Seconds that one email may take, with connecting."""
WAIT_SECONDS = (1.5, 3.0)
"""Seconds that an email waits for a connection. It is put off then, and its worker tries again.

If all gave up at the same moment, the connections would have nothing to do until the first came back.
"""
PAUSE_SECONDS = (1.0, 1.5)
IDLE_SECONDS = 5.0
EMAILS_PER_CONNECTION = 100
MOST_THREADS = 32

Build = Callable[[], EmailMessage]

log = logging.getLogger(__name__)


class Connections:
    """The connections of a transport, by event loop."""

    def __init__(self) -> None:
        self._of_loop: dict[asyncio.AbstractEventLoop, _Pool] = {}
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="hub-email")

    async def send(self, build: Build) -> None:
        """Build an email and send it, both in a thread. Raise `TransportError`."""
        pool = self._pool()
        try:
            await asyncio.wait_for(pool.places.acquire(), _between(WAIT_SECONDS))
        except TimeoutError:
            raise PutOff(DeliveryReason(ReasonCode.SERVICE_BUSY), retry_after=_between(PAUSE_SECONDS)) from None
        connection = pool.take()
        future = self._threads.submit(connection.send, build)
        # A thread that goes on after the deadline keeps its place.
        future.add_done_callback(lambda _done: pool.give_back(connection))
        await _result(future, connection)

    async def close(self) -> None:
        """Close the connections of the running loop: those in use once their email is sent."""
        pool = self._of_loop.pop(asyncio.get_running_loop(), None)
        idle = pool.end() if pool else []
        await asyncio.gather(*(asyncio.wrap_future(self._threads.submit(one.close)) for one in idle))

    def _pool(self) -> _Pool:
        loop = asyncio.get_running_loop()
        if loop not in self._of_loop:
            self._of_loop[loop] = _Pool(loop, self._threads)
        return self._of_loop[loop]


def _between(seconds: tuple[float, float]) -> float:
    return random.uniform(*seconds)  # noqa: S311 -- a pause is not a secret


async def _result(future: Future[None], connection: _Connection) -> None:
    try:
        await asyncio.wait_for(asyncio.wrap_future(future), DEADLINE)
    except TransportError:
        raise
    except (TimeoutError, asyncio.CancelledError) as error:
        connection.abort()
        if isinstance(error, asyncio.CancelledError):
            raise
        raise TransportError(DeliveryReason.of(ReasonCode.NO_ANSWER, seconds=round(DEADLINE))) from None


class _Pool:
    """The places of one event loop. Only its thread calls these methods, except `give_back`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, threads: ThreadPoolExecutor) -> None:
        self.places = asyncio.Semaphore(hub_settings.email_connections)
        self._loop, self._threads = loop, threads
        self._idle: list[_Connection] = []
        self._has_ended = False

    def take(self) -> _Connection:
        return self._idle.pop() if self._idle else _Connection()

    def end(self) -> list[_Connection]:
        """Keep no connection from now on. Return those that send nothing at the moment."""
        self._has_ended = True
        idle, self._idle = self._idle, []
        return idle

    def give_back(self, connection: _Connection) -> None:
        """Free the place of a connection, from its thread."""
        try:
            self._loop.call_soon_threadsafe(self._free, connection)
        except RuntimeError:
            # The loop has ended meanwhile.
            connection.close()

    def _free(self, connection: _Connection) -> None:
        self.places.release()
        if self._has_ended or connection.is_aborted:
            self._threads.submit(connection.close)
        elif connection.is_open:
            self._idle.append(connection)
            self._loop.call_later(IDLE_SECONDS, self._retire, connection)

    def _retire(self, connection: _Connection) -> None:
        """Close a connection unless it was used meanwhile."""
        if connection in self._idle and connection.is_stale:
            self._idle.remove(connection)
            self._threads.submit(connection.close)


class _Connection:
    """A connection of a mail backend that is opened when it is needed."""

    def __init__(self) -> None:
        self._backend: BaseEmailBackend | None = None
        self._used_at = 0.0
        self._sent = 0
        self.is_aborted = False

    @property
    def is_open(self) -> bool:
        return self._backend is not None

    @property
    def is_stale(self) -> bool:
        return time.monotonic() - self._used_at >= IDLE_SECONDS - 0.1

    def send(self, build: Build) -> None:
        """Send an email. Raise `TransportError`, and close the connection after any error."""
        try:
            email = _built(build)
            if self.is_open and (self.is_stale or self._sent >= EMAILS_PER_CONNECTION):
                self.close()
            self._send(email)
        finally:
            # A backend or a template may use the database.
            release_connections()

    def _send(self, email: EmailMessage) -> None:
        try:
            backend = self._open()
            if self.is_aborted:
                raise TimeoutError
            backend.send_messages([email])
        except Exception as error:  # noqa: BLE001 -- a backend may be a host's own
            self.close()
            found = error_of(error)
            # Its words may hold the address, so only its class is logged.
            log.info("An email could not be sent (%s): %s", type(error).__name__, found)
            raise found from None
        self._sent += 1
        self._used_at = time.monotonic()

    def abort(self) -> None:
        """End a send under way. It may be called while the connection's thread waits.

        Its outcome is known by then, so a thread that still connects must not send the email afterwards.
        """
        self.is_aborted = True
        sock = getattr(getattr(self._backend, "connection", None), "sock", None)
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        backend, self._backend = self._backend, None
        self._sent = 0
        if backend is not None:
            with suppress(Exception):  # the other side may be gone, or a backend raise what it likes
                backend.close()

    def _open(self) -> BaseEmailBackend:
        if self._backend is None:
            self._backend = _new_backend()
        self._backend.open()
        return self._backend


def _built(build: Build) -> EmailMessage:
    try:
        return build()
    except Exception as error:
        # A host's template or method may raise anything, and works after the next deployment.
        log.exception("An email could not be built")
        raise TransportError(DeliveryReason.of(ReasonCode.UNEXPECTED, error=type(error).__name__)) from error


def _new_backend() -> BaseEmailBackend:
    """Return the site's mail backend, which waits for no answer longer than the deadline."""
    # Django 6.1 replaces `get_connection()` by this.
    mailers: Any = getattr(mail, "mailers", None)
    backend: Any = mail.get_connection() if mailers is None else mailers.default
    if hasattr(backend, "timeout") and not 0 < (backend.timeout or 0) < DEADLINE:
        backend.timeout = DEADLINE
    return backend  # type: ignore[no-any-return]
