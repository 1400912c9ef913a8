"""The page of figures is made of the kept figures and of the table of faults."""

from __future__ import annotations

import json

from tests.faults.report import KEPT, PAGE, with_table

FIGURES = {
    "test": "T21 email",
    "full": True,
    "at": 1_796_000_000,
    "load": 3.2,
    "lost": 0,
    "worst_delay_seconds": 1.25,
    "recovery_seconds": 2.5,
}


def test_the_page_shows_the_figures_that_are_kept() -> None:
    page = PAGE.read_text()
    assert with_table(page, json.loads(KEPT.read_text())) == page


def test_a_fault_has_a_row_for_each_of_its_figures() -> None:
    page = with_table(PAGE.read_text(), {"T21 email": FIGURES, "T21 web_push": {**FIGURES, "test": "T21 web_push"}})
    rows = [line for line in page.splitlines() if "recovery 2.5 s" in line]
    assert len(rows) == 2
    assert rows[0].startswith("| T21 | ")
    assert "| 0 |" in rows[0]
    assert "1.2 s" in rows[0]
    assert "full, load 3" in rows[0]
