from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.push_lab.service import LocalPushService


@pytest.fixture
def push_service() -> Iterator[LocalPushService]:
    with LocalPushService.in_thread() as service:
        yield service
