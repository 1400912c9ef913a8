"""The public behaviour suite over the transports of this package, and over faulty ones, which it must find."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from notifications_hub.testing import BUSY_SECONDS, Fault, OtherSide, Received, TransportSuite
from notifications_hub.transports import TooLong, TransportError
from notifications_hub.transports.memory import Memory
from notifications_hub.transports.web_push import push_client
from notifications_hub.transports.web_push.subscriptions import register
from notifications_hub.transports.web_push.transport import WebPush
from notifications_hub.transports.web_push.vapid import VapidKey
from tests.push_lab import faults
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService

pytestmark = pytest.mark.both_databases

ERRORS = {
    Fault.PASSING: TransportError("Not now."),
    Fault.BUSY: TransportError("Busy.", retry_after=BUSY_SECONDS),
    Fault.GONE: TransportError("Gone.", permanent=True),
    Fault.TOO_LONG: TooLong("Too long."),
    Fault.DROPS: TransportError("No answer."),
}


class MemorySide(OtherSide):
    lacks = (Fault.SILENT,)

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def reach(self, person: Any) -> str:
        return str(person.pk)

    def received(self, address: str) -> Sequence[Received]:
        at_address = (message for message, sent_to in self._memory.outbox if sent_to == address)
        return [Received(f"{message.title} {message.body}", message.tag) for message in at_address]

    def fail_next(self, fault: Fault, address: str) -> None:
        self._memory.fail_next(ERRORS[fault])


class TestMemory(TransportSuite):
    @pytest.fixture
    def transport(self) -> Memory:
        return Memory()

    @pytest.fixture
    def other_side(self, transport: Memory) -> MemorySide:
        return MemorySide(transport)


class Browsers(OtherSide):
    """The browsers of people, and their push service."""

    def __init__(self, service: LocalPushService, key: VapidKey) -> None:
        self._service, self._key = service, key
        self._readers: dict[str, Reader] = {}

    @property
    def secrets(self) -> Sequence[str]:  # type: ignore[override]
        return [reader.endpoint.rsplit("/", 1)[1] for reader in self._readers.values()]

    def reach(self, person: Any) -> str:
        reader = self._service.subscribe(self._key.public)
        address = str(register(person, reader.to_json(), "").pk)
        self._readers[address] = reader
        return address

    def received(self, address: str) -> Sequence[Received]:
        reader = self._readers[address]
        sent = self._service.sent_to(reader.endpoint)
        shown = [json.loads(reader.read(message.body))["notification"] for message in sent]
        return [Received(f"{one['title']} {one['body']}", one["tag"]) for one in shown]

    def fail_next(self, fault: Fault, address: str) -> None:
        endpoint = self._readers[address].endpoint
        token = endpoint.rsplit("/", 1)[1]
        if fault is Fault.GONE:
            self._service.expire(endpoint)
        else:
            self._service.fail(
                {
                    Fault.PASSING: faults.Fault(503, token=token),
                    Fault.BUSY: faults.Fault(429, headers={"Retry-After": str(BUSY_SECONDS)}, token=token),
                    Fault.TOO_LONG: faults.Fault(413, token=token),
                    Fault.DROPS: faults.Fault(mode="drop", token=token),
                    Fault.SILENT: faults.Fault(mode="hang", token=token),
                }[fault]
            )


class TestWebPush(TransportSuite):
    @pytest.fixture
    def transport(self, monkeypatch: pytest.MonkeyPatch) -> WebPush:
        monkeypatch.setattr(push_client, "DEADLINE", 1.5)
        return WebPush()

    @pytest.fixture
    def other_side(self, push_site: LocalPushService, vapid: VapidKey) -> Browsers:
        return Browsers(push_site, vapid)
