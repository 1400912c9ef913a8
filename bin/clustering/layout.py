"""The ports and addresses of a cluster's parts, and the environment that the parts share."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from environment import ROOT, fail

from clustering.folder import Folder, Keys
from clustering.options import Options

MASTER = "main"
"""The name by which sentinels know the first Redis."""
PORTS = range(20_000, 32_000)
"""Below those that Linux gives to outgoing connections, which could take the port of a part that restarts."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The ports of a cluster's parts, and its secrets."""

    folder: Folder
    options: Options
    keys: Keys
    port: int
    database_port: int
    pool_port: int
    redis_ports: Sequence[int]
    sentinel_ports: Sequence[int]
    web_ports: Sequence[int]

    @classmethod
    def on_free_ports(cls, folder: Folder, options: Options, keys: Keys) -> Layout:
        free = _free_ports()
        if options.port is not None and (reason := _reason_not_to_use(options.port)):
            fail(f"port {options.port} cannot be used ({reason}); choose another --port, or leave it out")
        return cls(
            folder=folder,
            options=options,
            keys=keys,
            port=options.port or next(free),
            database_port=next(free),
            pool_port=next(free),
            redis_ports=[next(free) for _ in range(2 if options.sentinel else 1)],
            sentinel_ports=[next(free) for _ in range(3 if options.sentinel else 0)],
            web_ports=[next(free) for _ in range(options.webs)],
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def direct_database_url(self) -> str:
        return f"postgres://hub:{self.keys.stores}@127.0.0.1:{self.database_port}/hub"

    @property
    def database_url(self) -> str:
        """The address that the parts use: PgBouncer's, if there is one."""
        if not self.options.pgbouncer:
            return self.direct_database_url
        return f"postgres://hub:{self.keys.stores}@127.0.0.1:{self.pool_port}/hub?DISABLE_SERVER_SIDE_CURSORS=true"

    def redis_url(self, number: int) -> str:
        """Return the address of a database of Redis, in the form that the site's settings read."""
        if not self.sentinel_ports:
            return f"redis://:{self.keys.stores}@127.0.0.1:{self.redis_ports[0]}/{number}"
        login = f"sentinel://:{self.keys.stores}"
        return ";".join(f"{login}@127.0.0.1:{port}/{number}" for port in self.sentinel_ports)

    def environment(self, *, direct: bool = False) -> dict[str, str]:
        """Return the environment of every part. A variable of the caller replaces a default, but no address."""
        defaults = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "SECRET_KEY": self.keys.secret_key,
            "VAPID_PRIVATE_KEY": self.keys.vapid_private_key,
            "VAPID_SUBJECT": "mailto:hub@example.com",
            # There is no TLS on the way to 127.0.0.1.
            **dict.fromkeys(("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"), "0"),
            "SECURE_HSTS_SECONDS": "0",
        }
        own = {
            "DEBUG": "0",
            "DATABASE_URL": self.direct_database_url if direct else self.database_url,
            "REDIS_URL": self.redis_url(0),
            "REDIS_MASTER": MASTER if self.sentinel_ports else "",
            "CELERY_BROKER_URL": self.redis_url(1),
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        return {**defaults, **os.environ, **own}

    def description(self) -> dict[str, object]:
        return {
            "url": self.url,
            "web_urls": [f"http://127.0.0.1:{port}" for port in self.web_ports],
            "database_url": self.database_url,
            "direct_database_url": self.direct_database_url,
            "redis_url": self.redis_url(0),
            "supervisor": str(self.folder.socket),
            "folder": str(self.folder.path),
            "password": self.keys.password,
            "environment": self.environment(),
        }


def _free_ports() -> Iterator[int]:
    """Return free ports, each one once, in a random order, so that two clusters seldom want the same."""
    for port in random.sample(PORTS, len(PORTS)):
        if not _reason_not_to_use(port):
            yield port
    fail(f"no port from {PORTS.start} to {PORTS.stop - 1} is free")


def _reason_not_to_use(port: int) -> str:
    with socket.socket() as probe:
        # Like the servers, ignore the closed connections of the last run.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return str(error.strerror)
    return ""
