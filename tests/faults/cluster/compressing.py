"""The settings of a process that compresses everything, as a host may."""

from __future__ import annotations

from tests.faults.cluster.settings import *  # noqa: F403
from tests.faults.cluster.settings import MIDDLEWARE

_AT = MIDDLEWARE.index("servestatic.middleware.ServeStaticMiddleware") + 1
MIDDLEWARE = [*MIDDLEWARE[:_AT], "django.middleware.gzip.GZipMiddleware", *MIDDLEWARE[_AT:]]
