"""Detection of a cache that belongs to one process alone."""

from __future__ import annotations

from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache


def is_cache_shared() -> bool:
    return not isinstance(caches[DEFAULT_CACHE_ALIAS], (DummyCache, LocMemCache))
