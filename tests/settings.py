"""The site's own settings, with cheap passwords and live models.

`TEST_NOTIFICATIONS_HUB` and `TEST_SETTINGS` are JSON: keys of the hub's own dict, and whole settings of Django's.
"""

from __future__ import annotations

import json
import os

os.environ.setdefault("DEBUG", "1")

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, NOTIFICATIONS_HUB, env

# A real hasher takes a second of a core for every sign-in.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
NOTIFICATIONS_HUB = {**NOTIFICATIONS_HUB, **json.loads(env.str("TEST_NOTIFICATIONS_HUB", default="{}"))}
INSTALLED_APPS = [*INSTALLED_APPS, "tests.rows.board"]
globals().update(json.loads(env.str("TEST_SETTINGS", default="{}")))
