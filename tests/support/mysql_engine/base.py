from __future__ import annotations

from django.db.backends.dummy.base import DatabaseWrapper as NoDatabase


class DatabaseWrapper(NoDatabase):
    vendor = "mysql"
