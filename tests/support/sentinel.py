"""A Redis master, a replica and sentinels for tests, each in its own process on a free port."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from redis import RedisError
from redis.sentinel import Sentinel

from tests.support.processes import Closing, Program, free_port, tool, wait_until
from tests.support.redis import RedisServer

NAME = "main"
CONFIGURATION = f"""
bind 127.0.0.1
port {{port}}
dir {{folder}}
sentinel monitor {NAME} 127.0.0.1 {{master}} 1
sentinel down-after-milliseconds {NAME} 500
sentinel failover-timeout {NAME} 5000
"""


def asking(sentinels: Sequence[tuple[str, int]]) -> Any:
    """Return a client of sentinels. redis-py has no types for it."""
    return Sentinel(sentinels, sentinel_kwargs={"socket_timeout": 1, "retry": None})  # type: ignore[no-untyped-call]


class WatchedRedis(Closing):
    """A master and its replica, watched by one sentinel. `sentinels` names a second one that never answers first."""

    def __init__(self) -> None:
        self.master, self.replica = RedisServer(), RedisServer()
        self._folder = Path(tempfile.mkdtemp(prefix="hub-sentinel-"))
        self._port = free_port()
        self.sentinels = [("127.0.0.1", free_port()), ("127.0.0.1", self._port)]
        try:
            self.replica.follow(self.master)
            self._program = self._start()
            wait_until(self._is_watched, what="that the sentinel knows the replica")
        except BaseException:  # Ctrl-C too: nobody else could stop the programs
            self.close()
            raise

    def close(self) -> None:
        if hasattr(self, "_program"):
            self._program.kill()
        self.master.close()
        self.replica.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> Program:
        file = self._folder / "sentinel.conf"
        file.write_text(CONFIGURATION.format(port=self._port, folder=self._folder, master=self.master.port))
        return Program([tool("redis-server"), str(file), "--sentinel"], log=self._folder / "log")

    def _is_watched(self) -> bool:
        try:
            return bool(asking(self.sentinels[1:]).discover_slaves(NAME))
        except RedisError:
            return False
