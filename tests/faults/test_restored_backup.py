"""T9: an older backup is restored while pages of all four kinds are open. Each page starts again from what is there.

With new epochs, as the runbook says, the lost numbers may be given again at once. Without, the pages are ahead of the
log. On PostgreSQL the site may even keep running during the restore: `cluster/test_restored_backup.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.inbox_pages import OpenPages, notify, rows_of
from tests.support.backup import back_up, restore
from tests.support.live import cookie_of
from tests.support.processes import wait_until
from tests.support.site import Site

pytestmark = pytest.mark.faults


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "rotates", [pytest.param(True, id="new-epochs"), pytest.param(False, id="same-epochs", marks=pytest.mark.faults)]
)
def test_pages_start_again_after_a_restore(site: Site, opened: ExitStack, tmp_path: Path, rotates: bool) -> None:
    pages = _pages_ahead_of_a_backup(site, opened, tmp_path / "backup")
    site.kill()
    restore(site.database_url, tmp_path / "backup")
    if rotates:
        site.manage("hub_rotate_epochs")
        # More than were lost, so that every number that a page knows is given again, to another event.
        notify(site.environment, 9)
    site.start()
    notify(site.environment, 2)
    _expect_what_is_there(site, pages, f"stopped, {'new' if rotates else 'same'} epochs")


def _pages_ahead_of_a_backup(site: Site, opened: ExitStack, backup: Path) -> OpenPages:
    notify(site.environment, 3)
    pages = OpenPages(lambda: site.url, cookie_of(site, "alice"))
    opened.callback(pages.close)
    notify(site.environment, 2)
    back_up(site.database_url, backup)
    notify(site.environment, 7)
    there = rows_of(site.environment)
    wait_until(lambda: pages.show(there), what="twelve notifications on every page")
    assert not any(page.reset for page in pages.pages.values())
    return pages


def _expect_what_is_there(site: Site, pages: OpenPages, how: str) -> None:
    there = rows_of(site.environment)
    with suppress(AssertionError):
        wait_until(lambda: pages.show(there), seconds=90, what="the restored inbox on every page")
    wrong = [kind for kind, page in pages.pages.items() if page.rows != there]
    record(f"T9 {how}", pages=len(pages.pages), wrong_pages=len(wrong))
    assert wrong == []
    assert all("inbox" in page.reset for page in pages.pages.values())
    assert "Internal Server Error" not in site.log
