"""A recalled announcement leaves every open tab, over each kind of connection."""

from __future__ import annotations

import time

import pytest

from tests.support.live import HELD, listening_by
from tests.support.site import Site

pytestmark = [pytest.mark.both_databases(short="sqlite"), pytest.mark.clocked]

SECONDS = 5.0


def test_a_recalled_announcement_leaves_every_open_tab_within_five_seconds(site: Site) -> None:
    with (
        listening_by(HELD[0], site, "alice") as first,
        listening_by(HELD[1], site, "bob") as second,
        listening_by(HELD[2], site, "charlie") as third,
    ):
        tabs = (first, second, third)
        for tab in tabs:
            tab.frame()
        site.python("from notifications_hub import broadcast, withdraw; shown = broadcast(title='By mistake')")
        for tab in tabs:
            tab.until("announcement.created")
        began = time.monotonic()
        site.python("assert withdraw(shown)")
        for tab in tabs:
            tab.until("announcement.withdrawn")
        assert time.monotonic() - began < SECONDS
