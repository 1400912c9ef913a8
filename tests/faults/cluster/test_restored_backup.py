"""T9: an older backup is restored under a running cluster, whose pages of all four kinds are ahead of it then.

With new epochs, as the runbook says, the lost numbers may be given again at once. Without the command, a page whose
cursor is above the top is reset all the same.
"""

from __future__ import annotations

import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.inbox_pages import OpenPages, notify, rows_of
from tests.support.backup import back_up, restore
from tests.support.cluster import Cluster
from tests.support.live import cookie_of
from tests.support.processes import wait_until

pytestmark = [pytest.mark.postgres, pytest.mark.faults(alone=True)]

OF_EACH = 3
"""Pages by each kind of connection, so that both web processes have some."""
LOST = 7


@pytest.mark.parametrize("rotates", [False, True], ids=["same-epochs", "new-epochs"])
def test_pages_start_again_after_a_restore_under_a_running_site(
    cluster: Cluster, tmp_path: Path, rotates: bool
) -> None:
    backup = tmp_path / "backup"
    notify(cluster.environment, 3)
    with closing(OpenPages(lambda: cluster.url, cookie_of(cluster, "alice"), of_each=OF_EACH)) as pages:
        back_up(cluster.direct_database_url, backup)
        notify(cluster.environment, LOST)
        there = rows_of(cluster.environment)
        wait_until(lambda: pages.show(there), seconds=60, what="every notification on every page")
        assert not any(page.reset for page in pages.pages.values())
        restore(cluster.direct_database_url, backup)
        began = time.monotonic()
        if rotates:
            cluster.manage("hub_rotate_epochs")
            # More than were lost, so that every number that a page knows is given again, to another event.
            notify(cluster.environment, LOST + 2)
        there = rows_of(cluster.environment)
        with suppress(AssertionError):
            wait_until(lambda: pages.show(there), seconds=90, what="the restored inbox on every page")
        took = time.monotonic() - began
        wrong = [name for name, page in pages.pages.items() if page.rows != there]
        were_reset = ["inbox" in page.reset for page in pages.pages.values()]
        how = "new" if rotates else "same"
        record(f"T9 cluster, {how} epochs", pages=len(were_reset), wrong_pages=len(wrong), recovery_seconds=took)
    assert wrong == []
    assert all(were_reset)
