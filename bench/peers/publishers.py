"""Publishers for the peers: `python -m bench.peers.publishers TASK '{"argument": …}'` prints the pace reached."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any


def event(number: int) -> dict[str, Any]:
    """Return an event in the hub's format, and of about the same length."""
    at = "2026-11-20T12:00:00.123456Z"
    return {
        "topic": "everyone", "seq": number, "kind": "tick", "data": {"n": number, "t": time.monotonic_ns()}, "at": at
    }  # fmt: skip


def to_group(count: int, per_second: float) -> dict[str, float]:
    """Call `group_send` again and again, and await each call."""
    from channels.layers import get_channel_layer

    from bench.peers.tutorial import GROUP

    async def send_all() -> float:
        layer = get_channel_layer()
        await layer.group_send("nobody", {"type": "room.message"})
        began = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            await layer.group_send(GROUP, {"type": "room.message", "message": event(number + 1)})
        return count / (time.monotonic() - began)

    return {"per_second": asyncio.run(send_all())}


def to_nchan(port: int, count: int, per_second: float) -> dict[str, float]:
    """POST each event on one connection. Nchan answers when it has passed the message on."""
    connection = HTTPConnection("127.0.0.1", port)
    connection.connect()
    began = time.monotonic()
    for number in range(count):
        wait = began + number / per_second - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        connection.request("POST", "/publish", json.dumps(event(number + 1)))
        response = connection.getresponse()
        response.read()
        assert response.status in (201, 202), f"Nchan answered {response.status}"
    return {"per_second": count / (time.monotonic() - began)}


TASKS: dict[str, Callable[..., dict[str, float]]] = {"to_group": to_group, "to_nchan": to_nchan}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](**json.loads(sys.argv[2]))))
