"""Circuit breakers and rate limits of push services."""

from __future__ import annotations

import time

import pytest
from pytest_django import Settings

from notifications_hub.transports import PutOff
from notifications_hub.transports.web_push import push_hosts
from notifications_hub.transports.web_push.push_hosts import CROWD, FAILURES, PushHost, PushHosts

ORIGIN = "https://fcm.googleapis.com"


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> PushHost:
    monkeypatch.setattr(push_hosts, "OPEN_SECONDS", 0.1)
    monkeypatch.setattr(push_hosts, "SILENT_SECONDS", 0.05)
    return PushHost(ORIGIN)


def ask(host: PushHost, *, answered: bool) -> None:
    host.enter()
    host.leave(answered=answered)


def fail(host: PushHost) -> None:
    for _ in range(FAILURES):
        ask(host, answered=False)


def test_repeated_failures_open_the_circuit(host: PushHost) -> None:
    fail(host)
    with pytest.raises(PutOff, match=r"Waiting: fcm\.googleapis\.com is not answering") as refused:
        host.enter()
    assert refused.value.retry_after is not None
    assert 0.05 < refused.value.retry_after < 2


def test_an_answer_between_failures_closes_the_circuit(host: PushHost) -> None:
    for _ in range(3 * FAILURES):
        ask(host, answered=False)
        ask(host, answered=True)


def test_one_send_probes_the_service_after_a_while(host: PushHost) -> None:
    fail(host)
    time.sleep(0.11)
    host.enter()
    with pytest.raises(PutOff):
        host.enter()
    host.leave(answered=True)
    ask(host, answered=True)


def test_a_failed_trial_keeps_the_circuit_open_for_longer(host: PushHost) -> None:
    fail(host)
    time.sleep(0.11)
    ask(host, answered=False)
    time.sleep(0.11)
    with pytest.raises(PutOff):
        host.enter()
    time.sleep(0.11)
    ask(host, answered=True)


def test_a_cancelled_trial_changes_nothing(host: PushHost) -> None:
    fail(host)
    time.sleep(0.11)
    host.enter()
    host.leave(answered=None)
    ask(host, answered=True)


def test_a_silent_host_gets_a_limited_number_of_sends(host: PushHost) -> None:
    for _ in range(CROWD):
        host.enter()
    host.enter()
    time.sleep(0.06)
    with pytest.raises(PutOff, match="slow to answer"):
        host.enter()
    host.leave(answered=True)
    host.enter()


def test_a_rate_limit_spreads_sends(settings: Settings, host: PushHost) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "PUSH_RATE": 10}
    waits = [host.enter() for _ in range(5)]
    assert waits == pytest.approx([0, 0.1, 0.2, 0.3, 0.4], abs=0.05)
    for _ in range(15):
        host.enter()
    with pytest.raises(PutOff, match="reached its rate limit"):
        [host.enter() for _ in range(5)]


def test_each_host_has_its_own_state_and_idle_ones_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, host: PushHost
) -> None:
    monkeypatch.setattr(push_hosts, "_KNOWN", 3)
    hosts = PushHosts()
    fail(hosts[ORIGIN])
    for number in range(10):
        ask(hosts[f"https://w{number}.notify.windows.com"], answered=True)
    with pytest.raises(PutOff):
        hosts[ORIGIN].enter()
    assert len(hosts._hosts) <= 3
