"""One in ten push services is out to harm. The others must not feel it, nor this machine's own network."""

from __future__ import annotations

import asyncio
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pytest_django import Settings

from notifications_hub.transports import TransportError
from notifications_hub.transports.push_client import PushClient
from notifications_hub.transports.resolver import GuardedResolver
from notifications_hub.transports.subscriptions import PushSubscription
from notifications_hub.transports.vapid import VapidKey
from notifications_hub.transports.web_push import WebPush
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.support.full import FULL
from tests.transports.sending import REPLY

HUGE = 200_000_000
REDIRECT = "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n"


class Hostile:
    """A server of one evil, on a port of its own."""

    def __init__(self, evil: str, private_port: int) -> None:
        self._evil, self._private_port = evil, private_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _address = self._server.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._harm, args=[connection], daemon=True).start()

    def _harm(self, connection: socket.socket) -> None:
        try:
            connection.recv(65536)
            if self._evil == "silent":
                time.sleep(60)
            elif self._evil == "dripping":
                connection.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 1000000\r\n\r\n")
                while True:
                    connection.sendall(b".")
                    time.sleep(0.1)
            elif self._evil == "huge":
                connection.sendall(f"HTTP/1.1 500 No\r\nContent-Length: {HUGE}\r\n\r\n".encode())
                for _ in range(HUGE // 100_000):
                    connection.sendall(b"x" * 100_000)
            else:
                connection.sendall(REDIRECT.format(port=self._private_port).encode())
        except OSError:
            return


class Rebinding(AbstractResolver):
    """A name server whose names have moved into the private network since they were registered."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


@contextmanager
def private_listener() -> Iterator[tuple[int, list[object]]]:
    hits: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def count() -> None:
            while True:
                try:
                    hits.append(server.accept()[1])
                except OSError:
                    return

        threading.Thread(target=count, daemon=True).start()
        yield server.getsockname()[1], hits
        server.shutdown(socket.SHUT_RDWR)


async def durations(transport: WebPush, subscriptions: list[PushSubscription], at_once: int) -> dict[int, float]:
    """Seconds that each took which was taken, by its place in the list."""
    places, took = asyncio.Semaphore(at_once), {}

    async def send(number: int, subscription: PushSubscription) -> None:
        async with places:
            began = time.monotonic()
            try:
                await transport._send(REPLY, subscription)
                took[number] = time.monotonic() - began
            except TransportError:
                pass

    await asyncio.gather(*(send(number, one) for number, one in enumerate(subscriptions)))
    await transport._client.close()
    return took


def p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.99)]


def subscription(reader: Reader, key: VapidKey) -> PushSubscription:
    keys = reader.to_json()["keys"]
    return PushSubscription(
        endpoint=reader.endpoint, p256dh=keys["p256dh"], auth=keys["auth"], key_fingerprint=key.fingerprint
    )


def test_the_good_do_not_feel_the_bad(settings: Settings, push_site: LocalPushService, vapid: VapidKey) -> None:
    _compare(settings, push_site, vapid, pushes=300)


@pytest.mark.faults
def test_very_many_good_do_not_feel_the_bad(settings: Settings, push_site: LocalPushService, vapid: VapidKey) -> None:
    _compare(settings, push_site, vapid, pushes=5000)


def _compare(settings: Settings, push_site: LocalPushService, vapid: VapidKey, *, pushes: int) -> None:
    good = [subscription(push_site.subscribe(vapid.public), vapid) for _ in range(20)]
    with private_listener() as (private_port, hits), ExitStack() as open_:
        evils = [Hostile(evil, private_port) for evil in ("silent", "dripping", "huge", "redirecting")]
        for evil in evils:
            open_.callback(evil.close)
        hosts = [push_site.host, *(f"127.0.0.1:{evil.port}" for evil in evils)]
        settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_EXTRA_HOSTS": hosts, "PUSH_RATE": 0}
        endpoints = [f"http://127.0.0.1:{evil.port}/push" for evil in evils] + ["https://rebound.notify.windows.com/w"]
        bad = [subscription(Reader(endpoint), vapid) for endpoint in endpoints]

        def transport() -> WebPush:
            return WebPush(PushClient(lambda: GuardedResolver(Rebinding()), deadline=1.5))

        alone = [good[number % len(good)] for number in range(pushes)]
        mixed = [bad[number // 10 % 5] if number % 10 == 0 else one for number, one in enumerate(alone)]
        asyncio.run(durations(transport(), alone, at_once=50))  # everything is imported and warm
        quiet = asyncio.run(durations(transport(), alone, at_once=50))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        beside = asyncio.run(durations(transport(), mixed, at_once=50 + pushes // 10))
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024

    assert len(quiet) == pushes
    assert set(beside) == {number for number in range(pushes) if number % 10}, "all of the good, and none of the bad"
    assert grown < 20, "MB"
    assert hits == []
    of_good = [quiet[number] for number in beside]
    # On a machine that does other things meanwhile a fraction of a second says nothing.
    assert not FULL or p99(list(beside.values())) < 1.5 * p99(of_good) + 0.05, "seconds"
