from __future__ import annotations

from collections.abc import Iterator

import pytest
from celery import current_app

from notifications_hub.jobs import broker
from tests.jobs import tasks
from tests.support.celery import use_broker


@pytest.fixture(autouse=True)
def _broker_in_memory() -> Iterator[None]:
    """Use Kombu's in-memory broker, so that messages can be counted and none outlives a test."""
    before = current_app.conf.broker_url
    use_broker("memory://")
    current_app.control.purge()
    yield
    broker._resend_thread.wait()
    current_app.control.purge()
    use_broker(before)


@pytest.fixture(params=tasks.ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test's jobs by each engine."""
    before = tasks.engine()
    tasks.use_engine(request.param)
    yield request.param
    tasks.use_engine(before)
