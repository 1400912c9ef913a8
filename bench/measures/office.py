"""A small office on `bin/run`: twelve people on SQLite, who read and answer at once."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import aiohttp

from bench.stage import Stage
from bench.table import Table

PEOPLE = 12
REPLY_SECONDS = 4.0
"""The time between two replies of a person. Together they stay below the showcase's limit for one address."""
PAGE_SECONDS = 0.7
"""The time between two pages of a person, at least: 17 pages a second together."""
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@dataclass(slots=True)
class Office:
    """The times of pages and replies in seconds, and the answers that were no page."""

    pages: list[float] = field(default_factory=list)
    replies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def measure(stage: Stage, *, quick: bool) -> Table:
    seconds = 10.0 if quick else 30.0
    table = Table(
        title=f"A small office: {PEOPLE} people read and answer at once, on SQLite",
        wanted="no errors, a reply p99 at most 500 ms",
        method=f"`bin/run` serves the showcase, with its embedded worker and its Celery worker. {PEOPLE} people each "
        f"load a page (the front page, posts, the inbox) every {PAGE_SECONDS:g} s, and reply every {REPLY_SECONDS:g} "
        "s. Each has a live connection that acknowledges everything, as a visible page does.",
        columns=("", "count", "per second", "p50 ms", "p99 ms", "worst ms", "errors"),
        bound="the interpreter: one process renders all pages.",
    )
    with stage.office(PEOPLE) as (server, cookies):
        office = asyncio.run(_open(server.url, cookies, seconds))
    for subject, times in (("pages", office.pages), ("replies", office.replies)):
        table.add(subject, len(times), len(times) / seconds, *_milliseconds(times), len(office.errors))
    p99 = _milliseconds(office.replies)[1]
    table.judge(not office.errors and p99 <= 500, f"p99 {p99:.0f} ms, {len(office.errors)} errors")
    return table


def _milliseconds(times: list[float]) -> tuple[float, float, float]:
    found = sorted(times) or [float("nan")]
    return found[len(found) // 2] * 1000, found[int(len(found) * 0.99)] * 1000, found[-1] * 1000


async def _open(url: str, cookies: list[str], seconds: float) -> Office:
    office = Office()
    async with asyncio.TaskGroup() as tasks:
        for number, cookie in enumerate(cookies):
            tasks.create_task(_work(office, url, cookie, number, seconds))
    return office


async def _work(office: Office, url: str, cookie: str, number: int, seconds: float) -> None:
    """Read and answer as one person. The first round is not measured."""
    headers = {"Cookie": f"{cookie}; csrftoken={'c' * 32}", "Origin": url, "Accept": "text/html"}
    async with aiohttp.ClientSession(headers=headers) as browser:
        live = asyncio.create_task(_listen(browser, f"{url}/live/ws/"))
        for path in ("/", "/notifications/"):
            await _load(browser, url + path, [], office.errors)
        end = time.monotonic() + seconds
        due = time.monotonic() + REPLY_SECONDS * number / PEOPLE
        while (began := time.monotonic()) < end:
            post = f"{url}/posts/{random.randint(1, 3)}/"
            await _load(browser, random.choice([f"{url}/", post, f"{url}/notifications/"]), office.pages, office.errors)
            if time.monotonic() >= due:
                due += REPLY_SECONDS
                await _reply(browser, post, office)
            await asyncio.sleep(max(0.0, began + PAGE_SECONDS * random.uniform(0.5, 1.5) - time.monotonic()))
        live.cancel()


async def _load(browser: aiohttp.ClientSession, url: str, times: list[float], errors: list[str]) -> str:
    text = ""

    async def get() -> None:
        nonlocal text
        async with browser.get(url) as answer:
            text = await answer.text()
            if answer.status != 200:
                errors.append(f"{answer.status} {url}: {text[:200]}")

    await _timed(get, times)
    return text


async def _reply(browser: aiohttp.ClientSession, post: str, office: Office) -> None:
    token = _TOKEN.search(await _load(browser, post, office.pages, office.errors))
    form = {"body": f"At {time.monotonic()}", "csrfmiddlewaretoken": token[1] if token else ""}

    async def send() -> None:
        async with browser.post(post, data=form, allow_redirects=False) as answer:
            if answer.status != 302:
                office.errors.append(f"{answer.status} {post}: {(await answer.text())[:200]}")

    await _timed(send, office.replies)


async def _timed(act: Callable[[], Awaitable[None]], times: list[float]) -> None:
    began = time.monotonic()
    await act()
    times.append(time.monotonic() - began)


async def _listen(browser: aiohttp.ClientSession, url: str) -> None:
    async with browser.ws_connect(url) as socket:
        await socket.send_json({"visible": True})
        async for message in socket:
            await socket.send_json({"ack": message.json()["cursor"]})
