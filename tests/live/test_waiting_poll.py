"""A poll that waits for news."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from notifications_hub.live.frames import Frame
from notifications_hub.live.poll import _Waiting

EMPTY, NEWER, NEWS = Frame("empty", "1~", news=False), Frame("newer", "2~", news=False), Frame("news", "3~", news=True)


async def answer_to(frames: list[Frame], *, wait: float) -> str:
    """Return what a poll is answered to which the hub sends these frames."""
    answers: list[str] = []

    async def answer(status: int, text: str) -> None:
        answers.append(text)

    @contextmanager
    def holding(connection: object) -> Iterator[None]:
        for frame in frames:
            waiting._frames.put_nowait(frame)
        yield

    hub: Any = SimpleNamespace(log=None, holding=holding)
    exchange: Any = SimpleNamespace(answer=answer, wait_for_disconnect=asyncio.Event().wait)
    visitor = SimpleNamespace(
        person=SimpleNamespace(pk=1), owner="1", credential=None, sessions=(), at=0, seconds_left=9
    )
    admitted: Any = SimpleNamespace(visitor=visitor, names=(), topics=("inbox.1",))
    wanted: Any = SimpleNamespace(known={})
    waiting = _Waiting(hub, exchange)
    async with asyncio.timeout(20):
        await waiting.run(wanted, admitted, wait)
    [text] = answers
    return text


async def test_it_ends_with_news_and_not_with_a_frame_that_only_tells_of_another_read() -> None:
    assert await answer_to([EMPTY, EMPTY, NEWER, NEWS], wait=25.0) == "news"


async def test_without_news_it_ends_with_the_newest_cursor() -> None:
    assert await answer_to([EMPTY, NEWER], wait=0.2) == "newer"
