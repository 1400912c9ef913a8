"""The worker in Celery, with a real Celery worker and a real Redis."""

from __future__ import annotations

import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from kombu.exceptions import ContentDisallowed

from notifications_hub.delivery import claiming
from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.push_lab.faults import Fault
from tests.push_lab.fixtures import push_service
from tests.push_lab.reader import Reader
from tests.push_lab.service import LocalPushService
from tests.support.full import report
from tests.support.processes import Program, wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site
from tests.support.warm import start_warm

__all__ = ["push_service"]

StartSite = Callable[..., Site]
StartCelery = Callable[..., Program]


# Celery's child processes are forked from this one, so they have the lease, too.
START = """
    import sys
    from datetime import timedelta
    import django
    django.setup()
    from celery.__main__ import main
    from notifications_hub.delivery import claiming
    claiming.LEASE = timedelta(seconds={lease})
    # It is alone on its broker, so it need not look for other workers first.
    alone = ["--without-mingle", "--without-gossip", "--without-heartbeat"]
    sys.argv = ["celery", "-A", "config", "worker", "-c", "1", "-l", "INFO", *alone, *{options}]
    main()
"""


@pytest.fixture
def celery(tmp_path: Path) -> Iterator[StartCelery]:
    """Start Celery workers of a site, with a lease in seconds."""
    started: list[Program] = []

    def celery(site: Site, *options: str, lease: float) -> Program:
        code = textwrap.dedent(START).format(lease=lease, options=options)
        command = [sys.executable, "-c", code]
        program = start_warm(command, log=tmp_path / f"celery{len(started)}.log", environment=site.environment)
        started.append(program)
        program.wait_until_ready(lambda: " ready." in program.log.read_text(errors="replace"), seconds=60)
        return program

    yield celery
    for program in started:
        program.kill()


@dataclass(frozen=True)
class World:
    """A site, and Alice's browser, which receives pushes when Bob notifies her."""

    site: Site
    push_service: LocalPushService
    reader: Reader

    def notify(self) -> None:
        self.site.python("notify_alice()")

    @property
    def received(self) -> int:
        return len(self.push_service.sent_to(self.reader.endpoint))


@pytest.fixture
def world(start_site: StartSite, redis_server: RedisServer, push_service: LocalPushService) -> World:
    return world_of(start_site, push_service, {}, CELERY_BROKER_URL=redis_server.url)


def world_of(
    start_site: StartSite, push_service: LocalPushService, hub: dict[str, object], **environment: str
) -> World:
    """Start a site with a short `ACK_WINDOW`, and subscribe Alice's browser."""
    key = generate()
    site = start_site(
        hub={"ACK_WINDOW": 1, "VAPID_PRIVATE_KEY": key, "VAPID_SUBJECT": "mailto:ops@hub.example", **hub},
        PUSH_EXTRA_HOSTS=push_service.host,
        **environment,
    )
    reader = push_service.subscribe(VapidKey(key).public)
    site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        from notifications_hub.delivery.models import Delivery
        from notifications_hub.transports.web_push.subscriptions import register
        alice, bob = (get_user_model().objects.get(username=name) for name in ("alice", "bob"))
        register(alice, {reader.to_json()!r}, "")
        def notify_alice():
            notify.send(bob, recipient=alice, verb="waved")
    """)
    return World(site, push_service, reader)


def test_a_wake_up_sends_at_once_and_the_beat_sends_leftover_deliveries(
    world: World, redis_server: RedisServer, celery: StartCelery
) -> None:
    nudged = celery(world.site, lease=4)
    world.notify()
    wait_until(lambda: world.received == 1, seconds=30, what="the nudged push")
    _kill_during_a_push(world, nudged)

    world.notify()
    redis_server.flush()
    swept = celery(world.site, "--beat", lease=4)
    wait_until(lambda: world.received == 3, seconds=30, what="the pushes that the beat finds")
    swept.stop(signal.SIGTERM, seconds=30)
    assert world.site.python("print(set(Delivery.objects.values_list('state', 'attempts')))") == "{('sent', 1)}"


@pytest.mark.faults
def test_deliveries_of_a_killed_worker_are_taken_over_within_a_minute(world: World, celery: StartCelery) -> None:
    lease = claiming.LEASE.total_seconds()
    _kill_during_a_push(world, celery(world.site, lease=lease))
    killed = time.monotonic()
    celery(world.site, "--beat", lease=lease)
    wait_until(lambda: world.received == 1, seconds=90, what="the push of the killed worker")
    took = time.monotonic() - killed
    report(f"a Celery worker was killed during a push: the push arrived after {took:.1f} s")
    assert took < 60


def _kill_during_a_push(world: World, worker: Program) -> None:
    """Kill the worker after the push service received the request, and before it answers."""
    world.push_service.fail(Fault(mode="hang"))
    before = len(world.push_service.requests)
    world.notify()
    wait_until(lambda: len(world.push_service.requests) > before, seconds=30, what="the unanswered push")
    worker.kill()


def test_a_worker_accepts_only_data_from_its_broker_and_no_code() -> None:
    app: Any = import_module("config.celery").app
    serialization: Any = import_module("kombu.serialization")

    assert settings.CELERY_ACCEPT_CONTENT == ["json"]
    assert (app.conf.accept_content, app.conf.task_serializer, app.conf.result_serializer) == (["json"], "json", "json")
    pickled, content_type, encoding = serialization.dumps({"id": 1}, "pickle")
    with pytest.raises(ContentDisallowed):
        serialization.loads(pickled, content_type, encoding, accept=app.conf.accept_content)
