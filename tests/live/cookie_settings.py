"""The settings of live tests, with sessions stored only in the cookie."""

from __future__ import annotations

from tests.live.settings import *  # noqa: F403

SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
