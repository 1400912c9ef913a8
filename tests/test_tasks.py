"""The worker run by Celery: a real one, on a real Redis."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from notifications_hub.transports.vapid import VapidKey, generate
from tests.push_lab.fixtures import push_service
from tests.push_lab.service import LocalPushService
from tests.support.processes import Program, wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

__all__ = ["push_service"]

StartSite = Callable[..., Site]


@pytest.fixture
def celery(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def celery(site: Site, *options: str) -> Program:
        # Alone on its broker: it need not look for others first.
        alone = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
        command = [sys.executable, "-m", "celery", "-A", "config", "worker", "-c", "1", "-l", "INFO", *alone, *options]
        program = Program(command, log=tmp_path / f"celery{len(started)}.log", environment=site.environment)
        started.append(program)
        program.wait_until_ready(lambda: " ready." in program.log.read_text(errors="replace"), seconds=60)
        return program

    yield celery
    for program in started:
        program.kill()


def test_a_nudge_after_the_commit_has_it_sent_and_the_beat_what_nobody_nudged(
    start_site: StartSite, redis_server: RedisServer, push_service: LocalPushService, celery: Callable[..., Program]
) -> None:
    key = generate()
    site = start_site(
        hub={"ACK_WINDOW": 1, "VAPID_PRIVATE_KEY": key, "VAPID_SUBJECT": "mailto:ops@hub.example"},
        CELERY_BROKER_URL=redis_server.url,
        PUSH_EXTRA_HOSTS=push_service.host,
    )
    reader = push_service.subscribe(VapidKey(key).public)
    site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        from notifications_hub.delivery import Delivery
        from notifications_hub.transports.subscriptions import register
        alice, bob = (get_user_model().objects.get(username=name) for name in ("alice", "bob"))
        register(alice, {reader.to_json()!r}, "")
        def tell():
            notify.send(bob, recipient=alice, verb="waved")
    """)

    def taken() -> int:
        return len(push_service.sent_to(reader.endpoint))

    nudged = celery(site)
    site.python("tell()")
    wait_until(lambda: taken() == 1, seconds=15, what="the nudged push")
    nudged.stop(signal.SIGTERM, seconds=30)

    site.python("tell()")
    redis_server.flush()
    swept = celery(site, "--beat")
    wait_until(lambda: taken() == 2, seconds=15, what="the push that only the beat finds")
    swept.stop(signal.SIGTERM, seconds=30)
    assert site.python("print(set(Delivery.objects.values_list('state', 'attempts')))") == "{('sent', 1)}"
