"""A site whose processes write their spans, as JSON, to a file each in the folder `TEST_SPANS`."""

from __future__ import annotations

import os
from pathlib import Path

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from tests.settings import *  # noqa: F403


def _line(span: ReadableSpan) -> str:
    return f"{span.to_json(indent=None)}\n"


_file = Path(os.environ["TEST_SPANS"], f"{os.getpid()}.jsonl").open("a")  # noqa: SIM115 -- open as long as the process
_provider = TracerProvider()
_provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=_file, formatter=_line)))
trace.set_tracer_provider(_provider)
