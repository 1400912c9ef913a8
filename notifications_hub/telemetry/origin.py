"""The origin of a delivery: the request and the trace that planned it, so that a worker's log and spans name them.

It is stored with the delivery, as JSON. Most have none: only a site with request ids or a recorded trace stores it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from notifications_hub.request_ids import as_request, current_request_id
from notifications_hub.telemetry import tracing

Origin = Mapping[str, str]


def current_origin() -> Origin | None:
    """Return the origin of what this request or trace causes, or None if there is neither."""
    found = {"request_id": current_request_id(), "traceparent": tracing.traceparent()}
    return {name: value for name, value in found.items() if value} or None


@contextmanager
def resumed(origin: Origin | None, span: str, **attributes: Any) -> Iterator[None]:
    """Continue the request and the trace of an origin, in a span of their own."""
    if not origin:
        yield
        return
    parent = origin.get("traceparent", "")
    traced = tracing.span(span, parent=parent, **attributes) if parent else nullcontext()
    with as_request(origin.get("request_id", "")), traced:
        yield
