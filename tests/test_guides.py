"""Each guide's code is run, in a project that `django-admin startproject` has just made: see `tests.support.host`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.host import Host
from tests.support.processes import ROOT

GUIDES = ("chat.md", "connections.md", "django-tasks.md", "jobs.md", "live-rows.md", "many-people.md")


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_says(guide: str, tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.follow_the_readme()
    host.follow(ROOT / "docs" / "guides" / guide)


def test_every_guide_is_run() -> None:
    assert {page.name for page in (ROOT / "docs" / "guides").glob("*.md")} == set(GUIDES)
