"""Clients whose network drops everything from some moment on: no packet says that they have gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.figures import record
from tests.faults.hosts import PEOPLE, WEB_1, Hosts
from tests.faults.run import signed_in
from tests.support.full import FULL
from tests.support.live import HELD, opened
from tests.support.namespaces import needs_namespaces
from tests.support.processes import wait_until
from tests.support.site import Shell

pytestmark = [needs_namespaces, pytest.mark.postgres]

FREED_SECONDS = 60.0
HUB = {"ACK_WINDOW": 1, "TRANSPORTS": {"web_push": "tests.support.file_transport.FileTransport"}}


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """The file that names who was sent a push."""
    (tmp_path / "sent").touch()
    return tmp_path / "sent"


@pytest.fixture
def hosts(tmp_path: Path, sent: Path) -> Iterator[Hosts]:
    with Hosts(tmp_path, hub=HUB, SENT_FILE=str(sent)) as hosts:
        yield hosts


@pytest.mark.faults
def test_half_open_connections_are_freed_and_their_people_get_a_push(hosts: Hosts, sent: Path) -> None:
    """T25: everything is dropped after the handshake, for every kind of connection that stays open."""
    people = dict(zip(HELD, ("alice", "bob", "charlie"), strict=True))
    web = hosts.webs[WEB_1]
    with ExitStack() as listening, hosts.shell() as shell:
        cookies = signed_in(shell, list(people.values()))
        with hosts.network[PEOPLE].entered():
            for kind, person in people.items():
                client = listening.enter_context(opened(kind, web.url, cookies[person]))
                client.caught_up()
                client.send(ack=client.cursor, visible=True)
        # A long poll may be between two requests.
        wait_until(lambda: held_sockets(hosts) >= len(people), what="a connection of each kind")
        listening.callback(hosts.network.heal)
        hosts.network.cut(WEB_1, PEOPLE)
        began = time.monotonic()
        notify(shell, list(people.values()))
        wait_until(lambda: len(set(sent.read_text().split("\n"))) > len(people), what="a push to each")
        pushed = time.monotonic() - began
        if FULL:
            wait_until(lambda: held_sockets(hosts) == 0, seconds=2 * FREED_SECONDS, what="the end of all connections")
            freed = time.monotonic() - began
            record("T25", pushed_seconds=pushed, freed_seconds=freed)
            assert freed <= FREED_SECONDS
        else:
            record("T25 short", pushed_seconds=pushed)


def notify(shell: Shell, names: list[str]) -> None:
    shell.python(f"""
        from django.contrib.auth import get_user_model
        from notifications.signals import notify
        for person in get_user_model().objects.filter(username__in={names!r}):
            notify.send(person, recipient=person, verb="wrote")
    """)


def held_sockets(hosts: Hosts) -> int:
    """Return how many connections with the people's host the web process holds. The kernel's own have no inode."""
    lines = Path(f"/proc/{hosts.webs[WEB_1].process_id}/net/tcp").read_text().splitlines()[1:]
    address = bytes(map(int, hosts.network[PEOPLE].address.split(".")))[::-1].hex().upper()
    return sum(line.split()[2].startswith(address) and line.split()[9] != "0" for line in lines)
