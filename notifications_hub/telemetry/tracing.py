"""Spans of OpenTelemetry, where the host has `opentelemetry-api` installed. Without it, nothing is recorded or stored.

A trace goes from `notify.send` to the numbering, the fan-out and the delivery. Other threads and processes continue it
by a `traceparent` (W3C Trace Context). Only a sampled trace has one. The ids of spans never reach a client.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import cache
from typing import Any

trace: Any = None
try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    pass

MOST = 1000
"""Topics whose traces wait for the numbering, and for the fan-out. Beyond it new ones are not followed."""
SPANS_AT_ONCE = 20
"""The most traces that one batch of work is recorded in."""
_PREFIX = "notifications_hub."

_UNTRACED: AbstractContextManager[None] = nullcontext()


def span(name: str, *, parent: str = "", **attributes: str | int) -> AbstractContextManager[Any]:
    """Return a context manager for a span, below the current one or below the parent of another thread or process."""
    if trace is None or isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        # Many sites have the API by way of some package, and record nothing.
        return _UNTRACED
    context = _context_of(parent) if parent else None
    own = {f"{_PREFIX}{key}": value for key, value in attributes.items()}
    begun: AbstractContextManager[Any] = _tracer().start_as_current_span(name, context, attributes=own)
    return begun


@cache
def _tracer() -> Any:
    return trace.get_tracer("notifications_hub")


def inner_span(name: str, **attributes: str | int) -> AbstractContextManager[Any]:
    """Return a span below the current one if that is recorded. It never begins a trace."""
    return span(name, parent="", **attributes) if traceparent() else _UNTRACED


def traceparent() -> str:
    """Return the current span as text for another process, or an empty text if nothing is recorded."""
    if trace is None or not trace.get_current_span().is_recording():
        return ""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def trace_id() -> str:
    """Return the id of the current trace, for the log, or an empty text."""
    if trace is None or not (context := trace.get_current_span().get_span_context()).is_valid:
        return ""
    return str(trace.format_trace_id(context.trace_id))


@contextmanager
def batch_spans(name: str, parents: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Record work for several topics in the trace of each. `parents` and the result map topics to traceparents."""
    made: dict[str, str] = {}
    with ExitStack() as spans:
        for parent in list(dict.fromkeys(parents.values()))[:SPANS_AT_ONCE]:
            spans.enter_context(span(name, parent=parent))
            made[parent] = traceparent()
        yield {topic: made[parent] for topic, parent in parents.items() if made.get(parent)}


class Waiting:
    """The traces of topics whose events wait for the next step. Callable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_topic: dict[str, str] = {}

    def add(self, traces: Mapping[str, str]) -> None:
        with self._lock:
            room = MOST - len(self._of_topic)
            self._of_topic.update(list(traces.items())[: max(0, room)])

    def take(self, topics: Iterable[str]) -> Mapping[str, str]:
        """Return the traces of these topics, and forget them. Costs nothing while none waits."""
        if not self._of_topic:
            return {}
        with self._lock:
            return {topic: self._of_topic.pop(topic) for topic in topics if topic in self._of_topic}


def _context_of(parent: str) -> Any:
    return TraceContextTextMapPropagator().extract({"traceparent": parent})
