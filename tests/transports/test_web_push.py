"""The Web Push transport against a local push service that can give any answer."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from asgiref.sync import async_to_sync
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from notifications_hub.kinds import Urgency
from notifications_hub.transports.base import TransportError
from notifications_hub.transports.outbound.host_limits import CONNECTIONS_PER_HOST
from notifications_hub.transports.outbound.http_client import Answer, HttpClient
from notifications_hub.transports.outbound.resolver import GuardedResolver
from notifications_hub.transports.web_push.endpoints import is_extra_host, parse_endpoint
from notifications_hub.transports.web_push.subscriptions import PushSubscription, register
from notifications_hub.transports.web_push.transport import WebPush, push_client
from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.push_lab.faults import Fault
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.transports.sending import REPLY, reply, send, send_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(push_site: LocalPushService, vapid: VapidKey) -> Reader:
    return push_site.subscribe(vapid.public)


@pytest.fixture
def browser(reader: Reader, alice: User) -> PushSubscription:
    return register(alice, reader.to_json(), "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0")


@contextmanager
def listener() -> Iterator[tuple[int, list[object]]]:
    """A service of the private network that counts connections."""
    hits: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def count() -> None:
            while True:
                try:
                    connection, address = server.accept()
                except OSError:
                    return
                hits.append(address)
                connection.close()

        thread = threading.Thread(target=count)
        thread.start()
        try:
            yield server.getsockname()[1], hits
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


# Requests


def test_a_push_follows_the_standards(push_site: LocalPushService, vapid: VapidKey, browser: PushSubscription) -> None:
    assert send_one(WebPush(), reply(urgency=Urgency.HIGH), str(browser.pk)) is None
    (request,) = push_site.requests
    (message,) = push_site.messages.values()
    assert (message.ttl, message.urgency) == (86_400, "high")
    assert message.topic is not None
    assert len(message.topic) == 32
    assert request.claims["aud"] == push_site.origin
    assert request.claims["sub"] == "mailto:ops@hub.example"
    assert time.time() < request.claims["exp"] < time.time() + 12 * 3600
    assert request.headers["authorization"].endswith(f"k={vapid.public}")


def test_the_browser_can_read_it_and_the_push_service_cannot(
    push_site: LocalPushService, reader: Reader, browser: PushSubscription
) -> None:
    send_one(WebPush(), REPLY, str(browser.pk))
    (message,) = push_site.messages.values()
    assert reader.read_json(message.body)["notification"]["title"] == REPLY.title
    assert "我同意".encode() not in message.body


def test_only_the_last_push_of_a_tag_waits(push_site: LocalPushService, browser: PushSubscription) -> None:
    for tag in ("n12", "n12", "n13"):
        send_one(WebPush(), reply(tag=tag), str(browser.pk))
    assert [message.state for message in push_site.messages.values()] == ["replaced", "stored", "stored"]


def test_a_push_waits_for_a_closed_browser(
    settings: Settings, push_site: LocalPushService, browser: PushSubscription
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_TTL": 0}
    send_one(WebPush(), REPLY, str(browser.pk))
    (message,) = push_site.messages.values()
    assert message.ttl >= 1


def test_a_browser_of_the_previous_key_gets_a_push_signed_with_that_key(
    settings: Settings, push_site: LocalPushService, private_key: str, browser: PushSubscription
) -> None:
    rotated = {"VAPID_PRIVATE_KEY": generate(), "VAPID_PREVIOUS_KEY": private_key}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **rotated}
    assert send_one(WebPush(), REPLY, str(browser.pk)) is None


def test_the_last_use_of_a_browser_is_remembered(browser: PushSubscription) -> None:
    PushSubscription.objects.update(last_used=timezone.now() - timedelta(days=3))
    send_one(WebPush(), REPLY, str(browser.pk))
    browser.refresh_from_db()
    assert timezone.now() - browser.last_used < timedelta(minutes=1)


def test_no_address_is_found_without_a_key(settings: Settings, alice: User, browser: PushSubscription) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": ""}
    assert list(WebPush().addresses(alice)) == []
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert not error.permanent


# Answers


@pytest.mark.parametrize("status", [200, 201, 202])
def test_an_accepted_push_is_sent(push_site: LocalPushService, browser: PushSubscription, status: int) -> None:
    push_site.fail(Fault(status))
    assert send_one(WebPush(), REPLY, str(browser.pk)) is None


@pytest.mark.parametrize("status", [404, 410])
def test_a_browser_that_is_gone_is_a_permanent_failure(
    push_site: LocalPushService, browser: PushSubscription, status: int
) -> None:
    push_site.fail(Fault(status))
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert (error.permanent, error.status) == (True, status)


@pytest.mark.parametrize("status", [400, 401, 403, 301, 302, 303, 307, 308])
def test_a_refused_browser_is_held_back_but_never_deleted(
    push_site: LocalPushService, alice: User, reader: Reader, browser: PushSubscription, status: int
) -> None:
    push_site.fail(Fault(status))
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert (error.permanent, error.status) == (False, status)
    browser.refresh_from_db()
    assert browser.quarantined_at is not None
    assert list(WebPush().addresses(alice)) == []

    assert send_one(WebPush(), REPLY, str(browser.pk)) is not None
    assert len(push_site.requests) == 1, "one that is held back is not asked again"

    register(alice, reader.to_json(), "")
    assert list(WebPush().addresses(alice)) == [str(browser.pk)]
    assert send_one(WebPush(), REPLY, str(browser.pk)) is None


@pytest.mark.parametrize("status", [204, 405, 413, 429, 500, 502, 503])
def test_any_other_answer_is_temporary(
    push_site: LocalPushService, alice: User, browser: PushSubscription, status: int
) -> None:
    push_site.fail(Fault(status))
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert (error.permanent, error.status) == (False, status)
    assert list(WebPush().addresses(alice)) == [str(browser.pk)]


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [("7", 7, 7), ("Fri, 01 Jan 2100 00:00:00 GMT", 1e9, 1e11), ("Mon, 01 Jan 2001 00:00:00 GMT", 0, 0)],
)
def test_the_push_service_may_set_the_pause(
    push_site: LocalPushService, browser: PushSubscription, header: str, least: float, most: float
) -> None:
    push_site.fail(Fault(429, headers={"Retry-After": header}))
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert error.retry_after is not None
    assert least <= error.retry_after <= most


@pytest.mark.parametrize("header", ["soon", "-1", "²", ""])
def test_an_invalid_pause_is_ignored(push_site: LocalPushService, browser: PushSubscription, header: str) -> None:
    push_site.fail(Fault(503, headers={"Retry-After": header.encode().decode("latin-1")}))
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert error.retry_after is None


def test_a_dropped_connection_is_temporary(push_site: LocalPushService, browser: PushSubscription) -> None:
    push_site.fail(Fault(mode="drop"))
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert not error.permanent


# Hostile push services


@pytest.mark.clocked
def test_a_silent_push_service_costs_no_more_than_the_deadline(
    push_site: LocalPushService, browser: PushSubscription
) -> None:
    push_site.fail(Fault(mode="hang"))
    start = time.monotonic()
    error = send_one(WebPush(push_client(deadline=0.5)), REPLY, str(browser.pk))
    assert time.monotonic() - start < 2
    assert error is not None
    assert not error.permanent


@pytest.mark.parametrize("status", [201, 500])
def test_an_answer_without_an_end_is_cut_off(
    push_site: LocalPushService, browser: PushSubscription, status: int
) -> None:
    push_site.fail(Fault(status, mode="drip"))
    start = time.monotonic()
    error = send_one(WebPush(push_client(deadline=60)), REPLY, str(browser.pk))
    assert time.monotonic() - start < 30
    assert (error is None) == (status == 201), "the status is the verdict"


def test_a_huge_answer_is_not_read(push_site: LocalPushService, browser: PushSubscription) -> None:
    push_site.fail(Fault(500, body=b"x" * 50_000_000))
    start = time.monotonic()
    error = send_one(WebPush(push_client(deadline=60)), REPLY, str(browser.pk))
    assert time.monotonic() - start < 30
    assert error is not None
    assert len(str(error.reason)) < 200


def test_only_the_start_of_an_answer_is_kept(push_site: LocalPushService, browser: PushSubscription) -> None:
    push_site.fail(Fault(500, body=b"x" * 50_000))
    assert len(_answer_to(push_client(), browser).text) <= 4096


def test_a_compressed_answer_is_not_decompressed(push_site: LocalPushService, browser: PushSubscription) -> None:
    packed = gzip.compress(b"bomb" * 10_000_000)
    push_site.fail(Fault(500, headers={"Content-Encoding": "gzip"}, body=packed))
    answer = _answer_to(push_client(), browser)
    assert answer.status == 500
    assert "bomb" not in answer.text


def test_a_push_service_cannot_set_a_cookie(push_site: LocalPushService, browser: PushSubscription) -> None:
    push_site.fail(Fault(500, headers={"Set-Cookie": "follow=alice"}))
    transport = WebPush()
    addresses = [str(browser.pk)] * 2

    async def twice() -> None:
        for address in addresses:
            with suppress(TransportError):
                await transport.send(REPLY, address)
        await transport.close()

    async_to_sync(twice)()
    assert len(push_site.requests) == 2
    assert "cookie" not in push_site.requests[-1].headers


def _answer_to(client: HttpClient, browser: PushSubscription) -> Answer:
    async def post() -> Answer:
        try:
            return await client.post(parse_endpoint(browser.endpoint), b"", {})
        finally:
            await client.close()

    return async_to_sync(post)()


def test_a_slow_push_service_does_not_delay_the_others(
    push_site: LocalPushService, vapid: VapidKey, alice: User, browser: PushSubscription
) -> None:
    others = [str(register(alice, push_site.subscribe(vapid.public).to_json(), "").pk) for _ in range(5)]
    push_site.fail(Fault(mode="hang", token=browser.endpoint.rsplit("/", 1)[1]))
    errors = send(WebPush(push_client(deadline=1)), REPLY, str(browser.pk), *others)
    assert [error is None for error in errors] == [False, *[True] * 5]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_into_the_private_network_is_not_followed(
    push_site: LocalPushService, browser: PushSubscription, status: int
) -> None:
    with listener() as (port, hits):
        push_site.fail(Fault(status, headers={"Location": f"http://127.0.0.1:{port}/secret"}))
        send_one(WebPush(), REPLY, str(browser.pk))
        assert hits == []


class Leading(AbstractResolver):
    """A name server that resolves every name to one port of this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        here = ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=family, proto=0, flags=0)
        return [here]

    async def close(self) -> None:
        pass


def test_a_name_that_became_private_since_registration_is_refused(vapid: VapidKey, alice: User) -> None:
    reader = Reader("https://evil.notify.windows.com/w")
    browser = register(alice, reader.to_json(), "", lookup=lambda host, port: ["8.8.8.8"])
    with listener() as (port, hits):
        guarded = WebPush(push_client(resolver=lambda: GuardedResolver(is_extra_host, Leading(port))))
        error = send_one(guarded, REPLY, str(browser.pk))
        assert error is not None
        assert not error.permanent
        assert hits == []

        send_one(WebPush(push_client(resolver=lambda: Leading(port))), REPLY, str(browser.pk))
        assert len(hits) > 0, "without the guard it would have been reached"


def test_the_environment_cannot_send_pushes_through_a_proxy(
    monkeypatch: pytest.MonkeyPatch, push_site: LocalPushService, browser: PushSubscription
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert send_one(WebPush(), REPLY, str(browser.pk)) is None


def test_a_host_that_is_no_longer_allowed_is_not_sent_to(
    settings: Settings, push_site: LocalPushService, browser: PushSubscription
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_EXTRA_HOSTS": []}
    error = send_one(WebPush(), REPLY, str(browser.pk))
    assert error is not None
    assert push_site.requests == []
    browser.refresh_from_db()
    assert browser.quarantined_at is not None


def test_a_browser_with_unusable_keys_is_held_back(push_site: LocalPushService, browser: PushSubscription) -> None:
    PushSubscription.objects.update(p256dh="AAAA")
    assert send_one(WebPush(), REPLY, str(browser.pk)) is not None
    browser.refresh_from_db()
    assert browser.quarantined_at is not None


def test_one_connection_carries_many_pushes(push_site: LocalPushService, browser: PushSubscription) -> None:
    errors = send(WebPush(), REPLY, *[str(browser.pk)] * 200)
    assert errors == [None] * 200
    assert len({request.connection for request in push_site.requests}) <= CONNECTIONS_PER_HOST
