"""Another program changes rows of a running site, and the pages that may see them follow within a second."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from tests.support.live import Closed, listening

if TYPE_CHECKING:
    from tests.conftest import StartSite
    from tests.support.live_client import LiveClient

pytestmark = pytest.mark.postgres

SECONDS = 2.0
"""The sweeper's interval, and a reserve for a busy machine."""


def next_events(client: LiveClient, number: int) -> list[tuple[str, Any]]:
    """Return this many events, in order, within `SECONDS`."""
    until = time.monotonic() + SECONDS
    while len(client.events) < number:
        client.frame(max(0.0, until - time.monotonic()))
    events, client.events = client.events, []
    return [(event["kind"], event["data"].get("body") or event["data"]["ids"]) for event in events]


def test_another_programs_changes_reach_the_pages_within_a_second(start_site: StartSite) -> None:
    site = start_site(hub={"ROW_TRIGGERS": ["showcase.Reply"]})
    site.python("from django.core.management import call_command")
    installed = site.python("call_command('hub_row_triggers', 'install')")
    assert installed == "showcase.reply: installed."
    tea, coffee, key = map(
        int,
        site.python("""
            from accounts.models import User
            from showcase.models import Post, Reply
            bob = User.objects.get(username="bob")
            posts = [Post.objects.create(author=bob, title=title, body="?") for title in ("Tea", "Coffee")]
            reply = Reply.objects.create(post=posts[0], author=bob, body="Green")
            print(*[post.pk for post in posts], reply.pk)
        """).split(),
    )
    with (
        psycopg.connect(site.database_url, autocommit=True) as program,
        listening(site, "alice", topics=[f"post.{tea}"]) as alice,
        listening(site, "charlie", topics=[f"post.{coffee}"]) as charlie,
    ):
        alice.caught_up()
        charlie.caught_up()
        program.execute("UPDATE showcase_reply SET body = 'Black'")
        assert next_events(alice, 1) == [("reply.updated", "Black")]
        # Fifty rows of one statement, between changes by Django.
        site.python("reply.body = 'Django'; reply.save()")
        program.execute(
            "INSERT INTO showcase_reply (post_id, author_id, body, created)"
            " SELECT post_id, author_id, 'Cup ' || number, now() FROM showcase_reply, generate_series(1, 50) number"
        )
        cups = [("reply.created", f"Cup {number}") for number in range(1, 51)]
        assert next_events(alice, 51) == [("reply.updated", "Django"), *cups]
        with program.transaction(force_rollback=True):
            program.execute("UPDATE showcase_reply SET body = 'Never'")
        assert charlie.receives_nothing()

        site.kill()
        program.execute(f"UPDATE showcase_reply SET post_id = {coffee} WHERE id = {key}")
        site.start()
    for person, topic, cursor, expected in (
        ("alice", tea, alice.cursor, [("reply.deleted", [str(key)])]),
        ("charlie", coffee, charlie.cursor, [("reply.created", "Django")]),
    ):
        with listening(site, person, topics=[f"post.{topic}"], cursor=cursor) as client:
            assert next_events(client, 1) == expected
            assert client.receives_nothing()
    with listening(site, "charlie", topics=["staff"]) as refused, pytest.raises(Closed, match="staff"):
        refused.caught_up()
