"""Open pages hear what is announced to people who were chosen by hand a moment ago."""

from __future__ import annotations

import pytest

from tests.live.conftest import Listen
from tests.support.site import Site, Visitor

pytestmark = pytest.mark.both_databases


def announce(site: Site, *people: str) -> None:
    site.python(f"""
        from accounts.models import User
        from notifications_hub import broadcast
        broadcast(title="For some", audience=User.objects.filter(username__in={list(people)!r}))
    """)


def test_an_open_page_of_a_chosen_person_hears_it(listen: Listen, site: Site, newcomer: str, visitor: Visitor) -> None:
    with listen(visitor) as client:
        client.frame()
        announce(site, newcomer)
        assert client.until("announcement.created")["data"]["title"] == "For some"


@pytest.mark.parametrize("by", ["websocket"])
def test_an_open_page_of_somebody_else_hears_nothing_of_it(listen: Listen, site: Site, visitor: Visitor) -> None:
    with listen(visitor) as client:
        client.frame()
        announce(site, "alice")
        site.python("from notifications_hub import broadcast; broadcast(title='For all')")
        assert client.until("announcement.created")["data"]["title"] == "For all"


@pytest.mark.parametrize("by", ["websocket"])
def test_a_page_that_has_heard_it_hears_of_the_withdrawal(
    listen: Listen, site: Site, newcomer: str, visitor: Visitor
) -> None:
    with listen(visitor) as client:
        client.frame()
        announce(site, newcomer)
        client.until("announcement.created")
        site.python("""
            from notifications_hub.announcements import announce
            from notifications_hub.announcements.models import Announcement
            announce.withdraw(Announcement.objects.latest("pk"))
        """)
        client.until("announcement.withdrawn")
