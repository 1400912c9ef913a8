"""HTTP to services outside. They are not trusted: requests are bounded in time, size and destination."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver

from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.transports.base import PutOff
from notifications_hub.transports.outbound.endpoints import Endpoint, MayBePrivate
from notifications_hub.transports.outbound.host_limits import HostLimit, HostLimits
from notifications_hub.transports.outbound.resolver import GuardedResolver, PrivateAddress

DEADLINE = 10.0
CONNECT_SECONDS = 3.0
BODY_BYTES = 4096
BODY_SECONDS = 1.0
PAUSE_SECONDS = (5.0, 10.0)


@dataclass(frozen=True)
class Answer:
    """A service's answer. `text` is its start, for the log only, because it is not trusted."""

    status: int
    retry_after: float | None
    text: str


class NoAnswer(Exception):
    """Raised when the service could not be reached, or did not answer in time."""

    def __init__(self, reason: DeliveryReason) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Room:
    """The most requests under way at once. Where anyone may name hosts, slow ones must leave a worker's slots free."""

    in_all: float = math.inf
    per_host: float = math.inf


class HttpClient:
    """An HTTP client with a session per event loop, since connections belong to the loop that opened them.

    `rate` returns the most requests a second to one host; 0: no limit.
    """

    def __init__(
        self,
        may_be_private: MayBePrivate,
        rate: Callable[[], int],
        *,
        room: Room = Room(),
        resolver: Callable[[], AbstractResolver] | None = None,
        deadline: float | None = None,
    ) -> None:
        self._resolver = resolver or partial(GuardedResolver, may_be_private)
        self._rate = rate
        self._room = room
        self._deadline = DEADLINE if deadline is None else deadline
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopState] = WeakKeyDictionary()

    async def post(self, endpoint: Endpoint, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send the request. Raise `NoAnswer`, or `PutOff` if the host is not asked for a while, and nothing else."""
        state = self._loop_state()
        host, answered = state.hosts[endpoint.origin], None
        self._check_room(state, host)
        began, wait = asyncio.get_running_loop().time(), host.enter()
        state.under_way += 1
        try:
            if wait:
                await asyncio.sleep(wait)
            # The other half of the time is for the answer.
            async with host.connection(until=began + self._deadline / 2):
                answer = await self._answer(state, endpoint, body, headers, until=began + self._deadline)
            answered = answer.status < 500 and answer.status != 429
        except NoAnswer:
            answered = False
            raise
        finally:
            state.under_way -= 1
            host.leave(answered=answered)
        return answer

    async def close(self) -> None:
        """Close the running loop's connections."""
        state = self._loops.pop(asyncio.get_running_loop(), None)
        if state is not None:
            await state.session.close()

    def _check_room(self, state: _LoopState, host: HostLimit) -> None:
        if state.under_way >= self._room.in_all or host.under_way >= self._room.per_host:
            pause = random.uniform(*PAUSE_SECONDS)  # noqa: S311 -- a pause is not a secret
            raise PutOff(DeliveryReason(ReasonCode.SERVICE_BUSY), retry_after=pause)

    async def _answer(
        self, state: _LoopState, endpoint: Endpoint, body: bytes, headers: Mapping[str, str], *, until: float
    ) -> Answer:
        try:
            async with asyncio.timeout_at(until):
                request = state.session.post(endpoint.url, data=body, headers=headers, allow_redirects=False)
                async with request as response:
                    text = await _first_bytes(response)
                    return Answer(response.status, _retry_after(response.headers.get("Retry-After")), text)
        except TimeoutError:
            raise NoAnswer(DeliveryReason.of(ReasonCode.NO_ANSWER, seconds=f"{self._deadline:g}")) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(getattr(error, "os_error", None), PrivateAddress):
                raise NoAnswer(DeliveryReason(ReasonCode.ADDRESS_REFUSED)) from error
            # aiohttp raises a plain ValueError for a malformed header or address.
            text = endpoint.hidden_in(f"{type(error).__name__}: {error}")[:200]
            raise NoAnswer(DeliveryReason.from_transport(_printable(text))) from error

    def _loop_state(self) -> _LoopState:
        loop = asyncio.get_running_loop()
        state = self._loops.get(loop)
        if state is None or state.session.closed:
            state = self._loops[loop] = _LoopState(self._new_session(), HostLimits(self._rate))
        return state

    def _new_session(self) -> aiohttp.ClientSession:
        # Its own limit per host is unfair: a new request takes the connection for which others wait.
        connector = aiohttp.TCPConnector(resolver=self._resolver(), limit=0, ttl_dns_cache=60)
        return aiohttp.ClientSession(
            connector=connector,
            # Our own deadline covers the whole request.
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            trust_env=False,
            # A small compressed answer may expand to gigabytes, and a cookie would link people to each other.
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "notifications-hub"},
        )


@dataclass
class _LoopState:
    session: aiohttp.ClientSession
    hosts: HostLimits
    under_way: int = 0


async def _first_bytes(response: aiohttp.ClientResponse) -> str:
    """Return the start of the body. A slow or endless one is cut off and its connection closed: the status suffices."""
    if response.content.at_eof():
        return ""
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


def _printable(text: str) -> str:
    """Replace unprintable characters: the text is not trusted, and not every database stores every character."""
    return "".join(character if character.isprintable() else "?" for character in text)


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
