"""Pages that write down what they apply: the shipped JavaScript client in Node, and the Python client of these tests.

`output` has a line for each event (`seq` and `data`), one with `frame` after the events of each frame, and one with
`reset` for topics to fetch again.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from tests.faults.run import STAYS_FOREVER
from tests.support.live import LONG_POLL, POLL, SSE, WEBSOCKET
from tests.support.live_many import Wanderer, session
from tests.support.processes import ROOT, Closing, tool, wait_until

BEST = "best"
"""The best kind of connection that works, as a page of the hub has it. Only for `NodePage`."""
KINDS_OF_NODE = {WEBSOCKET: "ws", SSE: "sse", LONG_POLL: "poll", POLL: "plain-poll", BEST: "best"}
KINDS_OF_PROXY = {WEBSOCKET: "ws", SSE: "sse", LONG_POLL: "poll", POLL: "poll"}


class Page(Closing):
    output: list[dict[str, Any]]

    @property
    def seqs(self) -> list[int]:
        return [line["seq"] for line in self.output if "seq" in line]

    def wait_for(self, seqs: Sequence[int], *, seconds: float = 60) -> None:
        """Return once the page has applied the last of these numbers. Assert that it applied exactly these."""
        wait_until(lambda: seqs[-1] in self.seqs, seconds=seconds, what=f"event {seqs[-1]} on the page")
        assert self.seqs == list(seqs)

    @abstractmethod
    def close(self) -> None: ...


class NodePage(Page):
    """The client that browsers load, run by Node."""

    def __init__(self, url: str, cookie: str, kind: str, topic: str, cursor: str) -> None:
        self.output = []
        given = {"url": url, "cookie": cookie, "kind": KINDS_OF_NODE[kind], "topics": [topic], "cursor": cursor}
        script = ROOT / "tests" / "js" / "support" / "node-page.js"
        command = [tool("node"), "--no-warnings", "--experimental-websocket", str(script), json.dumps(given)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.output.append(json.loads(line))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._reading.join(30)
        self._process.stdout.close()


class PythonPage(Page):
    """A page as these tests play it, in a thread of its own."""

    def __init__(self, url: str, cookie: str, kind: str, topic: str, cursor: str) -> None:
        self.output = []
        self._loop = asyncio.new_event_loop()
        self._leaving = asyncio.Event()
        self._thread = threading.Thread(target=self._run, args=(url, cookie, kind, topic, cursor))
        self._thread.start()

    def _run(self, *page: str) -> None:
        self._loop.run_until_complete(self._wander(*page))
        self._loop.close()

    async def _wander(self, url: str, cookie: str, kind: str, topic: str, cursor: str) -> None:
        async with session() as http:
            given = {"kinds": [kind], "stays": STAYS_FOREVER, "chance": Impatient()}
            wanderer = _Telling(self.output, http, lambda: url.removesuffix("/"), cookie, topic, **given)
            wanderer.cursor = cursor
            await wanderer.wander(self._leaving)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join(60)


class Impatient(random.Random):
    """Chooses the shortest pauses, so that a client may be cut a thousand times."""

    def uniform(self, a: float, b: float) -> float:
        return a if a > 1 else 0.001


class _Telling(Wanderer):
    def __init__(self, output: list[dict[str, Any]], *page: Any, **how: Any) -> None:
        super().__init__(*page, **how)
        self._output = output

    def _hear(self, text: str | bytes) -> None:
        super()._hear(text)
        frame = json.loads(text)
        self._output += [{"reset": frame["reset"]}] if frame["reset"] else []
        self._output += frame["events"]
        self._output.append({"frame": True})
