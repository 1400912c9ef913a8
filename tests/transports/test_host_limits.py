"""Circuit breakers and rate limits of hosts."""

from __future__ import annotations

import time

import pytest

from notifications_hub.transports import PutOff
from notifications_hub.transports.outbound import host_limits
from notifications_hub.transports.outbound.host_limits import CROWD, FAILURES, HostLimit, HostLimits

ORIGIN = "https://fcm.googleapis.com"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> HostLimit:
    monkeypatch.setattr(host_limits, "OPEN_SECONDS", 0.1)
    monkeypatch.setattr(host_limits, "SILENT_SECONDS", 0.05)
    return HostLimit(ORIGIN, lambda: 0)


def ask(host: HostLimit, *, answered: bool) -> None:
    host.enter()
    host.leave(answered=answered)


def fail(host: HostLimit) -> None:
    for _ in range(FAILURES):
        ask(host, answered=False)


def test_repeated_failures_open_the_circuit(host: HostLimit) -> None:
    fail(host)
    with pytest.raises(PutOff, match=r"Waiting: fcm\.googleapis\.com is not answering") as refused:
        host.enter()
    assert refused.value.retry_after is not None
    assert 0.05 < refused.value.retry_after < 2


def test_an_answer_between_failures_closes_the_circuit(host: HostLimit) -> None:
    for _ in range(3 * FAILURES):
        ask(host, answered=False)
        ask(host, answered=True)


def test_one_send_probes_the_service_after_a_while(host: HostLimit) -> None:
    fail(host)
    time.sleep(0.11)
    host.enter()
    with pytest.raises(PutOff):
        host.enter()
    host.leave(answered=True)
    ask(host, answered=True)


def test_a_failed_trial_keeps_the_circuit_open_for_longer(host: HostLimit) -> None:
    fail(host)
    time.sleep(0.11)
    ask(host, answered=False)
    time.sleep(0.11)
    with pytest.raises(PutOff):
        host.enter()
    time.sleep(0.11)
    ask(host, answered=True)


def test_a_cancelled_trial_changes_nothing(host: HostLimit) -> None:
    fail(host)
    time.sleep(0.11)
    host.enter()
    host.leave(answered=None)
    ask(host, answered=True)


def test_a_silent_host_gets_a_limited_number_of_sends(host: HostLimit) -> None:
    for _ in range(CROWD):
        host.enter()
    host.enter()
    time.sleep(0.06)
    with pytest.raises(PutOff, match="slow to answer"):
        host.enter()
    host.leave(answered=True)
    host.enter()


def test_a_rate_limit_spreads_sends() -> None:
    host = HostLimit(ORIGIN, lambda: 10)
    waits = [host.enter() for _ in range(5)]
    assert waits == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=0.05)
    for _ in range(15):
        host.enter()
    with pytest.raises(PutOff, match="reached its rate limit"):
        [host.enter() for _ in range(5)]


def test_each_host_has_its_own_state_and_idle_ones_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, host: HostLimit
) -> None:
    monkeypatch.setattr(host_limits, "_KNOWN", 3)
    hosts = HostLimits(lambda: 0)
    fail(hosts[ORIGIN])
    for number in range(10):
        ask(hosts[f"https://w{number}.notify.windows.com"], answered=True)
    with pytest.raises(PutOff):
        hosts[ORIGIN].enter()
    assert len(hosts._hosts) <= 3
