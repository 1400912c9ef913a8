"""The site's own settings, with cheap passwords and live models.

`TEST_NOTIFICATIONS_HUB` and `TEST_SETTINGS` are JSON: keys of the hub's own dict, and whole settings of Django's.
"""

from __future__ import annotations

import gc
import json
import os

os.environ.setdefault("DEBUG", "1")

from config.settings import *  # noqa: F403
from config.settings import DATABASES, INSTALLED_APPS, NOTIFICATIONS_HUB, RATES, env

# Python's default of 700 costs a tenth of the time of every process that tests start.
gc.set_threshold(10_000)
# A secure hasher would need a second of a core for every sign-in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests send forms faster than people type. Tests of the rate limits set TEST_RATES to keep the site's own.
if not env.bool("TEST_RATES", default=False):
    NOTIFICATIONS_HUB |= {"API_RATE": "", "API_RATE_PER_ADDRESS": ""}
    RATES = {scope: dict.fromkeys(rates, "") for scope, rates in RATES.items()}
NOTIFICATIONS_HUB = {**NOTIFICATIONS_HUB, **json.loads(env.str("TEST_NOTIFICATIONS_HUB", default="{}"))}
INSTALLED_APPS = [*INSTALLED_APPS, "tests.rows.board", "django_tasks_db"]
TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
# A stand-in for a read replica. A query that a test's router sends there fails, since no test enables this database.
DATABASES = {"replica": {**DATABASES["default"], "TEST": {"MIRROR": "default"}}, **DATABASES}
globals().update(json.loads(env.str("TEST_SETTINGS", default="{}")))
