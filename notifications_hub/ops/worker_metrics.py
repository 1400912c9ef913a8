"""The metrics of a worker, which serves no pages: a port of its own, for `hub_worker` and Celery's main process."""

from __future__ import annotations

import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from django.utils.crypto import constant_time_compare
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from notifications_hub.conf import hub_settings
from notifications_hub.ops import metrics
from notifications_hub.ops.health import figures

READ_SECONDS = 5.0
"""Time that a scraper has to send its request. One is served at a time."""

log = logging.getLogger(__name__)


class InvalidAddress(ValueError):
    """Raised for a setting that is not `host:port`."""


def parse_listen(text: str) -> tuple[str, int]:
    """Return host and port. Raise `InvalidAddress`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 <= int(port) < 2**16:
        raise InvalidAddress(f"{text!r} is not an address. Write host:port, like '127.0.0.1:9102'.")
    return host.strip("[]"), int(port)


def serve_metrics() -> HTTPServer | None:
    """Serve `/metrics` at `WORKER_METRICS_LISTEN` in a thread, for those who send `METRICS_TOKEN`.

    A port that is taken stops no worker: it is logged.
    """
    if not (hub_settings.worker_metrics_listen and hub_settings.metrics_token):
        return None
    try:
        server = HTTPServer(parse_listen(hub_settings.worker_metrics_listen), _Handler)
    except OSError as error:
        log.error("No metrics of this worker at %s: %s", hub_settings.worker_metrics_listen, error)
        return None
    threading.Thread(target=server.serve_forever, name="hub-metrics", daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    timeout = READ_SECONDS
    server_version = "notifications-hub"
    sys_version = ""

    def do_GET(self) -> None:
        if self.path != "/metrics":
            self._answer(404, b"")
        elif not constant_time_compare(self.headers.get("Authorization", ""), f"Bearer {hub_settings.metrics_token}"):
            self._answer(401, b"Send the token as `Authorization: Bearer`.\n")
        else:
            self._answer(200, metrics.exposition(figures.answer()))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", CONTENT_TYPE_LATEST if status == 200 else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Log nothing: a scraper comes all the time."""
