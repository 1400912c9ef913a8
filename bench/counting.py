"""The cost of counting and of tracing: `python -m bench.counting [--without-opentelemetry]`.

It prints the best of five runs, in microseconds of the processor.
"""

from __future__ import annotations

import sys
import time
import timeit
from collections.abc import Callable

CALLS = 20_000


def main() -> None:
    if "--without-opentelemetry" in sys.argv:
        sys.modules["opentelemetry"] = None  # type: ignore[assignment]
    from notifications_hub.telemetry import measures, tracing
    from notifications_hub.telemetry.origin import current_origin

    def one_span() -> None:
        with tracing.span("x", kind="y"):
            pass

    steps: dict[str, Callable[[], object]] = {
        "a counter": measures.events.inc,
        "a counter with a label": lambda: measures.notifications.labels("x").inc(),
        "a histogram": lambda: measures.notify_time.observe(0.03),
        "a span that nobody records": one_span,
        "the origin of a delivery": current_origin,
    }
    for name, step in steps.items():
        best = min(timeit.repeat(step, timer=time.process_time, number=CALLS, repeat=5)) / CALLS
        print(f"{name}: {best * 1e6:.2f} µs")


if __name__ == "__main__":
    main()
