"""Sessions in a signed cookie. The key is the data, so it changes with each change of the session."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from tests.live.support import HURRIED, ends, poke
from tests.support.databases import Databases
from tests.support.live import WEBSOCKET, listening_by
from tests.support.site import Site, Visitor


@pytest.fixture(scope="module")
def site(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    environment = {**HURRIED, "DJANGO_SETTINGS_MODULE": "tests.live.cookie_settings"}
    site = Site(
        tmp_path_factory.mktemp("cookies"), hub={}, environment={"DATABASE_URL": databases.copy(), **environment}
    )
    yield site
    site.close()


def change(site: Site, visitor: Visitor) -> None:
    """Put something into the session, as any view may do."""
    visitor._session.cookies.set(
        "sessionid",
        site.python(f"""
            from django.contrib.sessions.backends.signed_cookies import SessionStore
            session = SessionStore({visitor.cookies["sessionid"]!r})
            session["basket"] = [1, 2, 3]
            session.save()
            print(session.session_key)
        """).strip(),
        domain="127.0.0.1",
    )


def test_signing_out_ends_connections_opened_before_the_session_changed(
    site: Site, newcomer: str, visitor: Visitor
) -> None:
    listen = partial(listening_by, WEBSOCKET, site)
    other = site.visitor(newcomer)
    with listen(visitor) as client, listen(other) as elsewhere:
        elsewhere.frame()
        with ends(client, 4401):
            change(site, visitor)
            assert visitor.post("/accounts/logout/").ok
        poke(site, newcomer)
        assert elsewhere.until("notification.created")


def test_signing_in_as_another_person_ends_connections_of_the_earlier_session(site: Site, visitor: Visitor) -> None:
    with listening_by(WEBSOCKET, site, visitor) as client, ends(client, 4401):
        change(site, visitor)
        visitor.sign_in("charlie")
