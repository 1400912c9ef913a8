"""A Redis for tests: in memory, on a free port."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import redis

from tests.support.processes import Closing, Program, free_port, tool


class RedisServer(Closing):
    """A running server. Its contents end with it. `address` is where others reach it, from another host too."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.port = free_port()
        self._address = address
        self.url = f"redis://{address}:{self.port}/0"
        self._folder = Path(tempfile.mkdtemp(prefix="hub-redis-"))
        try:
            self.start()
        except BaseException:  # Ctrl-C too: nobody else could stop the program
            self.close()
            raise

    def start(self) -> None:
        """Start the server, also after a `kill`, on the same port and empty."""
        options = ["--port", str(self.port), "--bind", self._address, "--save", "", "--dir", str(self._folder)]
        options += ["--protected-mode", "no"]
        self._program = Program([tool("redis-server"), *options], log=self._folder / "log")
        self._program.wait_until_ready(self._answers)

    @property
    def running(self) -> bool:
        return self._program.running

    @property
    def process_id(self) -> int:
        return self._program.process.pid

    @property
    def log(self) -> str:
        return (self._folder / "log").read_text(errors="replace")

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def follow(self, master: RedisServer) -> None:
        """Become a replica, which has a copy of all that the master has."""
        with redis.Redis.from_url(self.url) as client:
            client.replicaof("127.0.0.1", str(master.port))

    def stop(self) -> None:
        self._program.stop()

    def kill(self) -> None:
        self._program.kill()

    def close(self) -> None:
        if hasattr(self, "_program"):
            self._program.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False
