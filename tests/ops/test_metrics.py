"""The metrics of processes: each figure by what people do, bounded labels, and several processes in one answer."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests
from django.core.checks import CheckMessage
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from notifications_hub.checks import check_settings
from notifications_hub.streams import sweeper
from notifications_hub.transports.outbound.endpoints import Endpoint, parse_url
from notifications_hub.transports.web_push.endpoints import host_label
from notifications_hub.transports.web_push.vapid import VapidKey, generate
from notifications_hub.web.throttle import check_rate
from tests.live.support import poke
from tests.push_lab.fixtures import push_service
from tests.push_lab.service import LocalPushService
from tests.support.live import LONG_POLL, SSE, WEBSOCKET, Closed, RefusedHandshake, listening, listening_by
from tests.support.processes import free_port, wait_until
from tests.support.site import Site
from tests.support.warm import start_warm

__all__ = ["push_service"]

TOKEN = "scrape-a-token-of-some-length"
StartSite = Callable[..., Site]


class Scraped:
    """The samples of one scrape."""

    def __init__(self, url: str) -> None:
        answer = requests.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=30)
        assert answer.status_code == 200, answer.text
        self.samples = [one for family in text_string_to_metric_families(answer.text) for one in family.samples]

    def __call__(self, name: str, **labels: str) -> float:
        """Return the sum of the series that have these labels."""
        wanted = labels.items()
        found = [one for one in self.samples if one.name == f"notifications_hub_{name}"]
        return sum(one.value for one in found if wanted <= one.labels.items())


@pytest.fixture
def shared(start_site: StartSite, tmp_path: Path, push_service: LocalPushService) -> Iterator[tuple[Site, int]]:
    """A web process and a worker that share a folder, and the port of the worker's own metrics."""
    port = free_port()
    hub = {
        "VAPID_PRIVATE_KEY": generate(),
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": [push_service.host],
        "ACK_WINDOW": 0,
        "EMBEDDED_WORKER": False,
        "METRICS_TOKEN": TOKEN,
        "WORKER_METRICS_LISTEN": f"127.0.0.1:{port}",
    }
    site = start_site(hub=hub, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics"))
    worker = start_warm(
        [sys.executable, "manage.py", "hub_worker"], log=tmp_path / "worker", environment=site.environment
    )
    try:
        yield site, port
    finally:
        worker.kill()


@pytest.mark.both_databases(short="sqlite")
def test_a_scrape_tells_what_happened_in_every_process(
    shared: tuple[Site, int], push_service: LocalPushService
) -> None:
    site, port = shared
    key = VapidKey(json.loads(site.environment["TEST_NOTIFICATIONS_HUB"])["VAPID_PRIVATE_KEY"])
    subscription = push_service.subscribe(key.public).to_json()
    assert site.visitor("alice").post("/api/v1/push/subscriptions/", json=subscription).status_code == 201
    with ExitStack() as opened:
        clients = [opened.enter_context(listening_by(by, site, "alice")) for by in (WEBSOCKET, SSE, LONG_POLL)]
        for client in clients[:2]:
            client.frame()
        wait_until(lambda: Scraped(f"{site.url}/metrics")("connections") >= 2, what="two connections")
        poke(site)
        for client in clients:
            client.until("notification.created")
        with suppress(RefusedHandshake, Closed), listening(site, "alice", topics=["post.999999"]):
            pass
        requests.get(f"{site.url}/live/sse/", headers={"Origin": "https://evil.example"}, timeout=30)
        wait_until(lambda: Scraped(f"{site.url}/metrics")("deliveries_total", outcome="sent") >= 1, what="a push")
    found = Scraped(f"{site.url}/metrics")
    for kind in ("ws", "sse"):
        assert found("connections_opened_total", kind=kind) >= 1
    assert found("events_sent_total") >= 2
    assert found("fanout_seconds_count") >= 1
    assert found("connections_refused_total", code="origin") == 1
    assert found("database_call_seconds_count", threads="log") >= 1
    assert found("sweep_seconds_count") >= 1
    assert found("loop_lag_seconds_count") >= 1
    assert found("event_loop_tasks") > 2
    # By the worker, in another process.
    assert found("push_answers_total", host="127.0.0.1", answer="201") >= 1
    assert found("delivery_wait_seconds_count", transport="web_push") >= 1
    assert found("worker_turn_seconds_count") >= 1
    assert 0 <= found("worker_heartbeat_age_seconds") < 60
    assert found("database_up") == 1

    assert requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).status_code == 401
    assert Scraped(f"http://127.0.0.1:{port}/metrics")("events_sent_total") == found("events_sent_total")


@pytest.mark.both_databases(short="sqlite")
def test_a_process_with_a_hub_and_a_worker_sweeps_once_a_second(start_site: StartSite) -> None:
    site = start_site(hub={"METRICS_TOKEN": TOKEN})

    def count(name: str) -> float:
        return Scraped(f"{site.url}/metrics")(f"{name}_seconds_count")

    began, swept, turned = time.monotonic(), count("sweep"), count("worker_turn")
    wait_until(lambda: count("worker_turn") >= turned + 4, what="four turns of the worker")
    swept = count("sweep") - swept
    assert 1 <= swept <= (time.monotonic() - began) / sweeper.SECONDS + 1


def test_connections_of_a_killed_process_are_not_counted(start_site: StartSite, tmp_path: Path) -> None:
    shared = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics")}
    first = start_site(hub={"METRICS_TOKEN": TOKEN}, **shared)
    second = start_site(hub={"METRICS_TOKEN": TOKEN}, DATABASE_URL=first.database_url, **shared)
    with suppress(Closed), listening(second, "alice") as client:
        client.frame()
        assert Scraped(f"{first.url}/metrics")("connections", kind="ws") == 1
        second.kill()
        assert Scraped(f"{first.url}/metrics")("connections", kind="ws") == 0
    assert Scraped(f"{first.url}/metrics")("connections_opened_total", kind="ws") == 1


# Labels


@pytest.mark.parametrize(
    ("url", "label"),
    [
        ("https://fcm.googleapis.com/x", "fcm.googleapis.com"),
        ("https://any.name.of.an.attacker.notify.windows.com/x", "notify.windows.com"),
        ("https://listed.example/x", "listed.example"),
        ("https://no-longer-listed.example/x", "other"),
    ],
)
def test_a_browser_cannot_make_the_name_of_a_push_host(settings: Settings, url: str, label: str) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_EXTRA_HOSTS": ["listed.example"]}
    parsed = parse_url(url)
    assert host_label(Endpoint(parsed, parsed.host or "", parsed.port or 0)) == label


def test_a_client_cannot_make_the_name_of_a_limit(db: None) -> None:
    from notifications_hub.telemetry.measures import rate_limited

    for _ in range(2):
        check_rate("words-of-a-client:1", "1/h")
    labels = {sample.labels["limit"] for metric in rate_limited.collect() for sample in metric.samples}
    assert labels <= {"api", "live", "service", "site"}
    assert "site" in labels


# Settings


def messages(settings: Settings, **hub: object) -> list[CheckMessage]:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **hub}
    return list(check_settings(None))


@pytest.mark.parametrize(
    ("hub", "ids"),
    [
        ({"METRICS_TOKEN": TOKEN, "WORKER_METRICS_LISTEN": "127.0.0.1:9102"}, []),
        ({"METRICS_TOKEN": TOKEN, "WORKER_METRICS_LISTEN": "[::1]:9102"}, []),
        ({"METRICS_TOKEN": TOKEN, "WORKER_METRICS_LISTEN": "9102"}, ["E083"]),
        ({"METRICS_TOKEN": TOKEN, "WORKER_METRICS_LISTEN": "localhost:99999"}, ["E083"]),
        ({"WORKER_METRICS_LISTEN": "127.0.0.1:9102"}, ["E084"]),
        ({"METRICS_TOKEN": "short"}, ["W066"]),
        ({"METRICS_TOKEN": TOKEN, "WORKER_METRICS_LISTEN": "127.0.0.1:9102", "CELERY": True}, ["W067"]),
    ],
)
def test_settings_that_would_not_work_are_named(settings: Settings, hub: dict[str, object], ids: list[str]) -> None:
    assert [message.id for message in messages(settings, **hub)] == [f"notifications_hub.{one}" for one in ids]


def test_a_worker_serves_nothing_without_a_token(settings: Settings) -> None:
    from notifications_hub.ops.worker_metrics import serve_metrics

    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "WORKER_METRICS_LISTEN": "127.0.0.1:0"}
    assert serve_metrics() is None
