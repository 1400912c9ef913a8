"""System checks of the settings for metrics, and of the folder that several processes share."""

from __future__ import annotations

import os
from collections.abc import Iterator

from django.core import checks
from django.core.checks import CheckMessage, Error

from notifications_hub.conf import HubSettings
from notifications_hub.ops.worker_metrics import InvalidAddress, parse_listen
from notifications_hub.telemetry.measures import SHARED

SHORTEST_TOKEN = 16


def check_metrics(loaded: HubSettings) -> Iterator[CheckMessage]:
    if loaded.metrics_token and len(loaded.metrics_token) < SHORTEST_TOKEN:
        words = f"METRICS_TOKEN has fewer than {SHORTEST_TOKEN} characters, so it can be guessed."
        yield checks.Warning(words, hint=_REMEDY, id="notifications_hub.W066")
    if not loaded.worker_metrics_listen:
        return
    try:
        parse_listen(loaded.worker_metrics_listen)
    except InvalidAddress as error:
        yield Error(f"WORKER_METRICS_LISTEN: {error}", id="notifications_hub.E083")
    if not loaded.metrics_token:
        words = "WORKER_METRICS_LISTEN needs METRICS_TOKEN: a worker answers nobody without it."
        yield Error(words, hint=_REMEDY, id="notifications_hub.E084")
    if loaded.celery and not os.environ.get(SHARED):
        words = f"Celery's main process knows nothing of its children's metrics without {SHARED}."
        hint = f"Name an empty folder of the machine in the environment variable {SHARED}, or run one with --pool=solo."
        yield checks.Warning(words, hint=hint, id="notifications_hub.W067")


_REMEDY = 'Make one with `python -c "import secrets; print(secrets.token_urlsafe(32))"`.'
