"""Open pages hear what is announced to people who were chosen by hand a moment ago."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from notifications_hub.live.admission import BEGINNING, start_positions
from notifications_hub.live.list_members import ListMembers
from notifications_hub.live.topics import INBOX
from notifications_hub.streams import cursor
from notifications_hub.streams.cursor import Position
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


class Page:
    """A connection of a person: what the lists' part of the hub asks it."""

    def __init__(self) -> None:
        self.positions: dict[str, object] = {}
        self.names = [INBOX]


def test_others_have_their_turn_while_ten_thousand_people_are_added() -> None:
    pages = {str(number): [Page()] for number in range(10_000)}
    added: list[Page] = []
    longest = 0

    class Registry:
        owners = pages.keys
        of_owner = pages.get

    async def answer(_ask: Callable[..., Any], topics: list[str]) -> dict[str, list[str]]:
        return dict.fromkeys(pages, topics)

    async def add_all() -> None:
        nonlocal longest
        members = ListMembers(
            cast("Any", answer), cast("Any", Registry), lambda page, _positions: added.append(cast("Any", page))
        )
        members.note({"chosen.1": 1})
        adding = asyncio.create_task(members.add_members())
        before = 0
        while not adding.done() or len(added) > before:
            longest, before = max(longest, len(added) - before), len(added)
            await asyncio.sleep(0)
        await adding

    asyncio.run(add_all())
    assert len(added) == len(pages)
    assert longest < 1000


def test_lists_for_which_a_cursor_has_no_room_are_not_heard_from_their_beginning_again() -> None:
    topics = [f"chosen.{number}" for number in range(1, 200)]
    known = cursor.decode(cursor.encode(dict.fromkeys(topics, Position("0123abcd", 0, 5))))
    assert 0 < len(known) < len(topics)

    positions, reset = start_positions(topics, known)
    assert BEGINNING not in positions.values()
    assert reset == topics[len(known) :]


def test_a_list_that_is_newer_than_a_cursor_is_heard_from_its_beginning() -> None:
    known = cursor.decode(cursor.encode({"everyone": Position("0123abcd", 0, 5)}))
    positions, reset = start_positions(["everyone", "chosen.1"], known)
    assert (positions["chosen.1"], reset) == (BEGINNING, [])
