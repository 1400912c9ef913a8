"""A connection pool with which Django's Redis cache follows the master that Sentinel names.

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://main/0",  # the master's name and the database
        "OPTIONS": {
            "pool_class": "notifications_hub.database.sentinel_pool.SentinelPool",
            "sentinels": [("one", 26379), ("two", 26379), ("three", 26379)],
        },
    }
}
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from redis.connection import parse_url
from redis.sentinel import Sentinel, SentinelConnectionPool

ASKING = {"socket_connect_timeout": 1, "socket_timeout": 1, "retry": None}
"""How a sentinel is asked. By default redis-py tries one that is gone for seconds, while the next would answer."""


class SentinelPool(SentinelConnectionPool):
    """The pool of one master. After a failover it connects to the new one; what the old one had not copied is lost."""

    @classmethod
    def from_url(
        cls,
        url: str,
        *,
        sentinels: Sequence[tuple[str, int]] = (),
        sentinel_kwargs: dict[str, Any] | None = None,
        **options: Any,
    ) -> Self:
        """Return the pool of the master that the host of a URL names: `redis://:password@main/0`."""
        address: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
        name = address.pop("host", "")
        if not (sentinels and name):
            raise ImproperlyConfigured(
                "SentinelPool needs the master's name as the host of LOCATION ('redis://main/0'), and "
                "OPTIONS['sentinels'], a list of (host, port)."
            )
        # The sentinels know its port.
        address.pop("port", None)
        manager = Sentinel(sentinels, sentinel_kwargs=ASKING | (sentinel_kwargs or {}))  # type: ignore[no-untyped-call]
        return cls(name, manager, **address, **options)
