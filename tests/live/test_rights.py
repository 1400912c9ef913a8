"""Rights removed behind the back of every model. Re-validation finds them, within a minute by default.

bin/test leaves out PostgreSQL. `tests/live/test_access_enforcement.py` runs the queries of re-validation there too.
"""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from tests.live.conftest import Listen
from tests.live.support import BRIEFLY, ends, person_id, run
from tests.support.site import Site, Visitor

pytestmark = pytest.mark.both_databases(short="sqlite")

MINUTE = 3.0
"""Time for re-validation on a site that runs it each second."""


@pytest.fixture(scope="module")
def site(revalidating_site: Site) -> Site:
    return revalidating_site


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_user SET is_active = false WHERE id = %s",
        "UPDATE accounts_user SET password = 'md5$another$one' WHERE id = %s",
    ],
    ids=["deactivated", "password"],
)
def test_a_change_to_an_account_by_raw_sql_is_noticed(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor, statement: str
) -> None:
    with listen(visitor) as client, ends(client, 4401):
        run(site, statement, person_id(site, newcomer))


def test_a_session_deleted_by_raw_sql_is_noticed(listen: Listen, site: Site, visitor: Visitor) -> None:
    with listen(visitor) as client, ends(client, 4401):
        run(site, "DELETE FROM django_session WHERE session_key = %s", visitor.cookies["sessionid"])


def test_a_right_removed_by_raw_sql_is_noticed(listen: Listen, site: Site, newcomer: str, visitor: Visitor) -> None:
    run(site, "UPDATE accounts_user SET is_staff = true WHERE id = %s", person_id(site, newcomer))
    with listen(visitor, topics=["staff"]) as client, ends(client, 4403):
        run(site, "UPDATE accounts_user SET is_staff = false WHERE id = %s", person_id(site, newcomer))


def test_a_person_who_left_an_audience_gets_no_more_of_it_in_their_inbox(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor
) -> None:
    run(site, "UPDATE accounts_user SET is_staff = true WHERE id = %s", person_id(site, newcomer))
    with listen(visitor) as client:
        client.frame()
        run(site, "UPDATE accounts_user SET is_staff = false WHERE id = %s", person_id(site, newcomer))
        time.sleep(MINUTE)
        site.python("from notifications_hub import broadcast; broadcast(title='For staff', audience='staff')")
        with suppress(TimeoutError):
            assert client.closing(BRIEFLY)[0] == 1012
        assert client.events == []


@pytest.mark.parametrize("by", ["websocket", "sse"])
def test_a_person_who_left_a_named_audience_gets_no_more_of_it_even_after_a_page_cached_their_audiences(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor
) -> None:
    run(site, "UPDATE accounts_user SET first_name = 'early' WHERE id = %s", person_id(site, newcomer))
    visitor.get("/notifications/")
    with listen(visitor) as client, ends(client, 1012):
        visitor.get("/notifications/")
        run(site, "UPDATE accounts_user SET first_name = '' WHERE id = %s", person_id(site, newcomer))
