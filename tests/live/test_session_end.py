"""The end of a session, an account or a right while a connection is open. Nothing is delivered afterwards.

bin/test leaves out PostgreSQL. `test_revocation.py` and `test_access_enforcement.py` have the queries there.
"""

from __future__ import annotations

import time
from functools import partial

import pytest

from tests.live.conftest import Listen
from tests.live.support import PROMPTLY, SECONDS, ends, poke, revoke, run
from tests.support.live import LONG_POLL, POLL, listening_by
from tests.support.site import Site, Visitor

pytestmark = pytest.mark.both_databases(short="sqlite")


@pytest.mark.clocked
def test_signing_out_ends_the_connection(listen: Listen, site: Site, newcomer: str, visitor: Visitor) -> None:
    with listen(visitor) as client:
        cookies = dict(visitor.cookies)
        with ends(client, 4401, PROMPTLY):
            assert visitor.post("/accounts/logout/").ok
        poke(site, newcomer)
        assert client.closing()[0] == 4401
        assert client.events == []
    visitor.sign_in("charlie")
    assert cookies["sessionid"] != visitor.cookies["sessionid"]


def test_a_cursor_does_not_reopen_a_session_that_is_over(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor
) -> None:
    with listen(visitor) as client:
        client.frame()
    run(site, "DELETE FROM django_session WHERE session_key = %s", visitor.cookies["sessionid"])
    with listen(visitor, cursor=client.cursor) as again:
        assert again.closing()[0] == 4401


def test_signing_out_leaves_the_persons_other_sessions_open(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor
) -> None:
    other = site.visitor(newcomer)
    with listen(visitor) as client, listen(other) as elsewhere:
        elsewhere.frame()
        with ends(client, 4401):
            visitor.post("/accounts/logout/")
        poke(site, newcomer)
        assert elsewhere.until("notification.created")


def test_signing_in_as_somebody_else_ends_the_first_persons_connections(
    held_by: str, site: Site, newcomer: str, visitor: Visitor
) -> None:
    with listening_by(held_by, site, visitor) as client:
        with ends(client, 4401):
            visitor.sign_in("charlie")
        poke(site, newcomer)
        assert client.events == []


def test_the_page_of_a_previous_person_gets_nothing_of_the_next_one(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor
) -> None:
    with listen(visitor, person=pseudonym(site, newcomer)) as own:
        assert own.frame()["reset"] == []
    with listen(visitor, person=pseudonym(site, "alice"), cursor=own.cursor) as stale:
        assert stale.closing() == (4401, "session over")


def test_the_page_of_a_previous_person_acknowledges_nothing_for_the_next_one(
    site: Site, newcomer: str, visitor: Visitor
) -> None:
    with listening_by(POLL, site, visitor) as own:
        own.frame()
    for person, status in ((newcomer, 204), ("alice", 401)):
        body = {"cursor": own.cursor, "visible": True}
        assert visitor.post(f"/live/ack/?person={pseudonym(site, person)}", json=body).status_code == status


def pseudonym(site: Site, username: str) -> str:
    return site.python(f"""
        from django.contrib.auth import get_user_model
        from notifications_hub.users import pseudonym_of
        print(pseudonym_of(get_user_model().objects.get(username={username!r}).pk))
    """)


CHANGES = {
    "a changed password": "one.set_password('another'); one.save()",
    "deactivation": "one.is_active = False; one.save(update_fields=['is_active'])",
    "deletion": "one.delete()",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_an_account_change_in_another_process_ends_the_connection(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor, change: str
) -> None:
    with listen(visitor) as client, listen("bob") as bob:
        bob.frame()
        with ends(client, 4401):
            site.python(f"""
                from django.contrib.auth import get_user_model
                one = get_user_model().objects.get(username={newcomer!r})
                {change}
            """)
        poke(site, "bob")
        assert bob.until("notification.created")
    with listen(visitor) as again:
        assert again.closing()[0] == 4401


def test_an_expired_session_ends_its_connection_on_time(listen: Listen, site: Site, visitor: Visitor) -> None:
    site.python(f"""
        from datetime import UTC, datetime, timedelta
        from django.contrib.sessions.models import Session
        soon = datetime.now(UTC) + timedelta(seconds=3)
        Session.objects.filter(pk={visitor.cookies["sessionid"]!r}).update(expire_date=soon)
    """)
    with listen(visitor) as client, ends(client, 4401, 3 + SECONDS):
        pass


def test_the_connection_of_an_extended_session_is_renewed(held_by: str, site: Site, visitor: Visitor) -> None:
    key = visitor.cookies["sessionid"]
    site.python(f"""
        from datetime import UTC, datetime, timedelta
        from django.contrib.sessions.models import Session
        def ends_in(seconds):
            end = datetime.now(UTC) + timedelta(seconds=seconds)
            Session.objects.filter(pk={key!r}).update(expire_date=end)
        ends_in(1.5)
    """)
    with listening_by(held_by, site, visitor) as client:
        client.frame()
        site.python("ends_in(1000)")
        if held_by == LONG_POLL:
            assert client.receives_nothing(3)
        else:
            assert client.closing()[0] == 1012
    with listening_by(held_by, site, visitor, cursor=client.cursor) as again:
        assert again.frame()["reset"] == []


def test_a_revoked_person_gets_nothing_more_until_they_reconnect(
    held_by: str, site: Site, newcomer: str, visitor: Visitor
) -> None:
    with listening_by(held_by, site, visitor) as client:
        with ends(client, 4401):
            revoke(site, newcomer)
        poke(site, newcomer)
    assert client.events == []
    time.sleep(1)
    with listening_by(held_by, site, visitor, cursor=client.cursor) as again:
        assert again.frame()["events"]


def test_revoking_a_topic_ends_only_its_listeners(
    held_by: str, site: Site, newcomer: str, visitor: Visitor, topic: str
) -> None:
    listen = partial(listening_by, held_by, site, visitor)
    with listen(topics=[topic, "inbox"]) as client, listen(topics=["inbox"]) as inbox:
        inbox.frame()
        with ends(client, 4403):
            revoke(site, newcomer, topic=topic)
        poke(site, newcomer)
        assert inbox.until("notification.created")


def test_an_inbox_is_revoked_by_its_public_name(held_by: str, site: Site, newcomer: str, visitor: Visitor) -> None:
    with listening_by(held_by, site, visitor) as client, ends(client, 4403):
        revoke(site, newcomer, topic="inbox")


def test_revoking_a_session_ends_only_that_one(held_by: str, site: Site, newcomer: str, visitor: Visitor) -> None:
    other = site.visitor(newcomer)
    with listening_by(held_by, site, visitor) as client, listening_by(held_by, site, other) as elsewhere:
        elsewhere.frame()
        with ends(client, 4401):
            revoke(site, newcomer, session=visitor.cookies["sessionid"])
        poke(site, newcomer)
        assert elsewhere.until("notification.created")


def test_a_rolled_back_revocation_ends_nothing(held_by: str, site: Site, newcomer: str, visitor: Visitor) -> None:
    with listening_by(held_by, site, visitor) as client:
        client.frame()
        site.python(
            f"""
            from contextlib import suppress
            from django.db import transaction
            from notifications_hub import revoke
            with suppress(ZeroDivisionError), transaction.atomic():
                revoke(person(username={newcomer!r}))
                1 / 0
        """.replace("person(", "__import__('django.contrib.auth').contrib.auth.get_user_model().objects.get(")
        )
        poke(site, newcomer)
        assert client.until("notification.created")
