"""The options with which SQLite lets several requests write. Without them some fail with "database is locked".

By default a transaction that reads first and writes later fails at once if another one wrote meanwhile, and readers
hold up writers.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_LINES = {
    "transaction_mode": '"transaction_mode": "IMMEDIATE"',
    "timeout": '"timeout": 20',
    "init_command": '"init_command": "PRAGMA journal_mode=WAL"',
}


def missing_options(connection: BaseDatabaseWrapper) -> str:
    """Return the entries that `OPTIONS` of a SQLite database in a file lacks, or an empty text. This opens nothing."""
    # A database in memory belongs to one process, like those of most tests.
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's alone
        return ""
    options = connection.settings_dict["OPTIONS"]
    has = {
        "transaction_mode": str(options.get("transaction_mode")).upper() in ("IMMEDIATE", "EXCLUSIVE"),
        "timeout": "timeout" in options,
        "init_command": "WAL" in str(options.get("init_command")).upper(),
    }
    return ", ".join(line for name, line in _LINES.items() if not has[name])
