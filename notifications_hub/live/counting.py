"""Metrics of ended and refused connections, by kind and by the code of the protocol."""

from __future__ import annotations

from notifications_hub.live.close_codes import Closing
from notifications_hub.live.connection import ConnectionKind
from notifications_hub.telemetry import measures


def count_closed(kind: ConnectionKind, closing: Closing | None) -> None:
    """Count a connection that ended. None: the client left, or a poll was answered."""
    measures.closed.labels(kind, str(closing.code) if closing else "0").inc()


def count_refused(kind: ConnectionKind, why: Closing | str) -> None:
    """Count a handshake that was refused: with a code, or for its `origin`."""
    measures.refused.labels(kind, why if isinstance(why, str) else str(why.code)).inc()
