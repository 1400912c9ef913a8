"""HTTP to push services, which are strangers: bounded in time, in size and in where it goes. Knows no rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver

from notifications_hub.transports.endpoints import Endpoint
from notifications_hub.transports.resolver import GuardedResolver

DEADLINE = 10.0
BODY_BYTES = 4096
BODY_SECONDS = 1.0
CONNECTIONS = 100
CONNECTIONS_PER_HOST = 50


@dataclass(frozen=True)
class Answer:
    """`text` is the start of what the service said, for the log: it is a stranger's text."""

    status: int
    retry_after: float | None
    text: str


class NoAnswer(Exception):
    """The service could not be reached, or said nothing in time."""


class PushClient:
    """One session an event loop, since connections belong to the loop that opened them."""

    def __init__(self, resolver: Callable[[], AbstractResolver] = GuardedResolver, deadline: float = DEADLINE) -> None:
        self._resolver = resolver
        self._deadline = deadline
        self._sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()

    async def post(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Raises `NoAnswer` and nothing else."""
        try:
            async with asyncio.timeout(self._deadline):
                return await self._post(endpoint, body, headers)
        except TimeoutError:
            raise NoAnswer(f"No answer within {self._deadline:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # aiohttp answers a malformed header or address with a plain ValueError.
            raise NoAnswer(f"{type(error).__name__}: {error}"[:200]) from error

    async def close(self) -> None:
        """Lets go of the running loop's connections."""
        session = self._sessions.pop(asyncio.get_running_loop(), None)
        if session is not None:
            await session.close()

    async def _post(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Answer:
        request = self._session().post(endpoint.url, data=body, headers=headers, allow_redirects=False)
        async with request as response:
            text = await _first_bytes(response)
            return Answer(response.status, _retry_after(response.headers.get("Retry-After")), text)

    def _session(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        session = self._sessions.get(loop)
        if session is None or session.closed:
            session = self._sessions[loop] = self._new_session()
        return session

    def _new_session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver(), limit=CONNECTIONS, limit_per_host=CONNECTIONS_PER_HOST, ttl_dns_cache=60
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._deadline, connect=None, sock_connect=5),
            trust_env=False,
            # A small compressed answer may unfold to gigabytes, and a cookie would tie people together.
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "notifications-hub"},
        )


async def _first_bytes(response: aiohttp.ClientResponse) -> str:
    """The verdict is in the status: a body that drips or never ends is cut off and its connection closed."""
    read = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while len(read) <= BODY_BYTES and (chunk := await response.content.read(BODY_BYTES - len(read) + 1)):
                read += chunk
    except (TimeoutError, aiohttp.ClientError):
        response.close()
    if len(read) > BODY_BYTES:
        response.close()
    return read[:BODY_BYTES].decode("utf-8", "replace")


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
