"""The public behaviour suite over the transports of this package, and over faulty ones, which it must find."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pytest_django import Settings

from notifications_hub.testing import (
    BUSY_SECONDS,
    Fault,
    HttpOtherSide,
    OtherSide,
    Received,
    ReceivedRequest,
    TransportSuite,
)
from notifications_hub.transports import TooLong, TransportError
from notifications_hub.transports.apprise.guarded_pool import GuardedPool
from notifications_hub.transports.apprise.transport import Apprise
from notifications_hub.transports.email.transport import Email
from notifications_hub.transports.memory import Memory
from notifications_hub.transports.outbound import http_client
from notifications_hub.transports.own_addresses.store import add_address
from notifications_hub.transports.web_push.subscriptions import register
from notifications_hub.transports.web_push.transport import WebPush
from notifications_hub.transports.web_push.vapid import VapidKey
from notifications_hub.transports.webhook.transport import Webhook, webhook_client
from tests.push_lab import faults
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.support.smtp import DROP, HANG, MailServer, text_of, use_mail_server

# On PostgreSQL too, one transport with a table of addresses is enough: the others' queries are tested beside them.
pytestmark = pytest.mark.both_databases(short="sqlite")

WEBHOOK = "notifications_hub.transports.webhook.transport.Webhook"
APPRISE = "notifications_hub.transports.apprise.transport.Apprise"
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
        return [Received(f"{one['title']} {one.get('body', '')}", one["tag"]) for one in shown]

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
        monkeypatch.setattr(http_client, "DEADLINE", 3.0)
        return WebPush()

    @pytest.fixture
    def other_side(self, push_site: LocalPushService, vapid: VapidKey) -> Browsers:
        return Browsers(push_site, vapid)


class OwnAddresses(HttpOtherSide):
    """Addresses of people's own, on one server."""

    secrets = ("secret-of-",)
    transport = ""
    scheme = ""

    def __init__(self) -> None:
        super().__init__()
        self._paths: dict[str, str] = {}

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def reach(self, person: Any) -> str:
        path = f"/secret-of-{person.pk}"
        address = str(add_address(person, self.transport, f"{self.scheme}{self.host}{path}").row.pk)
        self._paths[address] = path
        return address

    def path_of(self, address: str) -> str:
        return self._paths[address]


class Receivers(OwnAddresses):
    transport, scheme = "webhook", "http://"

    def read(self, request: ReceivedRequest) -> Received:
        data = request.json()["data"]
        return Received(f"{data['title']} {data['body']}", data["tag"])


@pytest.mark.both_databases(short="postgresql")
class TestWebhook(TransportSuite):
    @pytest.fixture
    def transport(self) -> Webhook:
        return Webhook(webhook_client(deadline=3.0))

    @pytest.fixture
    def other_side(self, settings: Settings) -> Iterator[Receivers]:
        with Receivers() as side:
            given = {"TRANSPORTS": {"webhook": WEBHOOK}, "WEBHOOK_EXTRA_HOSTS": [side.host]}
            settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **given}
            yield side


class Services(OwnAddresses):
    # The library does not pass on for how long a service asks to wait.
    lacks = (Fault.BUSY,)
    transport, scheme = "apprise", "json://"

    def read(self, request: ReceivedRequest) -> Received:
        sent = request.json()
        return Received(f"{sent['title']} {sent['message']}")


class TestApprise(TransportSuite):
    @pytest.fixture
    def transport(self) -> Apprise:
        return Apprise(GuardedPool(deadline=3.0))

    @pytest.fixture
    def other_side(self, settings: Settings) -> Iterator[Services]:
        with Services() as side:
            given = {"TRANSPORTS": {"apprise": APPRISE}, "APPRISE_SCHEMAS": ["json"], "APPRISE_HOSTS": [side.host]}
            settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **given}
            yield side


class Mailboxes(OtherSide):
    """People's mailboxes, on one mail server. It knows no `Retry-After`."""

    lacks = (Fault.BUSY,)
    secrets = ("@example.com",)

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._people: dict[str, Any] = {}

    def reach(self, person: Any) -> str:
        self._people[str(person.pk)] = person
        return str(person.pk)

    def received(self, address: str) -> Sequence[Received]:
        emails = self._server.to(self._people[address].email)
        return [Received(f"{one['Subject']} {text_of(one)}", one["Message-ID"]) for one in emails]

    def fail_next(self, fault: Fault, address: str) -> None:
        answer, at_data = {
            Fault.PASSING: ("451 4.7.1 Not now", False),
            Fault.GONE: ("550 5.1.1 No such person: alice@example.com", False),
            Fault.TOO_LONG: ("552 5.3.4 Too long", True),
            Fault.DROPS: (DROP, False),
            Fault.SILENT: (HANG, False),
        }[fault]
        email = self._people[address].email
        self._server.fail(email, answer, at_data=at_data, once=fault is not Fault.GONE)


class TestEmail(TransportSuite):
    @pytest.fixture
    def transport(self, settings: Settings) -> Email:
        settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "SITE_URL": "https://hub.example"}
        return Email()

    @pytest.fixture
    def other_side(self, settings: Settings) -> Iterator[Mailboxes]:
        with MailServer() as server:
            use_mail_server(settings, server)
            yield Mailboxes(server)
