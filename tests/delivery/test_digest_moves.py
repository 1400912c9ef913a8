"""Digests that are moved further away than the time to live of what waits for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub import Digest
from notifications_hub.delivery.worker import Worker
from notifications_hub.quiet_hours.digests import save_digests
from notifications_hub.transports import get_transport
from notifications_hub.transports.memory import Memory
from tests.support.clock import one_clock
from tests.support.deliveries import one_worker, send, states
from tests.support.quiet import Commits

__all__ = ["one_worker"]


class Letters(Memory):
    digests = True
    on_by_default = True


@pytest.mark.django_db
@pytest.mark.both_databases
def test_what_waits_for_a_later_digest_does_not_expire_before_it(
    alice: User, bob: User, one_worker: Worker, settings: Settings, django_capture_on_commit_callbacks: Commits
) -> None:
    transports = {"web_push": None, "email": f"{Letters.__module__}.{Letters.__name__}"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports, "ACK_WINDOW": 0}
    letters = get_transport("email")
    assert isinstance(letters, Memory)
    # A Tuesday.
    tuesday = datetime(2026, 6, 2, 12, tzinfo=UTC)
    with one_clock(tuesday) as clock:
        save_digests(alice, {"default": Digest.DAILY})
        send(bob, alice)
        one_worker.run_due()
        with django_capture_on_commit_callbacks(execute=True):
            save_digests(alice, {"default": Digest.WEEKLY})
        clock.move_to(tuesday + timedelta(days=6))
        one_worker.run_due()
    assert states() == [("sent", "accepted")]
    assert len(letters.outbox) == 1
