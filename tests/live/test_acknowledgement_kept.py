"""An acknowledgement that a page sends while PostgreSQL is away."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.live.support import poke
from tests.support.backup import server_with_tables
from tests.support.databases import Databases
from tests.support.live import listening
from tests.support.processes import wait_until
from tests.support.site import Site

DELIVERED_BY = """
    from notifications_hub.models import Notification
    rows = Notification.objects.filter(recipient__username="alice", announcement=None)
    print(rows.latest("pk").delivered_by)
"""


@pytest.mark.postgres
def test_what_a_page_displayed_is_recorded_once_the_database_is_back(databases: Databases, tmp_path: Path) -> None:
    with server_with_tables(databases, tmp_path) as server:
        site = Site(tmp_path, hub={"EMBEDDED_WORKER": False}, environment={"DATABASE_URL": server.url})
        with closing(site), listening(site, "alice") as alice:
            alice.frame()
            poke(site)
            alice.until("notification.created")
            server.stop()
            alice.send(ack=alice.cursor, visible=True)
            wait_until(lambda: "Acknowledgements wait" in site.log, what="a failed attempt to record it")
            server.start()
            assert alice.until("notification.delivered"), "on the same connection"
            assert site.python(DELIVERED_BY) == "live"
