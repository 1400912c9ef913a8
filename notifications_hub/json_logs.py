"""A log of JSON objects, one a line, by python-json-logger. Needs `notifications-hub[json-logs]`.

Name `notifications_hub.json_logs.JsonFormatter` in `LOGGING`. It writes the message and plain extra values. Objects,
such as the request that Django attaches, are left out: their text may hold a token or a cursor.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter as _JsonFormatter

from notifications_hub.request_ids import current_request_id
from notifications_hub.telemetry.tracing import trace_id

_PLAIN = (str, int, float, bool)


class JsonFormatter(_JsonFormatter):
    """A formatter with the fields `time`, `level`, `logger`, `message`, `process`, `request_id` and `trace_id`."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        own = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            # A filter noted it when the line was logged, if another thread writes it.
            "request_id": getattr(record, "request_id", "") or current_request_id(),
            "trace_id": trace_id(),
        }
        own = {key: value for key, value in own.items() if value}
        extra = {key: value for key, value in log_data.items() if isinstance(value, _PLAIN) and key not in own}
        log_data.clear()
        log_data.update({**own, **extra})
