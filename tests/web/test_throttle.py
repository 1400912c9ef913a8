"""All processes of a site share each rate limit, and requests beyond it get the time to wait."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import time_machine
from django.core.cache import cache, caches
from django.test import RequestFactory

from notifications_hub.checks import check_settings
from notifications_hub.web.throttle import Rate, check_rate, parse, throttle_key, wait_in_words
from tests.inbox.support import queries_of
from tests.support.databases import Databases
from tests.support.processes import ROOT
from tests.support.redis import RedisServer
from tests.support.site import site_environment

if TYPE_CHECKING:
    from pytest_django import Settings

both_databases = pytest.mark.both_databases
NOON = "2026-11-28T12:00:00Z"

HAMMER = """
import django, sys; django.setup()
from concurrent.futures import ThreadPoolExecutor
from notifications_hub.web.throttle import check_rate
with ThreadPoolExecutor(8) as pool:
    print(sum(wait == 0 for wait in pool.map(lambda number: check_rate("hammer", "10/d"), range(25))))
"""


@pytest.mark.parametrize(
    ("text", "rate"),
    [("10/m", Rate(10, 60)), ("5/10m", Rate(5, 600)), ("1/s", Rate(1, 1)), ("20/2h", Rate(20, 7200)), ("", None)],
)
def test_a_rate_is_a_number_and_a_time(text: str, rate: Rate | None) -> None:
    assert parse(text) == rate


@pytest.mark.parametrize("text", ["10", "10/", "0/m", "10/0m", "10/w", "-1/m", "ten/m", "1٠/m"])
def test_an_invalid_rate_is_refused_with_an_example(text: str, settings: Settings) -> None:
    with pytest.raises(ValueError, match="Write '10/m'"):
        parse(text)
    settings.NOTIFICATIONS_HUB = {"API_RATE": text}
    assert [message.id for message in check_settings(None)] == ["notifications_hub.E012"]


@both_databases
@pytest.mark.django_db
def test_requests_beyond_a_rate_wait_for_the_next_window() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert [check_rate("a", "2/m") for _ in range(4)] == [0, 0, 60, 60]
        clock.shift(45)
        assert check_rate("a", "2/m") == 15
        assert check_rate("b", "2/m") == 0
        clock.shift(15)
        assert [check_rate("a", "2/m") for _ in range(3)] == [0, 0, 60]


@both_databases
@pytest.mark.django_db
def test_a_counter_has_one_row_and_a_constant_cost() -> None:
    check_rate("a", "100/m")
    few = queries_of(lambda: check_rate("a", "100/m"))
    for number in range(50):
        cache.set(f"another-{number}", 1)
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(5):
            check_rate("a", "100/m")
            clock.shift(60)

    assert queries_of(lambda: check_rate("a", "100/m")) <= few + 6
    assert few <= 4


@pytest.mark.parametrize(
    "backend",
    [
        pytest.param("database", marks=pytest.mark.both_databases(short="postgresql")),
        pytest.param("redis", marks=pytest.mark.both_databases(short="sqlite")),
    ],
)
def test_parallel_requests_of_several_processes_cannot_exceed_a_rate(
    databases: Databases, redis_server: RedisServer, backend: str
) -> None:
    shared = {"REDIS_URL": redis_server.url} if backend == "redis" else {}
    environment = site_environment(DATABASE_URL=databases.copy()) | shared
    running = [
        subprocess.Popen([sys.executable, "-c", HAMMER], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    let_through = sum(int(process.communicate()[0]) for process in running)

    assert let_through == 10


def test_an_unreachable_cache_refuses_no_request_and_is_skipped_for_a_while(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[object] = []

    def away(*args: object) -> int:
        asked.append(args)
        raise OSError("no route")

    monkeypatch.setattr(caches["default"], "incr", away)

    assert [check_rate("a", "1/m") for _ in range(3)] == [0, 0, 0]
    assert caplog.text.count("could not be counted") == 1
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("sent", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", "unknown"),
    ],
)
def test_the_server_names_the_address_and_ipv6_counts_by_network(sent: str, counted: str) -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=sent, headers={"X-Forwarded-For": "203.0.113.9"})

    assert throttle_key(request) == counted


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "in 1 second."), (119, "in 119 seconds."), (121, "in 3 minutes."), (3600, "60 minutes.")]
)
def test_a_wait_is_shown_in_seconds_or_minutes(seconds: int, words: str) -> None:
    assert wait_in_words(seconds).endswith(words)
