"""T9: an older backup is restored while pages of all four kinds are open. Each page starts again from what is there.

With new epochs, as the runbook says, the lost numbers may be given again at once. Without, the pages are ahead of the
log. On PostgreSQL the site may even keep running during the restore.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.faults.figures import record
from tests.support.backup import back_up, restore
from tests.support.live import EVERY, cookie_of
from tests.support.live_many import Wanderer, session
from tests.support.processes import wait_until
from tests.support.site import Shell, Site

pytestmark = pytest.mark.faults

VERB = "restored it all"
"""In the titles of the notifications that count here. The demo people have others."""


class InboxPage(Wanderer):
    """A page that keeps the rows of its inbox. After a reset it loads them again."""

    def __init__(self, http: aiohttp.ClientSession, at: Callable[[], str], cookie: str, kind: str) -> None:
        super().__init__(http, at, cookie, "inbox", kinds=[kind], stays=(3600.0, 3600.0))
        self.rows: set[str] = set()
        self._loading: asyncio.Task[None] | None = None

    async def load(self) -> None:
        address = f"{self._at()}/api/v1/notifications/"
        async with self._session.get(address, headers={"Cookie": self._cookie}) as answer:
            self._add((await answer.json())["results"])

    def _add(self, items: Iterable[dict[str, Any]]) -> None:
        self.rows |= {item["id"] for item in items if VERB in item["title"]}

    def _hear(self, text: str | bytes) -> None:
        frame = json.loads(text)
        self.cursor = frame["cursor"]
        if "inbox" in frame["reset"]:
            self.reset += frame["reset"]
            self.rows = set()
            self._loading = asyncio.create_task(self.load())
        self._add(event["data"] for event in frame["events"] if event["kind"] == "notification.created")
        self.ready.set()


class OpenPages:
    """A page of Alice for each kind of connection, in a thread, from its opening to `close`."""

    def __init__(self, site: Site) -> None:
        self._site, self._cookie = site, cookie_of(site, "alice")
        self.pages: dict[str, InboxPage] = {}
        self._loop = asyncio.new_event_loop()
        self._leaving = asyncio.Event()
        self._failures: list[Exception] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        wait_until(lambda: len(self.pages) == len(EVERY) and all(one.ready.is_set() for one in self.pages.values()))

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._wander())
        except Exception as failure:  # noqa: BLE001 -- a thread cannot fail the test; `close` does
            self._failures.append(failure)
        finally:
            self._loop.close()

    async def _wander(self) -> None:
        async with session() as http:
            wandering = [asyncio.create_task(self._page(http, kind)) for kind in EVERY]
            await asyncio.gather(*wandering)

    async def _page(self, http: aiohttp.ClientSession, kind: str) -> None:
        page = self.pages[kind] = InboxPage(http, lambda: self._site.url, self._cookie, kind)
        await page.load()
        await page.wander(self._leaving)

    def show(self, rows: set[str]) -> bool:
        return all(page.rows == rows for page in self.pages.values())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(60)
        assert self._failures == []


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def notify(site: Site, times: int) -> None:
    with closing(Shell(site.environment)) as shell:
        shell.python(f"""
            from django.contrib.auth import get_user_model
            from notifications.signals import notify
            from notifications_hub.streams.numberer import numberer
            alice = get_user_model().objects.get(username="alice")
            for _ in range({times}):
                notify.send(alice, recipient=alice, verb={VERB!r})
            assert numberer.finish(30)
        """)


def rows_of(site: Site) -> set[str]:
    with closing(Shell(site.environment)) as shell:
        return set(
            shell.python(f"""
                from notifications_hub.models import Notification
                rows = Notification.objects.filter(recipient__username="alice", verb={VERB!r})
                print(*(row.item_id for row in rows))
            """).split()
        )


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
        notify(site, 9)
    site.start()
    notify(site, 2)
    _expect_what_is_there(site, pages, f"stopped, {'new' if rotates else 'same'} epochs")


@pytest.mark.postgres
def test_pages_start_again_after_a_restore_under_a_running_site(site: Site, opened: ExitStack, tmp_path: Path) -> None:
    pages = _pages_ahead_of_a_backup(site, opened, tmp_path / "backup")
    restore(site.database_url, tmp_path / "backup")
    site.manage("hub_rotate_epochs")
    notify(site, 9)
    _expect_what_is_there(site, pages, "running, new epochs")


def _pages_ahead_of_a_backup(site: Site, opened: ExitStack, backup: Path) -> OpenPages:
    notify(site, 3)
    pages = OpenPages(site)
    opened.callback(pages.close)
    notify(site, 2)
    back_up(site.database_url, backup)
    notify(site, 7)
    there = rows_of(site)
    wait_until(lambda: pages.show(there), what="twelve notifications on every page")
    assert not any(page.reset for page in pages.pages.values())
    return pages


def _expect_what_is_there(site: Site, pages: OpenPages, how: str) -> None:
    there = rows_of(site)
    with suppress(AssertionError):
        wait_until(lambda: pages.show(there), seconds=90, what="the restored inbox on every page")
    wrong = [kind for kind, page in pages.pages.items() if page.rows != there]
    record(f"T9 {how}", pages=len(pages.pages), wrong_pages=len(wrong))
    assert wrong == []
    assert all("inbox" in page.reset for page in pages.pages.values())
    assert "Internal Server Error" not in site.log
