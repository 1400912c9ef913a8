"""Presence on a topic, over real processes and every kind of connection: a person joins once and leaves once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from itertools import count

import pytest

from tests.live.support import HURRIED
from tests.support.databases import Databases
from tests.support.live import EVERY, LONG_POLL, SSE, WEBSOCKET, LiveClient, listening_by
from tests.support.processes import wait_until as wait_until_it_holds
from tests.support.site import Site

# Two processes are what these add to `test_topic_presence.py`, which has the statements on both.
pytestmark = pytest.mark.both_databases(short="sqlite")

GRACE, LEASE = 3.0, 3.0
KNOBS = {
    "topic_presence.GRACE_SECONDS": GRACE,
    "topic_presence.POLL_SECONDS": GRACE,
    "topic_presence.LEASE_SECONDS": LEASE,
    "topic_presence.RENEW_SECONDS": 0.5,
    ".streams.sweeper.PATIENT_SECONDS": 0.5,
    "topic_presence.SUSPECT_SECONDS": 1.0,
}
SOON, SOME_TIME = 20.0, 30.0
_numbers = count(1)
# Each look asks the shell, and some waits take the whole grace.
wait_until = partial(wait_until_it_holds, every=0.2)


@pytest.fixture(scope="module")
def sites(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    """Two processes on one database. They share no channel layer, and no cache."""
    hurried = {**json.loads(HURRIED["TEST_HURRY"]), **KNOBS}
    environment = {**HURRIED, "TEST_HURRY": json.dumps(hurried), "DATABASE_URL": databases.copy()}
    folder = tmp_path_factory.mktemp("sites")
    with ExitStack() as running:
        one, other = (Site(folder, hub={}, environment=environment) for _ in range(2))
        running.callback(one.close)
        running.callback(other.close)
        yield one, other


@pytest.fixture
def room() -> str:
    return f"rooms.r{next(_numbers)}"


def open_tab(room: str, by: str, site: Site, who: str = "alice") -> AbstractContextManager[LiveClient]:
    return listening_by(by, site, who, topics=[room])


def heard(site: Site, room: str) -> list[str]:
    code = f"""
        from notifications_hub import Event
        print(",".join(Event.objects.filter(topic="heard.{room}").order_by("id").values_list("kind", flat=True)))
    """
    return [kind for kind in site.python(code).strip().split(",") if kind]


def here(site: Site, room: str) -> list[str]:
    code = f"""
        from notifications_hub import present
        print(*present({room!r}).order_by("username").values_list("username", flat=True))
    """
    return site.python(code).split()


def wait_for(site: Site, room: str, *happened: str, seconds: float = SOON) -> None:
    wait_until(lambda: heard(site, room) == list(happened), seconds=seconds, what=", ".join(happened))


def test_five_tabs_in_two_processes_join_and_leave_once(sites: tuple[Site, Site], room: str) -> None:
    one, other = sites
    tabs = [(WEBSOCKET, one), (SSE, other), (LONG_POLL, one), (WEBSOCKET, other), (SSE, one)]
    with ExitStack() as last:
        with ExitStack() as others:
            for number, (by, site) in enumerate(tabs):
                tab = (others if number else last).enter_context(open_tab(room, by, site))
                tab.frame()
            wait_for(one, room, "Alice joined")
            with open_tab(room, WEBSOCKET, other, "bob") as bobs:
                bobs.frame()
                wait_for(one, room, "Alice joined", "Bob joined")
                assert here(one, room) == ["alice", "bob"]
        wait_for(one, room, "Alice joined", "Bob joined", "Bob left")
        assert here(one, room) == ["alice"]
    wait_for(one, room, "Alice joined", "Bob joined", "Bob left", "Alice left")
    assert here(one, room) == []


def test_a_person_is_present_over_every_kind_of_connection(sites: tuple[Site, Site], room: str) -> None:
    one, _other = sites
    people = ["admin", "alice", "bob", "charlie"]
    with ExitStack() as tabs:
        for who, by in zip(people, EVERY, strict=True):
            tabs.enter_context(open_tab(room, by, one, who)).frame()
        wait_until(lambda: here(one, room) == people, seconds=SOON, what="everybody")
    wait_until(lambda: here(one, room) == [], seconds=SOON, what="nobody")
    wait_until(lambda: len(heard(one, room)) == 8, seconds=SOON, what="everybody's departure")
    assert len(set(heard(one, room))) == 8


def test_a_reload_is_no_departure_even_into_another_process(sites: tuple[Site, Site], room: str) -> None:
    one, other = sites
    for site in (one, one, other, one):
        with open_tab(room, WEBSOCKET, site) as tab:
            tab.frame()
            wait_for(one, room, "Alice joined")
    wait_for(one, room, "Alice joined", "Alice left")


def test_a_topic_may_be_added_to_and_dropped_from_an_open_connection(sites: tuple[Site, Site], room: str) -> None:
    one, _other = sites
    with listening_by(WEBSOCKET, one, "alice", topics=["inbox"]) as tab:
        cursor = tab.frame()["cursor"]
        tab.send(topics=["inbox", room], cursor=cursor)
        wait_for(one, room, "Alice joined")
        tab.send(topics=["inbox"], cursor=cursor)
        wait_for(one, room, "Alice joined", "Alice left")


def test_nobody_is_recorded_on_a_topic_without_presence(sites: tuple[Site, Site], room: str) -> None:
    one, _other = sites
    with listening_by(WEBSOCKET, one, "alice", topics=["open.room", room]) as tab:
        tab.frame()
        wait_for(one, room, "Alice joined")
        assert here(one, "open.room") == []


def test_the_people_of_a_killed_process_leave_once(sites: tuple[Site, Site], room: str) -> None:
    one, other = sites
    with ExitStack() as tabs:
        for site, who in ((other, "alice"), (other, "bob"), (one, "bob")):
            tabs.enter_context(open_tab(room, WEBSOCKET, site, who)).frame()
        wait_until(lambda: here(one, room) == ["alice", "bob"], seconds=SOON, what="both")
        # The signal is sent after the commit, so a process killed in between sends none.
        wait_until(
            lambda: sorted(heard(one, room)) == ["Alice joined", "Bob joined"], seconds=SOON, what="both signals"
        )
        other.kill()
        wait_until(lambda: here(one, room) == ["bob"], seconds=LEASE + SOON, what="Alice's departure")
        wait_until(lambda: "Alice left" in heard(one, room), seconds=SOON, what="the signal")
        # Both look for the dead: the survivor, and the process that starts again.
        other.start()
        with open_tab(room, WEBSOCKET, other, "charlie") as tab:
            tab.frame()
            wait_until(lambda: "Charlie joined" in heard(one, room), seconds=SOON, what="Charlie")
        assert sorted(heard(one, room)) == ["Alice joined", "Alice left", "Bob joined", "Charlie joined"]
    wait_until(lambda: heard(one, room).count("Bob left") == 1, seconds=SOON, what="Bob's departure")


def test_a_stopped_process_is_no_departure_for_those_who_reconnect(sites: tuple[Site, Site], room: str) -> None:
    """Stand last, because the other process stays down."""
    one, other = sites
    with ExitStack() as tabs:
        for who in ("alice", "bob"):
            tabs.enter_context(open_tab(room, WEBSOCKET, other, who)).frame()
        wait_until(lambda: here(one, room) == ["alice", "bob"], seconds=SOON, what="both")
        other.stop()
        tabs.enter_context(open_tab(room, WEBSOCKET, one, "alice")).frame()
        wait_until(lambda: "Bob left" in heard(one, room), seconds=SOME_TIME, what="Bob's departure")
        assert "Alice left" not in heard(one, room)
        assert here(one, room) == ["alice"]
    wait_until(lambda: heard(one, room).count("Alice left") == 1, seconds=SOON, what="Alice's departure")
