"""The figures that fault tests measure, one line of JSON each in `var/faults/figures.jsonl`.

`python -m tests.faults.report` makes the table of docs/reliability.md from the newest line of each test.
"""

from __future__ import annotations

import json
import os
import time

from tests.faults.ledger import Verdict
from tests.support.full import FULL, report
from tests.support.processes import ROOT

FIGURES = ROOT / "var" / "faults" / "figures.jsonl"


def record(test: str, verdict: Verdict | None = None, **figures: float | str) -> None:
    """Print the figures of a test, as `T11`, and keep them. Names end in their unit: `recovery_seconds`."""
    said = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    report(f"{test}: {verdict or ''} {', '.join(f'{name} {value}' for name, value in said.items())}".strip())
    line: dict[str, object] = {"test": test, "full": FULL, "at": int(time.time()), "load": os.getloadavg()[0], **said}
    if verdict is not None:
        line |= {
            "acknowledged": verdict.acknowledged,
            "clients": verdict.clients,
            "lost": verdict.lost,
            "repeated": verdict.repeated,
            "gaps": verdict.gaps,
            "worst_delay_seconds": round(verdict.delay_worst, 3),
        }
    FIGURES.parent.mkdir(parents=True, exist_ok=True)
    with FIGURES.open("a") as file:
        file.write(json.dumps(line) + "\n")
