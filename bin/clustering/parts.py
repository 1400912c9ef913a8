"""The programs of a cluster, in the order in which they start."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from environment import PYTHON, ROOT

from clustering.folder import database_owner, postgres_program
from clustering.layout import Layout


@dataclass(frozen=True)
class Part:
    """A program that supervisord runs. `stops_by` is the signal that ends it in order."""

    name: str
    command: Sequence[str]
    stops_by: str = "TERM"
    user: str | None = None
    folder: Path = ROOT
    starts_again: bool = True


def parts_of(layout: Layout) -> list[Part]:
    """Return the parts in the order in which they start."""
    served = [*_webs(layout), *_workers(layout), _beat(), _nginx(layout)]
    return [_postgres(layout), *_redis(layout), *_pool(layout), *served]


def is_store(part: Part) -> bool:
    """Return whether a part starts first. The others need the database's tables."""
    return part.name.startswith(("postgres", "redis", "sentinel"))


def _postgres(layout: Layout) -> Part:
    settings = ["max_connections=200", "unix_socket_directories="]
    if layout.options.no_fsync:
        # With synchronous_commit=off too, commits would wait in the memory of a server that is killed.
        settings += ["fsync=off", "full_page_writes=off"]
    given = [part for setting in settings for part in ("-c", setting)]
    where = ["-D", str(layout.folder.database / "data"), "-h", "127.0.0.1", "-p", str(layout.database_port)]
    # SIGINT is the "fast" shutdown, which does not wait for clients to leave.
    return Part("postgres", [postgres_program("postgres"), *where, *given], "INT", database_owner(), Path("/"))


def _redis(layout: Layout) -> Iterator[Part]:
    server, folder = _program("redis-server"), layout.folder.path
    names = ["redis", *(f"redis-{number}" for number in range(2, len(layout.redis_ports) + 1))]
    for name in names:
        # With sentinels a killed one stays away, so that the other takes over.
        yield Part(name, [server, str(folder / f"{name}.conf")], starts_again=not layout.sentinel_ports)
    for number in range(1, len(layout.sentinel_ports) + 1):
        yield Part(f"sentinel-{number}", [server, str(folder / f"sentinel-{number}.conf"), "--sentinel"])


def _pool(layout: Layout) -> Iterator[Part]:
    if layout.options.pgbouncer:
        # Like PostgreSQL, it refuses to run as root.
        yield Part("pgbouncer", [_program("pgbouncer"), str(pool_file(layout))], "INT", database_owner(), Path("/"))


def _webs(layout: Layout) -> Iterator[Part]:
    for number, port in enumerate(layout.web_ports, 1):
        yield Part(f"web-{number}", [str(PYTHON), "manage.py", "hub_serve", "--port", str(port)])


def _workers(layout: Layout) -> Iterator[Part]:
    options = ["--concurrency=2", "--prefetch-multiplier=1", "--without-gossip", "--without-mingle", "--loglevel=INFO"]
    for number in range(1, layout.options.workers + 1):
        name = f"worker-{number}"
        yield Part(name, [*_celery("worker"), *options, f"--hostname={name}@localhost"])


def _beat() -> Part:
    return Part("beat", [*_celery("beat"), "--pidfile=", "--loglevel=WARNING"])


def _celery(command: str) -> list[str]:
    return [str(PYTHON), "-m", "celery", "-A", "config", command]


def _nginx(layout: Layout) -> Part:
    path = layout.folder.path
    return Part("nginx", [_program("nginx"), "-c", str(path / "nginx.conf"), "-p", str(path), "-e", "stderr"])


def _program(name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    return shutil.which(name, path=path) or name


def pool_file(layout: Layout) -> Path:
    return layout.folder.path / "pgbouncer" / "pgbouncer.ini"
