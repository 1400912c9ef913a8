"""The part of the behaviour suite about failures: only `TransportError`, in time, and without secrets."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

import pytest

from notifications_hub.message import shortened
from notifications_hub.testing.other_side import BUSY_SECONDS, Fault, OtherSide
from notifications_hub.testing.sending import (
    MESSAGE,
    attempt,
    load,
    reach_and_fail,
    run_in_loop,
    send,
    send_all,
    titles_at,
)
from notifications_hub.transports import Learns, TooLong, Transport, TransportError

DEADLINE = 10.0
"""The longest that a transport may take, in seconds."""
GRACE = 5.0
"""The seconds that a busy machine may add to a limit."""


class TransportFailures:
    """Tests of failures, which `TransportSuite` inherits with its fixtures."""

    def test_a_passing_failure_is_temporary_and_has_a_reason(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address = reach_and_fail(other_side, Fault.PASSING, people[0])
        [error] = send(transport, address)
        assert error is not None
        assert not error.permanent
        assert str(error.reason).strip()
        assert address in transport.addresses(people[0])
        assert send(transport, address) == [None]

    def test_a_pause_that_the_other_side_asks_for_is_passed_on(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address = reach_and_fail(other_side, Fault.BUSY, people[0])
        [error] = send(transport, address)
        assert error is not None
        assert (error.permanent, error.retry_after) == (False, BUSY_SECONDS)

    def test_a_dead_address_is_a_permanent_failure(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address = reach_and_fail(other_side, Fault.GONE, people[0])
        [error] = send(transport, address)
        assert error is not None
        assert error.permanent
        assert str(error.reason).strip()

    def test_a_dead_address_is_forgotten(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        if not isinstance(transport, Learns):
            pytest.skip("This transport learns nothing.")
        address = reach_and_fail(other_side, Fault.GONE, people[0])
        transport.learn([(address, TransportError("Not now.")), (address, None)])
        assert address in transport.addresses(people[0])
        # A worker that is killed after it learned something learns it again.
        for _ in range(2):
            [error] = send(transport, address)
            assert error is not None
            assert error.permanent
            assert address not in transport.addresses(people[0])

    def test_a_message_that_is_too_long_is_accepted_when_it_is_shorter(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address = reach_and_fail(other_side, Fault.TOO_LONG, people[0])
        [error] = send(transport, address)
        assert isinstance(error, TooLong)
        assert send(transport, address, shortened(MESSAGE)) == [None]

    def test_a_dropped_connection_is_a_temporary_failure(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        address = reach_and_fail(other_side, Fault.DROPS, people[0])
        [error] = send(transport, address)
        assert error is not None
        assert not error.permanent
        assert send(transport, address) == [None]

    def test_one_failure_does_not_fail_the_others(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        bad, good = reach_and_fail(other_side, Fault.PASSING, people[0]), other_side.reach(people[1])
        failed, sent = send_all(transport, [(MESSAGE, bad), (MESSAGE, good)])
        assert failed is not None
        assert sent is None
        assert titles_at(other_side, good) == [True]

    def test_silence_ends_at_the_deadline_and_delays_no_other(
        self, transport: Transport, other_side: OtherSide, people: Sequence[Any]
    ) -> None:
        silent, good = reach_and_fail(other_side, Fault.SILENT, people[0]), other_side.reach(people[1])
        senders = load(transport, [silent, good])

        async def run() -> tuple[bool, bool, float]:
            began = time.monotonic()
            waiting = asyncio.create_task(attempt(senders[silent], MESSAGE))
            other = asyncio.create_task(attempt(senders[good], MESSAGE))
            done, _ = await asyncio.wait({waiting, other}, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
            other_was_first = other in done and waiting not in done
            await asyncio.wait({waiting}, timeout=DEADLINE + GRACE)
            results.append(waiting.result() if waiting.done() else None)
            return other_was_first, waiting.done(), time.monotonic() - began

        results: list[TransportError | None] = []
        other_was_first, has_ended, seconds = run_in_loop(transport, run())
        assert other_was_first, "`send` blocks the event loop: no other message is sent while it waits"
        assert has_ended, "`send` has no deadline"
        assert seconds < DEADLINE + GRACE
        [error] = results
        assert error is not None, "`send` returned without an answer"
        assert not error.permanent

    def test_a_send_can_be_cancelled(self, transport: Transport, other_side: OtherSide, people: Sequence[Any]) -> None:
        silent = reach_and_fail(other_side, Fault.SILENT, people[0])
        senders = load(transport, [silent])

        async def run() -> bool:
            task = asyncio.create_task(attempt(senders[silent], MESSAGE))
            await asyncio.sleep(0.2)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=GRACE)
            return task in done

        assert run_in_loop(transport, run()), "`send` ignores that it is cancelled"

    @pytest.mark.parametrize("fault", [one for one in Fault if one is not Fault.SILENT], ids=lambda one: one.name)
    def test_no_error_and_no_log_line_contains_a_secret(
        self,
        transport: Transport,
        other_side: OtherSide,
        people: Sequence[Any],
        caplog: pytest.LogCaptureFixture,
        fault: Fault,
    ) -> None:
        address = reach_and_fail(other_side, fault, people[0])
        with caplog.at_level(logging.INFO):
            [error] = send(transport, address)
        assert error is not None
        said = f"{error} {error!r} {error.reason} {caplog.text}"
        assert [secret for secret in other_side.secrets if secret in said] == []
