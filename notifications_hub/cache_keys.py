"""The keys of the hub's entries in Django's cache, which a host's own entries share."""

from __future__ import annotations

import secrets

_PREFIX = "notifications_hub"

_prefix = _PREFIX


def cache_key(name: str, *parts: object) -> str:
    return ":".join((_prefix, name, *map(str, parts)))


def forget_cache_entries() -> None:
    """Use new keys in this process, so that it finds none of the entries that were stored before. For tests.

    Nothing is deleted. A cache finds no keys by their prefix, and parallel tests may share one.
    """
    global _prefix  # noqa: PLW0603 -- one per process, as the cache itself
    _prefix = f"{_PREFIX}-{secrets.token_hex(4)}"
