"""Traffic through Redis while people are notified. Anyone with access to Redis can read it."""

from __future__ import annotations

import base64
import binascii
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.celery import CeleryWorker
from tests.support.live import listening
from tests.support.processes import wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

if TYPE_CHECKING:
    StartSite = Callable[..., Site]

MARK = "quetzalcoatl"
"""A word that is in every notification of this test, and nowhere else."""
OF_THE_TASK = ["Step 1", "2 steps", "/result.csv"]
"""Texts that `tasks.count` publishes as its progress and result."""
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")


class Monitor:
    """All commands that Redis received since the start, with the bodies of Celery's messages decoded."""

    def __init__(self, server: RedisServer) -> None:
        self._line = socket.create_connection(("127.0.0.1", server.port))
        self._line.sendall(b"MONITOR\r\n")
        self._received = bytearray()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        wait_until(lambda: self._received.startswith(b"+OK"), what="the beginning of the monitor")

    @property
    def traffic(self) -> bytes:
        plain = bytes(self._received)
        return plain + b"".join(_unpacked(found) for found in _BASE64.findall(plain))

    def close(self) -> None:
        self._line.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._line.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while some := self._line.recv(65_536):
                self._received += some


def _unpacked(text: bytes) -> bytes:
    with suppress(binascii.Error):
        return base64.b64decode(text)
    return b""


@contextmanager
def monitored(server: RedisServer) -> Iterator[Monitor]:
    monitor = Monitor(server)
    try:
        yield monitor
    finally:
        monitor.close()


@pytest.fixture
def site(start_site: StartSite, redis_server: RedisServer) -> Site:
    return start_site(REDIS_URL=redis_server.url, CELERY_BROKER_URL=redis_server.url)


def test_no_content_of_notifications_passes_through_redis(
    site: Site, redis_server: RedisServer, tmp_path: Path
) -> None:
    site.python("""
        from accounts.models import User
        from notifications.signals import notify
        from notifications_hub import broadcast
        from notifications_hub import start
        from notifications_hub.jobs.models import Job
        from tests.jobs import tasks
        alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    """)
    with CeleryWorker(tmp_path, site.environment), listening(site, "alice") as alice, monitored(redis_server) as redis:
        alice.frame()
        site.python(f"""
            notify.send(bob, recipient=alice, verb="said {MARK}", description="{MARK} in the body", url="/{MARK}/")
            broadcast(title="{MARK} for everyone", body="All about {MARK}", url="/{MARK}/")
            job = start(tasks.count.s(2), owner=alice, title="A report about {MARK}")
        """)
        alice.until("notification.created")
        alice.until("announcement.created")
        alice.send(ack=alice.cursor)
        wait_until(lambda: _is_over(site), seconds=30, what="the end of the job")
        alice.receives_nothing(0.5)
        traffic = redis.traffic

    assert b"PUBLISH" in traffic, "hints must pass through Redis"
    assert site.python("print(job.pk, end='')").encode() in traffic, "the job's id must pass through Redis"
    assert [words for words in (MARK, *OF_THE_TASK) if words.encode() in traffic] == []


def _is_over(site: Site) -> bool:
    return site.python("print(Job.objects.get(pk=job.pk).standing, end='')") in {"done", "failed", "cancelled"}
