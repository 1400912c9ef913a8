"""Traces: one goes from `notify.send` to the numbering, the fan-out and the delivery, through every process."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from notifications_hub.delivery.models import Delivery
from notifications_hub.telemetry import tracing
from notifications_hub.telemetry.origin import current_origin
from notifications_hub.transports.web_push.vapid import VapidKey, generate
from tests.inbox.support import send_one
from tests.push_lab.fixtures import push_service
from tests.push_lab.service import LocalPushService
from tests.support.live import SSE, LiveClient, listening_by
from tests.support.processes import ROOT, Program, wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site, inherited_environment

__all__ = ["push_service"]

StartSite = Callable[..., Site]
STEPS = {
    "notify.send": "request",
    "notifications_hub.number": "notify.send",
    "notifications_hub.fan_out": "notifications_hub.number",
    "notifications_hub.deliver": "notify.send",
    "notifications_hub.send": "notifications_hub.deliver",
}
"""Each span of a trace, with its parent."""
_LATEST = "notifications_hub.deliver"


@dataclass(frozen=True)
class Span:
    name: str
    trace: str
    id: str
    parent: str | None
    process: str


@pytest.fixture
def spans(tmp_path: Path) -> Callable[[], list[Span]]:
    (tmp_path / "spans").mkdir()

    def spans() -> list[Span]:
        found = []
        for file in (tmp_path / "spans").iterdir():
            # The last line may be half written.
            for line in file.read_text().split("\n")[:-1]:
                one = json.loads(line)
                ids = one["context"]
                found.append(Span(one["name"], ids["trace_id"], ids["span_id"], one["parent_id"], file.stem))
        return found

    return spans


@pytest.fixture
def traced(
    start_site: StartSite,
    spans: object,
    tmp_path: Path,
    push_service: LocalPushService,
    redis_server: RedisServer,
) -> Iterator[Site]:
    """A site with Alice's browser. It, its worker and its shell are processes of their own, and all record spans."""
    key = generate()
    hub = {
        "VAPID_PRIVATE_KEY": key,
        "VAPID_SUBJECT": "mailto:ops@hub.example",
        "PUSH_EXTRA_HOSTS": [push_service.host],
        "ACK_WINDOW": 0,
        "EMBEDDED_WORKER": False,
    }
    traced = {
        "DJANGO_SETTINGS_MODULE": "tests.ops.traced_settings",
        "TEST_SPANS": str(tmp_path / "spans"),
    }
    site = start_site(hub=hub, REDIS_URL=redis_server.url, **traced)
    subscription = push_service.subscribe(VapidKey(key).public).to_json()
    assert site.visitor("alice").post("/api/v1/push/subscriptions/", json=subscription).status_code == 201
    worker = Program([sys.executable, "manage.py", "hub_worker"], log=tmp_path / "worker", environment=site.environment)
    yield site
    worker.kill()


@pytest.mark.both_databases(short="sqlite")
def test_one_trace_goes_through_every_process(traced: Site, spans: Callable[[], list[Span]]) -> None:
    with listening_by(SSE, traced, "alice") as client:
        client.frame()
        for place in ("nullcontext", "atomic"):
            trace = _a_followed_trace(traced, client, place, spans)
            _expect_steps([span for span in spans() if span.trace == trace])


def _a_followed_trace(site: Site, client: LiveClient, place: str, spans: Callable[[], list[Span]]) -> str:
    """Notify Alice until a hub was hinted at it. One that polled the log before records nothing."""
    for _ in range(10):
        trace = _notify_in_a_request(site, place)
        client.until("notification.created")
        wait_until(lambda trace=trace: _LATEST in _names(spans(), trace), what="the last span")  # type: ignore[misc]
        if STEPS.keys() <= _names(spans(), trace):
            return trace
    raise AssertionError(f"the last trace lacks {STEPS.keys() - _names(spans(), trace)}")


def _notify_in_a_request(site: Site, place: str) -> str:
    """Notify Alice, in a transaction or not, and return the trace's id."""
    return site.python(f"""
        from contextlib import nullcontext
        from django.contrib.auth import get_user_model
        from django.db.transaction import atomic
        from notifications.signals import notify
        from opentelemetry import trace
        person = get_user_model().objects.get
        with trace.get_tracer("test").start_as_current_span("request") as request, {place}():
            notify.send(person(username="bob"), recipient=person(username="alice"), verb="poked")
        print("0x" + trace.format_trace_id(request.get_span_context().trace_id))
    """).strip()


def _names(spans: list[Span], trace: str) -> set[str]:
    return {span.name for span in spans if span.trace == trace}


def _expect_steps(spans: list[Span]) -> None:
    own = {span.id: span for span in spans}
    for span in own.values():
        if span.name in STEPS:
            assert span.parent is not None
            assert own[span.parent].name == STEPS[span.name], span
    process_of = {span.name: span.process for span in own.values()}
    assert (
        len({process_of[name] for name in ("notify.send", "notifications_hub.fan_out", "notifications_hub.send")}) == 3
    )


# Without a trace


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    """The spans of this process. The provider is that of the test alone."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing.trace, "get_tracer_provider", lambda: provider)
    monkeypatch.setattr(tracing, "_tracer", lambda: provider.get_tracer("notifications_hub"))
    return exporter


@pytest.mark.both_databases
def test_a_notification_without_a_trace_stores_nothing(alice: object, bob: object) -> None:
    row = send_one(alice, bob)  # type: ignore[arg-type]
    assert current_origin() is None
    assert not Delivery.objects.filter(notification=row).exclude(origin__isnull=True).exists()


def test_a_site_that_records_no_spans_makes_none() -> None:
    """Many have the API of OpenTelemetry by way of some package. A notification costs them no more for it."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert tracing.span("notify.send") is tracing.span("work", parent=parent) is tracing._UNTRACED


def test_work_of_several_traces_is_recorded_in_each(exported: InMemorySpanExporter) -> None:
    parents = [f"00-{number:032x}-{number:016x}-01" for number in range(1, 40)]
    with tracing.batch_spans("work", {f"post.{n}": parent for n, parent in enumerate(parents)}) as made:
        pass
    assert len(exported.get_finished_spans()) == len(made) == tracing.SPANS_AT_ONCE


def test_traces_that_wait_are_bounded() -> None:
    waiting = tracing.Waiting()
    waiting.add({f"post.{n}": "x" for n in range(5000)})
    assert len(waiting.take([f"post.{n}" for n in range(5000)])) == tracing.MOST
    assert waiting.take(["post.1"]) == {}


def test_a_host_without_opentelemetry_records_nothing() -> None:
    code = """
        import sys
        sys.modules["opentelemetry"] = None
        from notifications_hub.telemetry import tracing
        with tracing.span("x", kind="y"), tracing.inner_span("y"), tracing.batch_spans("z", {}) as made:
            print(repr((tracing.traceparent(), tracing.trace_id(), dict(made))))
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=inherited_environment(),
    )
    assert run.stdout.strip() == "('', '', {})"
