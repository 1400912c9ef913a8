"""The settings of tests, with a middleware that compresses responses and the app that shortens live intervals."""

from __future__ import annotations

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = [*INSTALLED_APPS, "tests.live.hurry"]
_AT = MIDDLEWARE.index("servestatic.middleware.ServeStaticMiddleware") + 1
MIDDLEWARE = [*MIDDLEWARE[:_AT], "django.middleware.gzip.GZipMiddleware", *MIDDLEWARE[_AT:]]
