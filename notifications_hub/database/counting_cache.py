"""Django's cache in the database, with a counter that processes can share.

CACHES = {
    "default": {
        "BACKEND": "notifications_hub.database.counting_cache.CountingDatabaseCache",
        "LOCATION": "django_cache",
    }
}
"""

from __future__ import annotations

import base64
import pickle
from typing import Any

from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router
from django.db.transaction import atomic
from django.utils import timezone


class CountingDatabaseCache(DatabaseCache):
    """A database cache that counts atomically. Django's own reads, adds and writes, so concurrent counts are lost.

    Django's also counts all rows of the table at each write, and restarts the key's expiry; a counter needs neither.
    """

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Add to a counter, and return it. Raise `ValueError` for an unknown key, as Django does."""
        database = router.db_for_write(self.cache_model_class)
        name = self.make_and_validate_key(key, version=version)
        with atomic(using=database):
            return self._incr(connections[database], name, delta)

    def _incr(self, connection: Any, name: str, delta: int) -> int:
        table = connection.ops.quote_name(self._table)  # type: ignore[attr-defined]  # set by Django, unknown to its stubs
        # SQLite has one writer, so it needs no such clause and has none.
        lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
        now = connection.ops.adapt_datetimefield_value(timezone.now().replace(microsecond=0))
        with connection.cursor() as sql:
            sql.execute(f"SELECT value FROM {table} WHERE cache_key = %s AND expires >= %s {lock}", [name, now])  # noqa: S608 -- our own table
            row = sql.fetchone()
            if row is None:
                raise ValueError(f"Key '{name}' not found")
            value: int = pickle.loads(base64.b64decode(row[0])) + delta  # noqa: S301 -- as Django stores its values
            stored = base64.b64encode(pickle.dumps(value, self.pickle_protocol)).decode("ascii")
            sql.execute(f"UPDATE {table} SET value = %s WHERE cache_key = %s", [stored, name])  # noqa: S608 -- as above
        return value
