"""Each guide's code is run, in a project that `django-admin startproject` has just made: see `tests.support.host`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.host import Host, blocks_of
from tests.support.processes import ROOT

GUIDES = (
    "chat-services.md",
    "chat.md",
    "connections.md",
    "jobs.md",
    "live-rows.md",
    "many-people.md",
    "webhooks.md",
    "write-a-transport.md",
)


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_does_what_it_says(guide: str, tmp_path: Path) -> None:
    host = Host(tmp_path)
    host.follow_the_readme()
    host.follow(ROOT / "docs" / "guides" / guide)


def test_the_transport_of_the_guide_is_short() -> None:
    [transport] = [one for one in blocks_of(ROOT / "docs/guides/write-a-transport.md") if one.path == "alerts/slack.py"]
    lines = [line for line in transport.code.splitlines() if line.strip()]
    assert len(lines) < 40


def test_every_guide_is_run() -> None:
    assert {page.name for page in (ROOT / "docs" / "guides").glob("*.md")} == set(GUIDES)
