"""The log of a site after many errors. It must contain no secret that lets a reader send, listen or sign in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import requests

from notifications_hub.streams import cursor
from notifications_hub.transports.web_push.vapid import generate
from tests.push_lab.checks import encode
from tests.push_lab.faults import Fault
from tests.push_lab.fixtures import push_service
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.support.live import Closed, RefusedHandshake, cookie_of, listening
from tests.support.processes import wait_until
from tests.support.site import Site

if TYPE_CHECKING:
    StartSite = Callable[..., Site]

__all__ = ["push_service"]

ENDPOINT = "canary-endpoint"
AUTH = b"canary-authkey.."
CURSOR = "CanaryX1"
"""A text that looks like the key of a topic in a cursor."""
SESSION = "canarysessionkey0123456789abcdef"
PRIVATE_KEY = generate()


@pytest.fixture
def site(start_site: StartSite, push_service: LocalPushService) -> Site:
    hub = {
        "VAPID_PRIVATE_KEY": PRIVATE_KEY,
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": [push_service.host, "127.0.0.1:9"],
        "ACK_WINDOW": 0,
    }
    return start_site(hub=hub)


def test_no_endpoint_key_cursor_or_session_is_in_the_log(site: Site, push_service: LocalPushService) -> None:
    alice = site.visitor("alice")
    real = push_service.subscribe()
    given = [
        _subscription(real.endpoint),
        _subscription(f"http://127.0.0.1:9/{ENDPOINT}-closed-port"),
        _subscription(f"{push_service.origin}/{ENDPOINT}-unknown"),
    ]
    for one in given:
        assert alice.post("/api/v1/push/subscriptions/", json=one).status_code == 201
    for bad in _bad_subscriptions():
        assert alice.post("/api/v1/push/subscriptions/", json=bad).status_code == 400
        assert alice.post("/api/v1/push/renew/", json={"token": SESSION, "subscription": bad}).status_code == 400
    alice.post("/api/v1/push/act/", json={"token": SESSION, "action": "shown"})
    push_service.fail(Fault(status=500, body=real.endpoint.encode()))
    push_service.fail(Fault(mode="drop"))
    _notify(site)
    wait_until(lambda: _attempted(site) >= len(given), seconds=30, what="an attempt for each browser")
    _request_with_bad_cursors(site)
    _request_with_bad_sessions(site)

    log = site.log
    assert "Traceback" not in log
    assert alice.cookies["sessionid"] not in log
    token = real.endpoint.rpartition("/")[2]
    secrets = (ENDPOINT, token, encode(AUTH), AUTH.decode(), CURSOR, SESSION, PRIVATE_KEY)
    assert [secret for secret in secrets if secret in log] == []


def _subscription(endpoint: str) -> dict[str, Any]:
    given = Reader(endpoint).to_json()
    return {**given, "keys": {**given["keys"], "auth": encode(AUTH)}}


def _bad_subscriptions() -> list[dict[str, Any]]:
    good = _subscription(f"https://evil.example/{ENDPOINT}")
    of_mozilla = _subscription(f"https://updates.push.services.mozilla.com/{ENDPOINT}")
    return [
        good,
        _subscription(f"javascript:{ENDPOINT}"),
        {**of_mozilla, "keys": {"auth": encode(AUTH), "p256dh": encode(AUTH)}},
        {**of_mozilla, "keys": {"auth": encode(AUTH * 2), "p256dh": of_mozilla["keys"]["p256dh"]}},
    ]


def _notify(site: Site) -> None:
    site.python("""
        from accounts.models import User
        from notifications.signals import notify
        from notifications_hub.models import Delivery
        alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
        made = notify.send(bob, recipient=alice, verb="waved")[0][1][0]
    """)


def _attempted(site: Site) -> int:
    return int(site.python("print(Delivery.objects.filter(notification=made, attempts__gt=0).count())"))


def _request_with_bad_cursors(site: Site) -> None:
    """Send cursors that are malformed, and cursors with an invalid signature."""
    unsigned = f"1~{CURSOR}.0a1b2c3d.0.5"
    for text in (unsigned, cursor.sign(unsigned), f"1~{CURSOR}.x", f"{CURSOR}~"):
        for path in ("/live/poll/?wait=0&topic=inbox&cursor=", "/live/poll/?wait=1&topic=inbox&cursor="):
            requests.get(site.url + path + text, headers={"Cookie": cookie_of(site, "alice")}, timeout=30)
        headers = {"Cookie": cookie_of(site, "alice"), "Origin": site.url}
        requests.post(f"{site.url}/live/ack/", json={"cursor": text}, headers=headers, timeout=30)
        with suppress(Closed, RefusedHandshake), listening(site, "alice", cursor=text) as client:
            client.frame()
            client.send(ack=text)
            client.receives_nothing(0.2)


def _request_with_bad_sessions(site: Site) -> None:
    for cookie in (f"sessionid={SESSION}", f'sessionid="{SESSION}\\000"', f"sessionid={SESSION}'"):
        for path in ("/notifications/", "/api/v1/notifications/", "/live/poll/?wait=1&topic=inbox", "/live/sse/"):
            requests.get(site.url + path, headers={"Cookie": cookie}, timeout=30)
