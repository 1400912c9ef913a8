"""One push service in ten is hostile. The others must not be delayed, nor the private network reached.

Nor may a push be delayed by later ones to the same service.
"""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pytest_django import Settings

from notifications_hub.delivery.worker import SLOTS
from notifications_hub.transports import TransportError
from notifications_hub.transports.outbound.http_client import DEADLINE
from notifications_hub.transports.outbound.resolver import GuardedResolver
from notifications_hub.transports.web_push.endpoints import is_extra_host
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.transports.web_push.transport import WebPush, push_client
from notifications_hub.transports.web_push.vapid import VapidKey
from tests.push_lab.reader import Reader
from tests.support.full import FULL, report
from tests.support.processes import Program
from tests.transports.sending import REPLY


class Rebinding(AbstractResolver):
    """A name server whose names have moved into the private network since registration."""

    def __init__(self, private_port: int) -> None:
        self._port = private_port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0)]

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


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a module of the push lab in a process of its own, and return its output."""
    started: list[Program] = []

    def start(module: str, *arguments: object) -> Any:
        command = [sys.executable, "-m", f"tests.push_lab.{module}", *map(str, arguments)]
        program = Program(command, log=tmp_path / f"{module}.log")
        started.append(program)
        program.wait_until_ready(lambda: program.log.read_text().endswith("\n"))
        return json.loads(program.log.read_text())

    yield start
    for program in started:
        program.kill()


async def durations(transport: WebPush, subscriptions: list[PushSubscription], at_once: int) -> dict[int, float]:
    """Return the seconds of each accepted push, by its index in the list."""
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


def subscription(endpoint: str, key: VapidKey) -> PushSubscription:
    keys = Reader(endpoint).to_json()["keys"]
    return PushSubscription(
        endpoint=endpoint, p256dh=keys["p256dh"], auth=keys["auth"], key_fingerprint=key.fingerprint
    )


def test_hostile_services_do_not_delay_the_others(
    settings: Settings, vapid: VapidKey, start: Callable[..., Any]
) -> None:
    _compare(settings, vapid, start, pushes=300, at_once=50, deadline=3)


@pytest.mark.faults(alone=True)
def test_hostile_services_do_not_delay_very_many_others(
    settings: Settings, vapid: VapidKey, start: Callable[..., Any]
) -> None:
    # As many at once as a worker sends.
    _compare(settings, vapid, start, pushes=5000, at_once=SLOTS, deadline=DEADLINE)


@pytest.mark.clocked
def test_pushes_wait_in_turn_for_a_connection(settings: Settings, vapid: VapidKey, start: Callable[..., Any]) -> None:
    # aiohttp's own limit lets a new request take the connection for which others wait, so some wait to the end.
    service = start("apart", vapid.public, 20)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_EXTRA_HOSTS": [service["host"]], "PUSH_RATE": 0}
    browsers = [subscription(endpoint, vapid) for endpoint in service["endpoints"]] * 100
    took = asyncio.run(durations(WebPush(), browsers, at_once=SLOTS))
    assert len(took) == len(browsers)
    assert p99(list(took.values())) < 2 * mean(took.values())


def _compare(
    settings: Settings, vapid: VapidKey, start: Callable[..., Any], *, pushes: int, at_once: int, deadline: float
) -> None:
    service = start("apart", vapid.public, 20)
    good = [subscription(endpoint, vapid) for endpoint in service["endpoints"]]
    with private_listener() as (private_port, hits):
        evils = [f"127.0.0.1:{port}" for port in start("hostile", private_port).values()]
        hub = {"PUSH_EXTRA_HOSTS": [service["host"], *evils], "PUSH_RATE": 0}
        settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **hub}
        endpoints = [*(f"http://{host}/push" for host in evils), "https://rebound.notify.windows.com/w"]
        bad = [subscription(endpoint, vapid) for endpoint in endpoints]

        def seconds_of(subscriptions: list[PushSubscription]) -> dict[int, float]:
            client = push_client(
                resolver=lambda: GuardedResolver(is_extra_host, Rebinding(private_port)), deadline=deadline
            )
            return asyncio.run(durations(WebPush(client), subscriptions, at_once))

        alone = [good[number % len(good)] for number in range(pushes)]
        mixed = [bad[number // 10 % len(bad)] if number % 10 == 0 else one for number, one in enumerate(alone)]
        seconds_of(alone)  # now everything is imported and warm
        quiet = seconds_of(alone)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        beside = seconds_of(mixed)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024

    of_good, of_mixed = p99([quiet[number] for number in quiet if number % 10]), p99(list(beside.values()))
    report(f"{pushes:,} pushes: p99 of the good {of_mixed:.3f} s, alone {of_good:.3f} s; memory +{grown:.1f} MB")
    assert len(quiet) == pushes
    assert set(beside) == {number for number in range(pushes) if number % 10}, (
        "all of the good services, and none of the hostile ones"
    )
    assert grown < 20, "MB"
    assert hits == []
    # On a busy machine a fraction of a second has no meaning.
    assert not FULL or of_mixed < 1.5 * of_good + 0.05, "seconds"
