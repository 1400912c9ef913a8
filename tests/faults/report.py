"""Write the figures of the last runs into docs/reliability.md: `python -m tests.faults.report`.

The newest line of each fault in `var/faults/figures.jsonl` takes the place of the older one in
`docs/reliability.json`, and the page's table is made of that file and of `table.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.faults.figures import FIGURES
from tests.faults.proof import Proof
from tests.faults.table import PROOFS
from tests.support.processes import ROOT

KEPT = ROOT / "docs" / "reliability.json"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- begin: python -m tests.faults.report -->\n", "<!-- end -->"
HEAD = (
    "| | fault | promises | lost | repeated | gaps | worst delay | other figures | measured |",
    "|---|---|---|---:|---:|---:|---:|---|---|",
)
LEFT_OUT = ("test", "full", "at", "load", "lost", "repeated", "gaps", "worst_delay_seconds")
UNITS = {"seconds": "s", "mb": "MB", "ms": "ms"}

Figures = Mapping[str, Any]


def main() -> None:
    """Take over the new figures, and write the page."""
    newest = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for line in FIGURES.read_text().splitlines() if FIGURES.exists() else ():
        figures = json.loads(line)
        before = newest.get(figures["test"])
        # A full run tells more than a later short one.
        if not before or figures["full"] or not before["full"]:
            newest[figures["test"]] = figures
    newest = dict(sorted(newest.items(), key=_order))
    KEPT.write_text(json.dumps(newest, indent=2) + "\n")
    PAGE.write_text(with_table(PAGE.read_text(), newest))


def with_table(page: str, newest: Mapping[str, Figures]) -> str:
    """Return the page with the table of these figures between its two marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = "\n".join([*HEAD, *(row for proof in PROOFS for row in _rows(proof, newest))])
    return f"{before}{BEGIN}\n{rows}\n\n{END}{after}"


def _rows(proof: Proof, newest: Mapping[str, Figures]) -> Iterator[str]:
    """Yield a row for each set of figures of a fault, or one that names its tests alone."""
    promises = ", ".join(promise.name.lower().replace("_", " ") for promise in proof.promises)
    found = [figures for test, figures in newest.items() if test.split()[0] == f"T{proof.number}"]
    for number, figures in enumerate(found or [{}]):
        first = (f"T{proof.number}", proof.fault, promises) if number == 0 else ("", "", "")
        yield _row([*first, *_cells(figures, proof)])


def _cells(figures: Figures, proof: Proof) -> list[str]:
    if not figures:
        return ["", "", "", "", "", f"asserted: {proof.runs}"]
    part = figures["test"].partition(" ")[2]
    others = [_worded(name, value) for name, value in figures.items() if name not in LEFT_OUT]
    size = "full" if figures["full"] else "short"
    measured = f"{datetime.fromtimestamp(figures['at'], UTC):%Y-%m-%d}, {size}, load {figures['load']:.0f}"
    counts = [str(figures.get(name, "")) for name in ("lost", "repeated", "gaps")]
    delay = f"{figures['worst_delay_seconds']:.1f} s" if "worst_delay_seconds" in figures else ""
    return [*counts, delay, ", ".join([*([part] if part else []), *others]), measured]


def _worded(name: str, value: object) -> str:
    """Return `recovery_seconds` and 1.3 as "recovery 1.3 s"."""
    words, _, unit = name.rpartition("_")
    if unit in UNITS:
        return f"{words.replace('_', ' ')} {value} {UNITS[unit]}"
    return f"{name.replace('_', ' ')} {value}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _order(item: tuple[str, Figures]) -> tuple[int, str]:
    number = item[0].split()[0].removeprefix("T")
    return (int(number) if number.isdigit() else 1000, item[0])


if __name__ == "__main__":
    main()
