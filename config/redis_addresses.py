"""The site's Redis: one server, several for the channel layer, or a master that Sentinel watches.

redis://:password@host:6379/0
redis://one:6379/0;redis://two:6379/0
sentinel://:password@one:26379/0;sentinel://:password@two:26379/0;sentinel://:password@three:26379/0

The last form is Celery's, with the login of the master. The master's name comes beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# A Redis that drops packets must not block a request.
TIMEOUTS = {"socket_connect_timeout": 1, "socket_timeout": 5}
CACHE_TIMEOUTS = {"socket_connect_timeout": 1, "socket_timeout": 1}
"""A call of the cache takes a millisecond. One that takes a second opens the hub's breaker."""
WATCHED = {"socket_keepalive": True}
"""How Celery notices a connection that has died in silence. redis-py does by itself, unless Celery says nothing."""
ASKING = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": None}
"""How a sentinel is asked. By default redis-py tries one that is gone for seconds, while the next would answer."""
SENTINEL = "sentinel://"
PORT = 26379


@dataclass(frozen=True, kw_only=True)
class Master:
    """A master by its name, and the sentinels that know where it is."""

    name: str
    sentinels: tuple[tuple[str, int], ...]
    database: int
    username: str | None
    password: str | None

    @classmethod
    def of(cls, url: str, name: str) -> Master:
        """Parse the addresses of the sentinels. Raise `ImproperlyConfigured` if something is missing."""
        if not name:
            raise ImproperlyConfigured("Set REDIS_MASTER to the name by which the sentinels know the master.")
        parts = [urlsplit(one) for one in url.split(";")]
        database = parts[0].path.strip("/") or "0"
        try:
            sentinels = tuple((one.hostname, one.port or PORT) for one in parts if one.hostname)
            is_whole = len(sentinels) == len(parts) and database.isdecimal()
        except ValueError:
            is_whole = False
        if not is_whole:
            raise ImproperlyConfigured(
                f"Write the addresses of the sentinels as {SENTINEL}:password@one:{PORT}/0;{SENTINEL}:password@two:"
                f"{PORT}/0. The password and the number are those of the Redis."
            )
        return cls(
            name=name,
            sentinels=sentinels,
            database=int(database),
            username=unquote(parts[0].username or "") or None,
            password=unquote(parts[0].password or "") or None,
        )

    def login(self) -> dict[str, Any]:
        return {"username": self.username, "password": self.password}


def layer_hosts(url: str, master_name: str) -> list[dict[str, Any]]:
    """Return the hosts of the channel layer."""
    if not url.startswith(SENTINEL):
        return [{"address": one, **TIMEOUTS} for one in url.split(";")]
    master = Master.of(url, master_name)
    where = {"sentinels": list(master.sentinels), "master_name": master.name, "sentinel_kwargs": ASKING}
    return [{**where, "db": master.database, **master.login(), **TIMEOUTS}]


def cache_of(url: str, master_name: str) -> dict[str, Any]:
    """Return the cache. It is on the first of several servers: Django would read from the others what lags behind."""
    backend = "django.core.cache.backends.redis.RedisCache"
    if not url.startswith(SENTINEL):
        return {"BACKEND": backend, "LOCATION": url.split(";", maxsplit=1)[0], "OPTIONS": dict(CACHE_TIMEOUTS)}
    master = Master.of(url, master_name)
    return {
        "BACKEND": backend,
        "LOCATION": f"redis://{master.name}/{master.database}",
        "OPTIONS": {
            "pool_class": "notifications_hub.database.sentinel_pool.SentinelPool",
            "sentinels": list(master.sentinels),
            **master.login(),
            **CACHE_TIMEOUTS,
        },
    }


def broker_options(url: str, master_name: str) -> dict[str, Any]:
    """Return the transport options of Celery's broker. Its address is Celery's own form already."""
    if not url.startswith(SENTINEL):
        return {**TIMEOUTS, **WATCHED}
    return {**TIMEOUTS, **WATCHED, "master_name": Master.of(url, master_name).name, "sentinel_kwargs": ASKING}
