"""gunicorn's worker with the limits of `hub_serve`, for a site that runs gunicorn already:

gunicorn yoursite.asgi:application --worker-class notifications_hub.ops.gunicorn_worker.HubWorker
"""

from __future__ import annotations

import logging
from typing import Any

from uvicorn_worker import UvicornWorker

from notifications_hub.ops.web_server import SOCKET_LOG, HideSecrets, limits


class HubWorker(UvicornWorker):
    """A uvicorn worker of gunicorn with short frames, no compression, and deadlines for half-sent requests."""

    CONFIG_KWARGS: dict[str, Any] = {**UvicornWorker.CONFIG_KWARGS, **limits()}

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        for name in ("uvicorn.access", "uvicorn.error"):
            logging.getLogger(name).addFilter(HideSecrets())
        logging.getLogger(SOCKET_LOG).setLevel(logging.WARNING)
