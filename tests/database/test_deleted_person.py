"""Deleting a person removes every notification of theirs: no row, no event and no Redis key keeps one.

Their messages to other people belong to those people, and the host's foreign keys decide about them.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import redis

from tests.support.live import listening
from tests.support.processes import tool, wait_until
from tests.support.redis import RedisServer
from tests.support.site import Site

if TYPE_CHECKING:
    StartSite = Callable[..., Site]

MARK = "quetzalcoatl"
"""A word in every notification to this person, and in every subscription of theirs."""
_READS: dict[bytes, Callable[[redis.Redis, bytes], Any]] = {
    b"string": lambda client, key: client.get(key),
    b"hash": lambda client, key: client.hgetall(key),
    b"list": lambda client, key: client.lrange(key, 0, -1),
    b"set": lambda client, key: client.smembers(key),
    b"zset": lambda client, key: client.zrange(key, 0, -1),
    b"stream": lambda client, key: client.xrange(key),
}


@pytest.mark.both_databases(short="sqlite")
def test_no_data_of_a_deleted_person_is_kept(start_site: StartSite, redis_server: RedisServer) -> None:
    site = start_site(REDIS_URL=redis_server.url, CELERY_BROKER_URL=redis_server.url)
    site.python(f"""
        from django.apps import apps
        from django.contrib.auth import get_user_model
        from django.db import connection
        from notifications.signals import notify
        from notifications_hub import start
        from notifications_hub.models import Event, PushSubscription, Stream
        from notifications_hub.streams import inbox_topic
        from tests.jobs import tasks
        people = get_user_model().objects
        bob = people.get(username="bob")
        person = people.create_user("{MARK}", "{MARK}@example.com", "demo", first_name="{MARK}")
        topic = inbox_topic(person.pk)

        def tables_with(mark):
            tables = connection.introspection.table_names()
            models = [m for m in apps.get_models(include_auto_created=True) if m._meta.db_table in tables]
            return [m._meta.label for m in models if mark in repr(list(m._base_manager.values_list()))]
    """)
    visitor = site.visitor(MARK)
    with listening(site, MARK) as client:
        client.frame()
        site.python(f"""
            for n in range(3):
                notify.send(bob, recipient=person, verb="greeted {MARK}", description="{MARK}", url="/{MARK}/")
            person.notifications.first().message()
            job = start(tasks.count.s(1), owner=person, title="For {MARK}")
            PushSubscription.objects.create(owner=person, endpoint_hash="1", endpoint="https://{MARK}.example/")
        """)
        client.until("notification.created")
    for path in ("/", "/notifications/", "/api/v1/notifications/"):
        assert MARK in visitor.get(path).text
    assert {"notifications_hub.Notification", "notifications_hub.Event"} <= set(_tables_with_words(site))

    assert MARK in _dump_of(site)
    site.python("print(person.delete())")
    wait_until(lambda: not int(site.python("print(Event.objects.filter(seq=None).count())")), what="the last number")

    assert _tables_with_words(site) == []
    assert MARK not in _dump_of(site)
    assert _keys_with_words(redis_server) == []
    gapless = """
        seqs = list(Event.objects.filter(topic=topic).order_by("seq").values_list("seq", flat=True))
        stream = Stream.objects.get(topic=topic)
        print(seqs == list(range(stream.pruned_through + 1, stream.top + 1)), end="")
    """
    assert site.python(gapless) == "True"


def _dump_of(site: Site) -> str:
    """Return the whole database as a backup has it."""
    if site.database_url.startswith("sqlite"):
        with closing(sqlite3.connect(site.database_url.removeprefix("sqlite:///"))) as database:
            return "\n".join(database.iterdump())
    dump = [tool("pg_dump"), site.database_url]
    return subprocess.run(dump, check=True, capture_output=True, text=True).stdout


def _tables_with_words(site: Site) -> list[str]:
    tables: list[str] = json.loads(site.python(f"import json; print(json.dumps(tables_with({MARK!r})))"))
    return tables


def _keys_with_words(server: RedisServer) -> list[bytes]:
    with redis.Redis.from_url(server.url) as client:
        return [key for key in client.scan_iter() if MARK in repr((key, _READS[client.type(key)](client, key)))]
