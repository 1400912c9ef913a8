"""Webhooks: signed as Standard Webhooks says, kept out of private networks, judged by the receiver's answer."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError
from yarl import URL

from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.transports import PutOff, TooLong, TransportError
from notifications_hub.transports.outbound.endpoints import Endpoint
from notifications_hub.transports.outbound.resolver import GuardedResolver
from notifications_hub.transports.own_addresses.models import Destination, OwnAddress
from notifications_hub.transports.own_addresses.store import Added, add_address, renew_secret
from notifications_hub.transports.own_addresses.transport import AddressRefused
from notifications_hub.transports.webhook.transport import ROOM, SiteWebhook, Webhook, is_extra_host, webhook_client
from tests.support.receiver import Answer, Receiver, receiver
from tests.transports.sending import REPLY, first_ended, reply, send_one

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.auth.models import AbstractBaseUser

    from accounts.models import User

pytestmark = pytest.mark.django_db
WEBHOOK = "notifications_hub.transports.webhook.transport.Webhook"
PRIVATE = (
    "https://127.0.0.1/x",
    "https://10.1.2.3/x",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/x",
    "https://[::ffff:10.0.0.1]/x",
    "https://[fd00::1]/x",
)
INVALID = (
    "",
    "hello",
    "http://example.com/x",
    "ftp://example.com/x",
    "https://a@example.com/",
    "https://example.com/#x",
)


@pytest.fixture
def there(settings: Settings) -> Iterator[Receiver]:
    with receiver() as one:
        settings.NOTIFICATIONS_HUB = {
            **settings.NOTIFICATIONS_HUB,
            "TRANSPORTS": {"web_push": None, "webhook": WEBHOOK},
            "WEBHOOK_EXTRA_HOSTS": [one.host],
            "SITE_URL": "https://hub.example",
        }
        yield one


@pytest.fixture
def added(there: Receiver, alice: User) -> Added:
    return add_address(alice, "webhook", f"{there.url}/hook", name="Workshop")


def failure(added: Added) -> TransportError:
    error = send_one(Webhook(), REPLY, str(added.row.pk))
    assert error is not None
    return error


def test_a_request_is_verified_by_the_library_of_standard_webhooks(there: Receiver, added: Added) -> None:
    assert send_one(Webhook(), REPLY, str(added.row.pk)) is None
    [request] = there.requests
    verified = Verifier(added.secret).verify(request.body, dict(request.headers))
    assert verified["type"] == "comment.reply"
    assert verified["data"]["title"] == "Bob replied to “Hello”"
    assert verified["data"]["url"] == "https://hub.example/posts/9/"
    assert verified["data"]["act"] == "https://hub.example/api/v1/push/act/"
    with pytest.raises(WebhookVerificationError):
        Verifier(added.secret).verify(request.body.replace(b"Bob", b"Eve"), dict(request.headers))


def test_a_repeated_request_has_the_same_id_so_that_the_receiver_drops_it(there: Receiver, added: Added) -> None:
    for _ in range(2):
        assert send_one(Webhook(), REPLY, str(added.row.pk)) is None
    assert [request.headers["webhook-id"] for request in there.requests] == ["12", "12"]


def test_both_secrets_sign_for_a_day_after_one_was_renewed(there: Receiver, added: Added) -> None:
    newer = renew_secret(added.row)
    assert newer.startswith("whsec_")
    assert send_one(Webhook(), REPLY, str(added.row.pk)) is None
    for secret in (newer, added.secret):
        Verifier(secret).verify(there.requests[-1].body, dict(there.requests[-1].headers))

    OwnAddress.objects.update(rotated_at=timezone.now() - timedelta(days=2))
    assert send_one(Webhook(), REPLY, str(added.row.pk)) is None
    Verifier(newer).verify(there.requests[-1].body, dict(there.requests[-1].headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(added.secret).verify(there.requests[-1].body, dict(there.requests[-1].headers))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_other_answers_are_worth_another_try(there: Receiver, added: Added, status: int) -> None:
    there.answer(Answer(status, {"Retry-After": "7"}))
    error = failure(added)
    assert (error.permanent, error.status, error.retry_after) == (False, status, 7)
    assert str(error.reason) == f"The service answered {status}."


def test_an_address_that_is_gone_is_stopped_and_says_why(there: Receiver, added: Added, alice: User) -> None:
    there.answer(Answer(410))
    assert failure(added).permanent
    added.row.refresh_from_db()
    assert added.row.stop_reason == ReasonCode.ADDRESS_GONE
    assert list(Webhook().addresses(alice)) == []
    assert failure(added).reason == failure(added).reason
    assert there.requests == []


def test_a_message_that_is_too_long_may_be_shortened(there: Receiver, added: Added) -> None:
    there.answer(Answer(413))
    assert isinstance(failure(added), TooLong)


def test_a_redirect_is_not_followed(there: Receiver, added: Added) -> None:
    with receiver() as elsewhere:
        there.answer(Answer(307, {"Location": f"{elsewhere.url}/stolen"}))
        assert failure(added).status == 307
        assert elsewhere.requests == []


def test_a_silent_receiver_is_given_up_at_the_deadline(there: Receiver, added: Added) -> None:
    there.answer(Answer(seconds=30))
    error = send_one(Webhook(webhook_client(deadline=0.3)), REPLY, str(added.row.pk))
    assert error is not None
    assert not error.permanent
    assert str(error.reason) == "No answer came within 0.3 seconds."


def test_only_the_start_of_an_answer_is_read(there: Receiver, added: Added) -> None:
    there.answer(Answer(500, body=b"x" * 3_000_000))
    assert failure(added).status == 500


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_in_a_private_network_is_refused(there: Receiver, alice: User, address: str) -> None:
    with pytest.raises(AddressRefused, match="private network"):
        add_address(alice, "webhook", address)


@pytest.mark.parametrize("address", INVALID)
def test_an_incomplete_address_is_refused(there: Receiver, alice: User, address: str) -> None:
    with pytest.raises(AddressRefused, match="complete web address"):
        add_address(alice, "webhook", address)


def test_a_name_that_leads_into_a_private_network_is_refused(there: Receiver) -> None:
    transport = Webhook(lookup=lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(AddressRefused, match="private network"):
        transport.accept("https://hooks.example.com/x")


class _Leading(AbstractResolver):
    """A resolver that leads every name to this machine."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


def test_a_name_that_became_private_is_refused_when_it_is_dialled(there: Receiver) -> None:
    client = webhook_client(resolver=lambda: GuardedResolver(is_extra_host, _Leading()))
    destination = Destination("https://hooks.example.com/secret-path-of-alice", ("whsec_" + "a" * 44,))

    async def dial() -> None:
        try:
            await Webhook(client).send_to(REPLY, destination)
        finally:
            await client.close()

    with pytest.raises(TransportError, match="no longer sends to this address"):
        asyncio.run(dial())


@pytest.mark.parametrize("address", PRIVATE)
def test_a_number_of_a_private_network_is_refused_when_it_is_dialled(there: Receiver, address: str) -> None:
    with pytest.raises(TransportError) as refused:
        asyncio.run(Webhook().send_to(REPLY, Destination(address, ("whsec_" + "a" * 44,))))
    assert refused.value.reason == DeliveryReason(ReasonCode.ADDRESS_REFUSED)


def test_an_address_that_the_site_no_longer_allows_is_not_sent_to(
    there: Receiver, added: Added, settings: Settings
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "WEBHOOK_EXTRA_HOSTS": []}
    assert failure(added).reason == failure(added).reason
    assert there.requests == []


def test_an_address_is_stored_sealed_and_opened_by_older_keys(
    there: Receiver, added: Added, settings: Settings
) -> None:
    stored = " ".join(map(str, OwnAddress.objects.values_list()[0]))
    assert "/hook" not in stored
    assert added.secret not in stored
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-this-site"
    assert send_one(Webhook(), REPLY, str(added.row.pk)) is None
    settings.SECRET_KEY_FALLBACKS = []
    assert failure(added).permanent
    added.row.refresh_from_db()
    assert added.row.stop_reason == ReasonCode.ADDRESS_UNREADABLE


@pytest.mark.parametrize("words", ["", "x" * 10_000, "\x00\ud800", "<b>&amp;</b>"])
def test_any_text_is_sent(there: Receiver, added: Added, words: str) -> None:
    assert send_one(Webhook(), reply(body=words), str(added.row.pk)) is None
    assert json.loads(there.requests[-1].body)["data"]["body"] == words


class TeamHook(SiteWebhook):
    name = "team_hook"
    url = ""

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        return ["team-7"]

    def destination(self, address: str) -> Destination | None:
        return Destination(f"{self.url}/{address}", ("whsec_" + "a" * 44,)) if address == "team-7" else None


def test_a_host_gives_addresses_in_code(there: Receiver, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TeamHook, "url", there.url)
    [address] = TeamHook().addresses(alice)
    assert send_one(TeamHook(), REPLY, address) is None
    [request] = there.requests
    assert request.path == "/team-7"
    Verifier("whsec_" + "a" * 44).verify(request.body, dict(request.headers))
    error = send_one(TeamHook(), REPLY, "team-8")
    assert error is not None
    assert error.permanent


def test_slow_hosts_leave_the_slots_of_a_worker_to_others() -> None:
    async def put_off(hosts: int, each: int, expected: float) -> int:
        # They accept connections, and never answer.
        servers = [socket.create_server(("127.0.0.1", 0), backlog=100) for _ in range(hosts)]
        urls = [URL(f"http://127.0.0.1:{one.getsockname()[1]}/") for one in servers]
        client = webhook_client(deadline=60)
        endpoints = [Endpoint(url, "127.0.0.1", url.port or 0) for url in urls for _ in range(each)]
        posts = [asyncio.create_task(client.post(one, b"{}", {})) for one in endpoints]
        done, rest = await first_ended(posts, expected)
        for one in rest:
            one.cancel()
        await asyncio.wait(rest)
        await client.close()
        for server in servers:
            server.close()
        assert {type(one.exception()) for one in done} == {PutOff}
        return len(done)

    assert asyncio.run(put_off(1, 100, 100 - ROOM.per_host)) == 100 - ROOM.per_host
    assert asyncio.run(put_off(10, 40, 400 - ROOM.in_all)) == 400 - ROOM.in_all
