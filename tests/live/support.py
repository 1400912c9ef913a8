"""Helpers of the live tests: actions on a site, and expectations of a connection."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.live import LiveClient
from tests.support.site import Served, Site

HURRIED = {
    "DJANGO_SETTINGS_MODULE": "tests.live.settings",
    "TEST_HURRY": json.dumps(
        {"hub.SWEEP_SECONDS": 0.25, "hub.KEEPALIVE_SECONDS": 2.0, "sse.HEARTBEAT_SECONDS": 1.0, "sse.RETRY_MS": 1234}
    ),
}
"""The environment of a site with shortened intervals."""
SECONDS = 20.0
"""Time within which a connection ends after its session or right is gone, on a busy machine too."""
PROMPTLY = 2.0
"""The promise for that time. Only timed tests hold a connection to it."""
BRIEFLY = 0.8
"""Longer than such a site takes to check for new events."""


def poke(site: Served, username: str = "alice", times: int = 1) -> None:
    """Make Bob poke somebody, which sends a notification."""
    site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        person = get_user_model().objects.get
        for _ in range({times}):
            notify.send(person(username="bob"), recipient=person(username={username!r}), verb="poked")
    """)


def publish(site: Site, topic: str, *numbers: int) -> None:
    site.python(f"""
        from notifications_hub import publish_many
        publish_many(({topic!r}, "counted", {{"n": n}}) for n in {list(numbers)!r})
    """)


def run(site: Site, statement: str, *values: object) -> None:
    """Run SQL behind the back of every model."""
    site.python(f"""
        from django.db import connection
        with connection.cursor() as sql:
            sql.execute({statement!r}, {list(values)!r})
    """)


def person_id(site: Site, username: str) -> int:
    return int(
        site.python(f"""
            from django.contrib.auth import get_user_model
            print(get_user_model().objects.get(username={username!r}).pk)
        """)
    )


def epoch_and_top(site: Served, topic: str) -> tuple[str, int]:
    epoch, top = site.python(f"""
        from notifications_hub.streams import Stream
        stream = Stream.objects.get(topic={topic!r})
        print(stream.epoch, stream.top)
    """).split()
    return epoch, int(top)


def cursor_at(site: Served, topic: str, *, after_top: int = 0, seq: int | None = None, epoch: str = "") -> str:
    """Return a cursor signed by the site but never given to a client: at `seq`, or at an offset from the top."""
    current, top = epoch_and_top(site, topic)
    at = top + after_top if seq is None else seq
    return signed_by(site, topic, epoch or current, at)


def signed_by(site: Served, topic: str, epoch: str, seq: int) -> str:
    return site.python(f"""
        from notifications_hub.streams.cursor import Position, encode
        print(encode({{{topic!r}: Position({epoch!r}, 0, {seq})}}))
    """).strip()


@contextmanager
def ends(client: LiveClient, code: int, seconds: float = SECONDS) -> Iterator[None]:
    """Assert that the connection ends with this code soon after the block."""
    client.frame()
    yield
    started = time.monotonic()
    assert client.closing(seconds + 2)[0] == code
    assert time.monotonic() - started < seconds


def revoke(site: Site, username: str, **what: str) -> None:
    site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications_hub import revoke
        revoke(get_user_model().objects.get(username={username!r}), **{what!r})
    """)
