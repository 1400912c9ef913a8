"""The guide "Beside what your project has" shows no code that is not run."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.host import BESIDE


def test_every_section_with_code_is_followed_by_a_project() -> None:
    sections = re.split(r"^## (.+)\n", BESIDE.read_text(), flags=re.MULTILINE)[1:]
    shown = [title for title, text in zip(sections[::2], sections[1::2], strict=True) if "```" in text]
    tests = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert len(shown) > 5
    assert [title for title in shown if f'"{title}"' not in tests] == []
