"""Schemathesis finds no fault: every route, both kinds of authentication, and all of its checks.

It knows no signed token, and no rule that a schema cannot state. `fuzzing_checks.py` lists in which words a route may
refuse what its schema allows. Any other refusal is a fault, as is whatever else differs from the document.
The short form of `bin/test` ends by the clock. Only `FULL=1` comes to every phase.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytest_django.live_server_helper import LiveServer

from notifications_hub.ingest.tokens import make_service_token
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from tests.inbox.fuzzing_checks import REFUSED
from tests.inbox.support import ClientFor, send_one
from tests.support.full import FULL

if TYPE_CHECKING:
    from accounts.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.faults(short=True), pytest.mark.exhaustive]

SECONDS = 300 if FULL else 5
SERVICES = ("--include-tag", "services")
PEOPLE = ("--exclude-tag", "services")
ACCEPTED = '["2xx", "3xx", "400", "401", "403", "404", "409", "422", "429"]'


def config_of(parameters: dict[str, object]) -> str:
    """Return Schemathesis' settings: what may be refused, and ids that exist."""
    names = sorted(REFUSED)
    refusing = f"[[operations]]\ninclude-operation-id = {names}\n"
    refusing += f"checks.positive_data_acceptance.expected-statuses = {ACCEPTED}\n"
    known = "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in parameters.items())
    hooks = f'hooks = "{Path(__file__).with_name("fuzzing_checks.py")}"\n'
    # The session is a header of every request, so a case without it would still have it.
    generation = "[generation]\nwith-security-parameters = false\n"
    return hooks + known + generation + refusing


def fuzz(server: LiveServer, config: Path, which: tuple[str, str], *headers: str) -> None:
    program = Path(sys.executable).with_name("st")
    given = [part for header in headers for part in ("--header", header)]
    limits = ["--max-time", str(SECONDS), "--max-examples", "20", "--seed", "1", "--warnings", "off"]
    address = f"{server.url}/api/v1/openapi.json"
    command = [str(program), "--config-file", str(config), "run", *which, *given, *limits, "--checks", "all", address]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5000:]
    assert "Coverage (in" in done.stdout
    # A service has no route whose answer leads to another.
    assert not FULL or which == SERVICES or "✅  Stateful" in done.stdout


def test_routes_for_people(
    alice: User, bob: User, client_for: ClientFor, live_server: LiveServer, tmp_path: Path
) -> None:
    rows = [send_one(alice, bob, verb=f"replied {number}") for number in range(3)]
    browser = PushSubscription.objects.create(owner=alice, endpoint="https://push.example/x", name="Firefox")
    config = tmp_path / "schemathesis.toml"
    config.write_text(config_of({"item_id": rows[0].item_id, "subscription_id": browser.pk}))
    client = client_for(alice)
    client.get("/notifications/")
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in client.cookies.values())
    fuzz(live_server, config, PEOPLE, f"Cookie: {cookies}", f"X-CSRFToken: {client.cookies['csrftoken'].value}")


def test_routes_for_services(alice: User, live_server: LiveServer, tmp_path: Path) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(config_of({}))
    token = make_service_token("Billing", ["default", "comment.reply"])
    fuzz(live_server, config, SERVICES, f"Authorization: Bearer {token}")
