from __future__ import annotations

from tests.push_lab.fixtures import push_service

__all__ = ["push_service"]
