"""Pages that keep the rows of an inbox, as a list on a screen. After a reset they load them again."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any

import aiohttp

from tests.support.live import EVERY
from tests.support.live_many import Wanderer, session
from tests.support.processes import wait_until
from tests.support.site import Shell

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
    """Pages of Alice for each kind of connection, in a thread, from their opening to `close`."""

    def __init__(self, url: Callable[[], str], cookie: str, *, of_each: int = 1) -> None:
        self._url, self._cookie = url, cookie
        self._kinds = {f"{kind} {number}": kind for kind in EVERY for number in range(of_each)}
        self.pages: dict[str, InboxPage] = {}
        self._loop = asyncio.new_event_loop()
        self._leaving = asyncio.Event()
        self._failures: list[Exception] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        wait_until(self._all_ready, what="every page")

    def _all_ready(self) -> bool:
        return len(self.pages) == len(self._kinds) and all(page.ready.is_set() for page in self.pages.values())

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._wander())
        except Exception as failure:  # noqa: BLE001 -- a thread cannot fail the test; `close` does
            self._failures.append(failure)
        finally:
            self._loop.close()

    async def _wander(self) -> None:
        async with session() as http:
            wandering = [asyncio.create_task(self._page(http, name)) for name in self._kinds]
            await asyncio.gather(*wandering)

    async def _page(self, http: aiohttp.ClientSession, name: str) -> None:
        page = self.pages[name] = InboxPage(http, self._url, self._cookie, self._kinds[name])
        await page.load()
        await page.wander(self._leaving)

    def show(self, rows: set[str]) -> bool:
        return all(page.rows == rows for page in self.pages.values())

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(60)
        assert self._failures == []


def notify(environment: Mapping[str, str], times: int) -> None:
    """Notify Alice so many times, and number it all."""
    with closing(Shell(environment)) as shell:
        shell.python(f"""
            from django.contrib.auth import get_user_model
            from notifications.signals import notify
            from notifications_hub.streams.numberer import numberer
            alice = get_user_model().objects.get(username="alice")
            for _ in range({times}):
                notify.send(alice, recipient=alice, verb={VERB!r})
            assert numberer.finish(30)
        """)


def rows_of(environment: Mapping[str, str]) -> set[str]:
    """Return the ids that the database has."""
    with closing(Shell(environment)) as shell:
        return set(
            shell.python(f"""
                from notifications_hub.models import Notification
                rows = Notification.objects.filter(recipient__username="alice", verb={VERB!r})
                print(*(row.item_id for row in rows))
            """).split()
        )
