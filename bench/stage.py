"""The stage of a bench: its own PostgreSQL and Redis, signed-in people, and the servers to compare."""

from __future__ import annotations

import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from bench.client import Line
from bench.processes import Server
from tests.support import postgres
from tests.support.processes import ROOT, Program, accepts_connections, free_port, tool
from tests.support.redis import RedisServer
from tests.support.site import HUB_SERVE, UVICORN, inherited_environment, manage

PEERS = Path(__file__).resolve().parent / "peers"
NCHAN_MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
SERVERS: Mapping[str, Sequence[str]] = {
    "hub_serve": (sys.executable, *HUB_SERVE),
    # By default it handles 1,024 requests at a time, and an open socket is one.
    "granian": (
        *(sys.executable, "-m", "granian", "config.asgi:application"),
        *("--interface", "asgi", "--backpressure", "12000"),
    ),
}
"""The commands of the servers that can run the site, without the port."""


class DurablePostgres(postgres.PostgresServer):
    """A server with Debian's defaults, whose commits wait for the disk. The tests' server does not wait."""

    settings = ("max_connections=200",)


class Stage:
    """The bench's environment. Everything runs on loopback, and is removed when it is closed."""

    def __init__(self, server: str = "hub_serve") -> None:
        self._server = server
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        self._open = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="hub-bench-"))
        self._open.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.environment = _production(
            self._open.enter_context(DurablePostgres()).url, self._open.enter_context(RedisServer()).url
        )
        manage("migrate", "--verbosity", "0", environment=self.environment)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    # The hub

    @contextmanager
    def product(
        self, port: int | None = None, *, workers: int = 1, server: str = "", **environment: str
    ) -> Iterator[Server]:
        """Run the site as in production, by one process or several. Use the same port again for a restart.

        `server` names one of `SERVERS`. By default it is the server that this bench measures.
        """
        port = port or free_port()
        command = [*SERVERS[server or self._server], "--port", str(port), "--workers", str(workers)]
        with self._running(command, port, self.environment | environment) as running:
            yield running

    @cached_property
    def people(self) -> list[tuple[int, str]]:
        """The primary keys and cookies of signed-in people, enough for the largest measure."""
        return [(pk, f"sessionid={key}") for pk, key in self.inside("people", count=5000)]

    def lines(self, server: Server, count: int, *, topic: str = "inbox", first: int = 0) -> list[Line]:
        path = f"/live/ws/?topic={topic}"
        return [Line(server.port, path, cookies) for _pk, cookies in self.people[first : first + count]]

    def inside(self, task: str, **arguments: object) -> Any:
        """Run a task of `bench.inside` in a process beside the server, like a worker, and return its result."""
        return finish(self.begin(task, **arguments))

    def begin(self, task: str, **arguments: object) -> subprocess.Popen[str]:
        return _begin(task, self.environment, arguments)

    @contextmanager
    def office(self, people: int) -> Iterator[tuple[Server, list[str]]]:
        """Run the demo site as `bin/run` does, on SQLite. Yield it with the cookies of signed-in people."""
        port = free_port()
        environment = {
            **inherited_environment(),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DEBUG": "1",
            "PORT": str(port),
            "DATABASE_URL": f"sqlite:///{self.folder / 'office.sqlite3'}",
            "CELERY_FOLDER": str(self.folder / "jobs"),
        }
        with self._running([sys.executable, "-m", "bin.serve"], port, environment) as server:
            made = finish(_begin("people", environment, {"count": people}))
            yield server, [f"sessionid={key}" for _pk, key in made]

    # Peers

    @contextmanager
    def bare(self) -> Iterator[Server]:
        """Run an ASGI application that accepts and waits."""
        with self._uvicorn("bench.peers.bare:application", self.environment) as server:
            yield server

    @contextmanager
    def channels(self, layer: str) -> Iterator[Server]:
        """Run a consumer for each socket, on `core` or `pubsub` of channels_redis, or on no layer (`none`)."""
        with self._uvicorn("bench.peers.tutorial:application", self.environment | {"LAYER": layer}) as server:
            yield server

    @contextmanager
    def nchan(self) -> Iterator[Server | None]:
        """Run Nchan, or yield None if Debian's libnginx-mod-nchan is not installed."""
        if not NCHAN_MODULE.exists():
            yield None
            return
        port = free_port()
        settings = self.folder / "nchan.conf"
        settings.write_text(
            (PEERS / "nchan.conf").read_text().format(folder=self.folder, port=port, module=NCHAN_MODULE)
        )
        command = [tool("nginx"), "-c", str(settings), "-e", str(self.folder / "nginx.log")]
        with self._running(command, port, self.environment) as server:
            yield server

    @contextmanager
    def push_service(self) -> Iterator[Server]:
        """Run a push service that accepts every push."""
        port = free_port()
        command = [sys.executable, "-m", "bench.peers.push_service", str(port)]
        with self._running(command, port, self.environment) as server:
            yield server

    def publish_beside(self, task: str, layer: str = "none", **arguments: object) -> subprocess.Popen[str]:
        """Start a task of `bench.peers.publishers`."""
        command = [sys.executable, "-m", "bench.peers.publishers", task, json.dumps(arguments)]
        environment = self.environment | {"LAYER": layer}
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    @contextmanager
    def _uvicorn(self, application: str, environment: Mapping[str, str]) -> Iterator[Server]:
        port = free_port()
        command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), *UVICORN]
        with self._running(command, port, environment) as server:
            yield server

    @contextmanager
    def _running(self, command: list[str], port: int, environment: Mapping[str, str]) -> Iterator[Server]:
        program = Program(command, log=self.folder / f"{port}.log", environment=environment)
        try:
            program.wait_until_ready(lambda: accepts_connections(port))
            yield Server(port, program.process.pid, program.log)
        finally:
            program.kill()


def _begin(task: str, environment: Mapping[str, str], arguments: Mapping[str, object]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.inside", task, json.dumps(arguments)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> Any:
    output, _errors = process.communicate()
    assert process.returncode == 0, f"{process.args!r} failed"
    return json.loads(output)


def _production(database: str, redis: str) -> dict[str, str]:
    return {
        **inherited_environment(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "SECRET_KEY": "a-key-of-fifty-characters-that-only-the-bench-is-using-0123456789",
        "ALLOWED_HOSTS": "127.0.0.1",
        # The bench connects to the server directly. In production a proxy with a certificate is in front of it.
        "SECURE_SSL_REDIRECT": "0",
        "DATABASE_URL": database,
        "REDIS_URL": redis,
    }
