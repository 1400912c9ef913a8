"""The receivers of the guide on webhooks, in Python and in JavaScript: they accept what is genuine, and only that."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from pytest_django import Settings

from notifications_hub.transports import TransportError
from notifications_hub.transports.own_addresses.models import Destination
from notifications_hub.transports.webhook.signature import signed_headers
from notifications_hub.transports.webhook.transport import Webhook, payload
from tests.support.host import blocks_of
from tests.support.processes import ROOT, Program, free_port
from tests.transports.sending import REPLY

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZWFtLCBub3QgdG8gYmUgdG9sZA=="
OTHER = "whsec_YW5vdGhlciBzZWNyZXQsIG9mIHNvbWVib2R5IGVsc2UuLi4="
COMMANDS = {"receiver.py": sys.executable, "receiver.mjs": "node"}


class Running(NamedTuple):
    url: str
    log: Path

    def send(self, *secrets: str) -> int:
        """Send as the worker does. Return the status of the answer."""

        async def send() -> int:
            transport = Webhook()
            try:
                return await transport.send_to(REPLY, Destination(self.url, secrets))
            finally:
                await transport.close()

        try:
            return asyncio.run(send())
        except TransportError as error:
            return error.status or 0


@pytest.fixture(params=COMMANDS)
def running(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Iterator[Running]:
    guide = ROOT / "docs" / "guides" / "webhooks.md"
    [code] = [block.code for block in blocks_of(guide) if block.path == request.param]
    (tmp_path / request.param).write_text(code)
    port = free_port()
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "WEBHOOK_EXTRA_HOSTS": [f"127.0.0.1:{port}"]}
    command = [COMMANDS[request.param], str(tmp_path / request.param)]
    environment = {"PORT": str(port), "WEBHOOK_SECRET": SECRET, "PATH": "/usr/local/bin:/usr/bin:/bin"}
    program = Program(command, log=tmp_path / "log", environment=environment)
    try:
        program.wait_until_ready(lambda: _answers(f"http://127.0.0.1:{port}/"))
        yield Running(f"http://127.0.0.1:{port}/", tmp_path / "log")
    finally:
        program.stop()


def _answers(url: str) -> bool:
    try:
        return requests.post(url, timeout=30).status_code == 401
    except requests.ConnectionError:
        return False


def test_a_receiver_takes_each_genuine_message_once(running: Running) -> None:
    assert running.send(SECRET) == 204
    assert running.send(OTHER, SECRET) == 204
    assert running.log.read_text().count(REPLY.title) == 1


def test_a_receiver_refuses_what_is_not_genuine(running: Running) -> None:
    assert running.send(OTHER) == 401
    body = payload(REPLY)
    headers = signed_headers("12", body, [SECRET])
    for changed, text in (
        ({}, body.replace("Bob", "Eve")),
        ({"webhook-id": "13"}, body),
        ({"webhook-timestamp": "1"}, body),
        ({"webhook-signature": ""}, body),
    ):
        answer = requests.post(running.url, data=text.encode(), headers={**headers, **changed}, timeout=30)
        assert answer.status_code == 401
    assert REPLY.title not in running.log.read_text()
