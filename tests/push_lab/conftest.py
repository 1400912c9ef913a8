from __future__ import annotations

from tests.transports.conftest import push_service

__all__ = ["push_service"]
