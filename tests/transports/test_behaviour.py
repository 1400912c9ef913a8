"""The promises of the transport protocol, tested with every transport."""

from __future__ import annotations

import json
from typing import Protocol

import pytest

from accounts.models import User
from notifications_hub.message import Message
from notifications_hub.transports import Learns, Transport, TransportError, addresses_of
from notifications_hub.transports.memory import Memory
from notifications_hub.transports.web_push.subscriptions import register
from notifications_hub.transports.web_push.transport import WebPush
from notifications_hub.transports.web_push.vapid import VapidKey
from tests.push_lab.faults import Fault
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.transports.sending import REPLY, reply, send, send_one

pytestmark = pytest.mark.django_db


class Rig(Protocol):
    """A transport with its receiving side."""

    transport: Transport

    def reach(self, person: User) -> str:
        """Make the person reachable, and return the address."""
        ...

    def titles_at(self, address: str) -> list[str]: ...

    def tags_at(self, address: str) -> list[str]: ...

    def fail_once(self) -> None: ...

    def close_down(self, address: str) -> None:
        """Make the address fail for ever."""
        ...


class MemoryRig:
    def __init__(self) -> None:
        self.memory = Memory()
        self.transport: Transport = self.memory

    def reach(self, person: User) -> str:
        return str(person.pk)

    def titles_at(self, address: str) -> list[str]:
        return [message.title for message in self._at(address)]

    def tags_at(self, address: str) -> list[str]:
        return [message.tag for message in self._at(address)]

    def fail_once(self) -> None:
        self.memory.fail_next(TransportError("Not now."))

    def close_down(self, address: str) -> None:
        self.memory.fail_next(TransportError("Gone.", permanent=True))

    def _at(self, address: str) -> list[Message]:
        return [message for message, sent_to in self.memory.outbox if sent_to == address]


class WebPushRig:
    def __init__(self, service: LocalPushService, key: VapidKey) -> None:
        self.transport: Transport = WebPush()
        self._service, self._key = service, key
        self._readers: dict[str, Reader] = {}

    def reach(self, person: User) -> str:
        reader = self._service.subscribe(self._key.public)
        address = str(register(person, reader.to_json(), "").pk)
        self._readers[address] = reader
        return address

    def titles_at(self, address: str) -> list[str]:
        return [payload["title"] for payload in self._at(address)]

    def tags_at(self, address: str) -> list[str]:
        return [payload["tag"] for payload in self._at(address)]

    def fail_once(self) -> None:
        self._service.fail(Fault(503))

    def close_down(self, address: str) -> None:
        self._service.expire(self._readers[address].endpoint)

    def _at(self, address: str) -> list[dict[str, str]]:
        reader = self._readers[address]
        sent = self._service.sent_to(reader.endpoint)
        return [json.loads(reader.read(message.body))["notification"] for message in sent]


@pytest.fixture(params=["memory", "web_push"])
def rig(request: pytest.FixtureRequest) -> Rig:
    if request.param == "memory":
        return MemoryRig()
    service: LocalPushService = request.getfixturevalue("push_site")
    return WebPushRig(service, request.getfixturevalue("vapid"))


def test_a_message_arrives_at_its_address_and_nowhere_else(rig: Rig, alice: User, charlie: User) -> None:
    address, elsewhere = rig.reach(alice), rig.reach(charlie)
    assert send_one(rig.transport, REPLY, address) is None
    assert rig.titles_at(address) == ["Bob replied to “Hello”"]
    assert rig.titles_at(elsewhere) == []


def test_charlie_is_not_reached_at_alices_address(rig: Rig, alice: User, charlie: User) -> None:
    address = rig.reach(alice)
    assert address in rig.transport.addresses(alice)
    assert address not in rig.transport.addresses(charlie)


def test_addresses_fit_a_delivery(rig: Rig, alice: User) -> None:
    rig.reach(alice)
    assert all(0 < len(address) <= 255 for address in rig.transport.addresses(alice))


def test_the_addresses_of_many_people_equal_those_of_each(rig: Rig, alice: User, bob: User) -> None:
    rig.reach(alice)
    rig.reach(bob)
    each = {person.pk: list(rig.transport.addresses(person)) for person in (alice, bob)}
    assert addresses_of(rig.transport, [alice, bob]) == each


def test_sending_again_sends_again_under_the_same_tag(rig: Rig, alice: User) -> None:
    address = rig.reach(alice)
    assert send(rig.transport, REPLY, address) == [None]
    assert send(rig.transport, REPLY, address) == [None]
    assert rig.tags_at(address) == ["n12", "n12"]


def test_many_messages_are_sent_at_once(rig: Rig, alice: User, bob: User) -> None:
    addresses = [rig.reach(alice), rig.reach(bob)]
    assert send(rig.transport, REPLY, *addresses) == [None, None]
    assert [rig.titles_at(address) for address in addresses] == [[REPLY.title], [REPLY.title]]


def test_a_passing_failure_is_temporary(rig: Rig, alice: User) -> None:
    address = rig.reach(alice)
    rig.fail_once()
    error = send_one(rig.transport, REPLY, address)
    assert error is not None
    assert not error.permanent
    assert error.reason
    assert address in rig.transport.addresses(alice)
    assert send_one(rig.transport, REPLY, address) is None


def test_a_dead_address_is_a_permanent_failure(rig: Rig, alice: User) -> None:
    address = rig.reach(alice)
    rig.close_down(address)
    error = send_one(rig.transport, REPLY, address)
    assert error is not None
    assert error.permanent


def test_a_dead_address_is_forgotten(rig: Rig, alice: User) -> None:
    address = rig.reach(alice)
    transport = rig.transport
    assert isinstance(transport, Learns)
    transport.learn([(address, TransportError("Not now.")), (address, None)])
    assert address in transport.addresses(alice)
    for _ in range(2):
        transport.learn([(address, TransportError("Gone.", permanent=True))])
    assert list(transport.addresses(alice)) == []
    error = send_one(rig.transport, REPLY, address)
    assert error is not None
    assert error.permanent


def test_one_failure_does_not_delay_the_others(rig: Rig, alice: User, bob: User) -> None:
    addresses = [rig.reach(alice), rig.reach(bob)]
    rig.fail_once()
    failures = [error for error in send(rig.transport, REPLY, *addresses) if error is not None]
    assert len(failures) == 1
    assert sum(len(rig.titles_at(address)) for address in addresses) == 1


@pytest.mark.parametrize("words", ["", "x" * 10_000, "\x00\ud800", "<b>&amp;</b>"])
def test_any_text_is_accepted(rig: Rig, alice: User, words: str) -> None:
    address = rig.reach(alice)
    assert send_one(rig.transport, reply(title="Title", body=words), address) is None
    assert rig.titles_at(address) == ["Title"]
