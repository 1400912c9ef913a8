"""Hints between processes, on a Redis of the test."""

from __future__ import annotations

import pytest
from redis import Redis

from tests.support.databases import Databases
from tests.support.redis import RedisServer
from tests.support.site import Shell, site_environment


@pytest.mark.both_databases
def test_a_process_that_exits_says_first_what_it_published_last(
    databases: Databases, redis_server: RedisServer
) -> None:
    environment = site_environment(DATABASE_URL=databases.copy(), REDIS_URL=redis_server.url)
    with Redis.from_url(redis_server.url) as redis, redis.pubsub() as heard:
        heard.psubscribe("*")
        heard.get_message(timeout=5)
        shell = Shell(environment)
        shell.python("""
            from notifications_hub import publish
            publish("open.t", "counted", {})
        """)
        shell.close()
        # The process is gone: what is not there by now never comes.
        said = [message["data"] for message in iter(lambda: heard.get_message(timeout=0.2), None)]
    assert any(b"open.t" in data for data in said if isinstance(data, bytes))
