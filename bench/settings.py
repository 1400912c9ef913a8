"""The site's own settings, with views that the measures of publishing need."""

from __future__ import annotations

from config.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
