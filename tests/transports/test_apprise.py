"""Apprise, with real services on this machine: what may be added, where it may connect, and how refusals are judged."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import apprise
import pytest
from apprise.manager_plugins import NotificationManager
from pytest_django import Settings

from notifications_hub.conf import APPRISE_SCHEMAS
from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.kinds import Privacy
from notifications_hub.transports import PutOff, TooLong, TransportError
from notifications_hub.transports.apprise import services
from notifications_hub.transports.apprise.guard import Forbidden, Guard, guarded
from notifications_hub.transports.apprise.guarded_pool import PER_SERVICE, WAITING, GuardedPool
from notifications_hub.transports.apprise.services import load_plugins
from notifications_hub.transports.apprise.transport import Apprise, SiteApprise
from notifications_hub.transports.own_addresses.models import Destination, OwnAddress
from notifications_hub.transports.own_addresses.store import add_address
from notifications_hub.transports.own_addresses.transport import AddressRefused
from tests.support.receiver import Answer, Receiver, receiver
from tests.transports.sending import REPLY, first_ended, reply, send, send_one

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from accounts.models import User

pytestmark = pytest.mark.django_db
APPRISE = "notifications_hub.transports.apprise.transport.Apprise"
SECRET = "hunter2-of-alice"
ACCEPTED = {
    "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ": "Slack",
    "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general": "Slack",
    "https://discord.com/api/webhooks/1234567890/abcdefghijklmnopqrstuvwxyz0123456789": "Discord",
    "tgram://123456789:abcdefg_hijklmnop/12315544/": "Telegram",
    "dingtalk://abcdefgh12345678": "DingTalk",
    "feishu://abcdefghijklmnopq": "Feishu",
    "matrixs://:token@matrix.org/#room": "Matrix (matrix.org)",
    f"zulip://bot@hub/{'a' * 32}/stream": "Zulip",
    f"zulip://bot@hub.matrix.example/{'a' * 32}/stream": "Zulip (hub.matrix.example)",
}
LOCAL = (
    "file:///etc/passwd",
    "syslog://",
    "dbus://",
    "gnome://",
    "macosx://",
    "windows://",
    "exec://ls",
    "script://ls",
    "json://127.0.0.1/x",
    "xml://10.0.0.1/x",
    "form://169.254.169.254/x",
    "mailto://user:password@example.com?smtp=10.0.0.1",
    "rsyslog://127.0.0.1",
    "mqtt://127.0.0.1/topic",
)


@pytest.fixture
def there(settings: Settings) -> Iterator[Receiver]:
    load_plugins()
    with receiver() as one:
        settings.NOTIFICATIONS_HUB = {
            **settings.NOTIFICATIONS_HUB,
            "TRANSPORTS": {"web_push": None, "apprise": APPRISE},
            "APPRISE_SCHEMAS": [*APPRISE_SCHEMAS, "json", "mmost"],
            "APPRISE_HOSTS": [one.host, ".logic.azure.com", ".matrix.example", "matrix.org"],
            "SITE_URL": "https://hub.example",
        }
        yield one


@pytest.fixture
def address(there: Receiver, alice: User) -> str:
    return str(add_address(alice, "apprise", f"json://alice:{SECRET}@{there.host}/inbox").row.pk)


def failure(address: str, transport: Apprise | None = None) -> TransportError:
    error = send_one(transport or Apprise(), REPLY, address)
    assert error is not None
    return error


def test_a_message_has_its_level_and_its_link(there: Receiver, address: str) -> None:
    assert send_one(Apprise(), reply(level="warning"), address) is None
    [request] = there.requests
    sent = json.loads(request.body)
    assert sent["title"] == "Bob replied to “Hello”"
    assert sent["message"] == "I agree. 我同意 👋\nhttps://hub.example/posts/9/"
    assert sent["type"] == "warning"


def test_a_title_alone_is_the_text(there: Receiver, address: str) -> None:
    assert send_one(Apprise(), reply(body="", url=""), address) is None
    assert json.loads(there.requests[0].body)["message"] == REPLY.title


def test_a_private_kind_shows_no_content(there: Receiver, address: str) -> None:
    assert send_one(Apprise(), reply(privacy=Privacy.NOTHING), address) is None
    sent = json.loads(there.requests[0].body)
    assert (sent["title"], sent["message"]) == ("You have a new notification", "https://hub.example/posts/9/")


def test_a_service_shaped_like_slack_gets_one_message_however_long(there: Receiver, alice: User) -> None:
    row = add_address(alice, "apprise", f"mmost://{there.host}/3ccdd113474722377935511fc85d3dd4").row
    assert row.where == "Mattermost (127.0.0.1)"
    assert send_one(Apprise(), reply(body="word " * 3000), str(row.pk)) is None
    [request] = there.requests
    assert request.path == "/hooks/3ccdd113474722377935511fc85d3dd4"
    assert len(json.loads(request.body)["text"]) <= 4000


@pytest.mark.parametrize(("given", "where"), ACCEPTED.items())
def test_an_address_or_a_link_of_a_known_service_is_accepted(there: Receiver, given: str, where: str) -> None:
    assert Apprise().accept(given).where == where


@pytest.mark.parametrize("given", LOCAL)
def test_an_address_that_reaches_this_machine_or_any_host_is_refused(given: str) -> None:
    with pytest.raises(AddressRefused):
        Apprise().accept(given)


@pytest.mark.parametrize(
    "given",
    [
        "workflows://evil.example/workflow-id/signature/",
        "matrixs://:token@localhost/#room",
        "matrixs://:token@matrix.org.evil.example/#room",
        f"zulip://bot@hub.evil.example/{'a' * 32}/stream",
        "discord://1234567890/abcdefghijklmnopqrstuvwxyz0123456789?template=https://evil.example/template.json",
        "workflows://evil-logic.azure.com/workflow-id/signature/",
        "tgram://123456789:abcdefg_hijklmnop/1/2",
        "tgram://",
        "",
        "https://example.com/webhook",
        "slack://" + "x" * 3000,
    ],
)
def test_a_host_that_is_not_listed_and_several_recipients_are_refused(there: Receiver, given: str) -> None:
    with pytest.raises(AddressRefused):
        Apprise().accept(given)


def test_a_link_of_a_service_that_is_not_listed_is_refused(there: Receiver, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "APPRISE_SCHEMAS": ["tgram"]}
    with pytest.raises(AddressRefused):
        Apprise().accept("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")


def test_no_default_scheme_lets_a_person_choose_the_host_but_those_that_are_limited() -> None:
    manager: Any = NotificationManager
    plugins = manager()
    of_hosts = {schema for schema in APPRISE_SCHEMAS if "host" in plugins[schema].template_tokens}
    assert of_hosts == {"matrix", "matrixs", "workflow", "workflows"}


def test_an_address_cannot_read_a_file_of_the_server(there: Receiver, tmp_path: Path) -> None:
    secret = tmp_path / "template.json"
    secret.write_text('{"text": "a secret of the server"}')
    address = f"workflows://{there.host}/workflow-id/signature/?template={secret}"
    with pytest.raises(TransportError, match="no longer sends"):
        asyncio.run(Apprise().send_to(REPLY, Destination(address)))
    guard = services.new_guard()
    with guarded(guard):
        assert not services.create(address).notify(body="Hello")
    assert guard.refused


@pytest.mark.parametrize(("status", "permanent"), [(404, True), (410, True), (401, False), (429, False), (503, False)])
def test_a_refusal_is_judged_by_its_status(there: Receiver, address: str, status: int, *, permanent: bool) -> None:
    there.answer(Answer(status))
    error = failure(address)
    assert (error.status, error.permanent) == (status, permanent)


def test_a_message_that_is_too_long_may_be_shortened(there: Receiver, address: str) -> None:
    there.answer(Answer(413))
    assert isinstance(failure(address), TooLong)


def test_an_address_that_is_gone_is_stopped(there: Receiver, address: str, alice: User) -> None:
    there.answer(Answer(404))
    assert failure(address).permanent
    assert list(Apprise().addresses(alice)) == []
    assert OwnAddress.objects.get().stop_reason == ReasonCode.ADDRESS_GONE


def test_a_redirect_is_not_followed(there: Receiver, address: str) -> None:
    with receiver() as elsewhere:
        there.answer(Answer(307, {"Location": f"{elsewhere.url}/stolen"}))
        failure(address)
        assert elsewhere.requests == []


def test_no_part_of_an_address_is_in_the_log_or_in_the_reason(
    there: Receiver, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    there.answer(Answer(500, body=SECRET.encode()))
    words = [str(failure(address).reason)]
    there.default = Answer(400)
    words += [str(failure(address).reason)]
    assert send_one(Apprise(), REPLY, address) is not None
    assert SECRET not in caplog.text + " ".join(words)
    assert "/inbox" not in caplog.text + " ".join(words)


def test_a_connection_is_refused_once_the_site_no_longer_lists_the_host(
    there: Receiver, address: str, settings: Settings
) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "APPRISE_HOSTS": []}
    assert failure(address).reason == failure(address).reason
    assert there.requests == []


def test_a_listed_ending_that_leads_into_a_private_network_is_refused_when_dialled(
    there: Receiver, alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(there.host.rpartition(":")[2])
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answer)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "APPRISE_HOSTS": [".example.com"]}
    row = add_address(alice, "apprise", f"json://rebound.example.com:{port}/x").row
    assert failure(str(row.pk)).reason.code == ReasonCode.ADDRESS_REFUSED  # type: ignore[union-attr]
    assert there.requests == []


def _opens_a_file() -> None:
    Path("/etc/hosts").read_text()


def _writes_a_file() -> None:
    (Path(os.__file__).parent / "written.txt").write_text("x")


def _starts_a_thread() -> None:
    threading.Thread(target=print).start()


def _starts_a_process() -> None:
    subprocess.run(["true"], check=True)


def _connects_to_a_name() -> None:
    socket.socket().connect(("localhost", 9))


def _connects_within_the_machine() -> None:
    socket.socket(socket.AF_UNIX).connect("/run/docker.sock")


def _connects_to_a_private_number() -> None:
    socket.socket().connect(("169.254.169.254", 80))


@pytest.mark.parametrize(
    "act",
    [
        _opens_a_file,
        _writes_a_file,
        pytest.param(
            _starts_a_thread, marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="3.11 reports no threads")
        ),
        _starts_a_process,
        _connects_to_a_name,
        _connects_within_the_machine,
        _connects_to_a_private_number,
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_guarded_code_reaches_nothing_of_this_machine(act: Callable[[], None]) -> None:
    guard = Guard(lambda host, port: False)
    with pytest.raises(Forbidden), guarded(guard):
        act()
    assert guard.refused


def test_other_threads_are_not_guarded(tmp_path: Path) -> None:
    done: list[str] = []

    def read() -> None:
        (tmp_path / "a").write_text("x")
        done.append((tmp_path / "a").read_text())

    thread = threading.Thread(target=read)
    with guarded(Guard(lambda host, port: False)):
        pass
    thread.start()
    thread.join()
    assert done == ["x"]


def test_a_silent_service_is_given_up_and_its_thread_ends(there: Receiver, address: str) -> None:
    there.answer(Answer(seconds=60))
    before = threading.active_count()
    assert failure(address, Apprise(GuardedPool(deadline=0.5))).reason.code == ReasonCode.NO_ANSWER  # type: ignore[union-attr]
    # The thread has its place back, although the service never answers.
    deadline = time.monotonic() + 30
    while send_one(Apprise(GuardedPool()), REPLY, address) is not None:
        assert time.monotonic() < deadline
    assert threading.active_count() <= before + 16


@pytest.mark.clocked
def test_a_slow_service_takes_its_own_threads_alone(there: Receiver, address: str, alice: User) -> None:
    with receiver() as slow:
        pool = GuardedPool(deadline=3)
        slow.default = Answer(seconds=60)
        silent = [SiteSlow(pool, slow.url)] * (PER_SERVICE + 2)

        async def run() -> tuple[list[BaseException | int | None], float]:
            waiting = [asyncio.create_task(one.send(REPLY, "slow")) for one in silent]
            await asyncio.sleep(0.2)
            started = time.monotonic()
            await Apprise(pool).send_to(REPLY, Destination(f"json://{there.host}/inbox"))
            took = time.monotonic() - started
            return list(await asyncio.gather(*waiting, return_exceptions=True)), took

        results, took = asyncio.run(run())
    assert took < 2.5
    assert [type(one) for one in results].count(PutOff) == 2
    assert len(there.requests) == 1


def test_a_crowd_for_a_slow_service_leaves_the_workers_slots_to_others(there: Receiver) -> None:
    with receiver() as slow:
        slow.default = Answer(seconds=60)
        transport = SiteSlow(GuardedPool(deadline=60), slow.url)

        async def run() -> list[BaseException | None]:
            sends = [asyncio.create_task(transport.send(REPLY, "slow")) for _ in range(400)]
            done, rest = await first_ended(sends, 400 - PER_SERVICE - WAITING)
            for one in rest:
                one.cancel()
            await asyncio.wait(rest)
            return [one.exception() for one in done]

        put_off = asyncio.run(run())
    assert len(put_off) >= 400 - PER_SERVICE - WAITING
    assert {type(one) for one in put_off} == {PutOff}


class SiteSlow(SiteApprise):
    name = "slow"

    def __init__(self, pool: GuardedPool, url: str) -> None:
        super().__init__(pool)
        self._url = url

    def addresses(self, person: AbstractBaseUser) -> Iterable[str]:
        return ["slow"]

    def destination(self, address: str) -> Destination | None:
        return Destination(self._url.replace("http://", "json://")) if address == "slow" else None


def test_a_host_gives_an_address_in_code_of_any_scheme(there: Receiver, alice: User, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "APPRISE_HOSTS": [], "APPRISE_SCHEMAS": []}
    transport = SiteSlow(GuardedPool(), there.url)
    assert send(transport, REPLY, *transport.addresses(alice)) == [None]
    assert len(there.requests) == 1
    error = send_one(transport, REPLY, "unknown")
    assert error is not None
    assert error.permanent


def test_a_pause_that_a_service_asks_for_is_the_workers(there: Receiver, address: str) -> None:
    service = services.create(f"json://{there.host}/inbox")
    with pytest.raises(services.Paused):
        service.throttle(wait=600)
    assert isinstance(service, apprise.NotifyBase)
