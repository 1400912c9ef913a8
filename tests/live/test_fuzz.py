"""Forged cursors: a reset or a bad request, never a fault, never another person's row.

bin/test has thousands of them, and `make exhaustive` three times as many.
"""

from __future__ import annotations

import json
import random
import string
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
import requests
from django.test import Client

from notifications_hub import streams
from notifications_hub.live.admission import ConnectionRequest, Refusal, start_positions
from notifications_hub.live.frames import read_frame
from notifications_hub.live.topics import stored_topics
from notifications_hub.streams import Stream
from notifications_hub.streams.cursor import Position, encode, sign
from notifications_hub.streams.models import inbox_topic
from tests.live.support import poke
from tests.support.full import FULL
from tests.support.live import cookie_of
from tests.support.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from accounts.models import User

pytestmark = pytest.mark.both_databases

FORGED, SENT = (10_000, 300) if FULL else (3000, 100)
SECRET = "for nobody but Alice"
NUMBERS = [0, 1, 2, 3, 199, 2**31, 2**62 - 1, 2**62, 2**62 + 1, 2**63 - 1, 2**63, 2**64, 10**18, 10**19]
PIECES = ["~", ".", "-", "1~", "~~", "\x00", "é", "٣", "+", "%", "\n", " ", "A" * 8, "'", '"', "00000000", "🙂"]


def cursors(seeds: list[str], chance: random.Random) -> Iterator[str]:
    """Real cursors, changed a little or completely."""
    ways = [_changed, _changed, _numbered, _spliced, _random]
    while True:
        yield chance.choice(ways)(chance.choice(seeds), seeds, chance)


def _changed(cursor: str, seeds: list[str], chance: random.Random) -> str:
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(cursor) + 1)
        piece = chance.choice([*PIECES, chance.choice(string.printable)])
        cursor = cursor[:at] + chance.choice([piece, "", piece * 2]) + cursor[at + chance.randint(0, 3) :]
    return cursor


def _numbered(cursor: str, seeds: list[str], chance: random.Random) -> str:
    head, *entries, _signature = cursor.split("~")
    key, epoch, *_ = chance.choice(entries).split(".")
    epoch = chance.choice([epoch, "", "00000000", "ffffffff"])
    return _maybe_signed(f"{head}~{key}.{epoch}.{chance.choice(NUMBERS)}.{chance.choice(NUMBERS)}", chance)


def _spliced(cursor: str, seeds: list[str], chance: random.Random) -> str:
    entries = [entry for seed in seeds for entry in seed.split("~")[1:-1]]
    return _maybe_signed("~".join(["1", *chance.choices(entries, k=chance.randint(1, 60))]), chance)


def _maybe_signed(text: str, chance: random.Random) -> str:
    """Sign some forged cursors, to test the checks behind the signature as well."""
    return sign(text) if chance.random() < 0.8 else text


def _random(cursor: str, seeds: list[str], chance: random.Random) -> str:
    return "".join(chance.choices(string.printable + "é٣", k=chance.randint(1, 2100)))


@pytest.mark.exhaustive
@pytest.mark.both_databases(short="sqlite")
@pytest.mark.django_db(transaction=True)
def test_forged_cursors_are_a_reset_or_a_bad_request(
    alice: User, charlie: User, client_for: Callable[[User], Client]
) -> None:
    for _ in range(3):
        streams.append(inbox_topic(alice.pk), "notification.created", {"words": SECRET})
        streams.append(inbox_topic(charlie.pk), "notification.created", {"words": "for Charlie"})
    streams.prune(inbox_topic(charlie.pk), 1)
    seeds = [_at(inbox_topic(person.pk), seq) for person in (alice, charlie) for seq in range(4)]
    client, topics, answered = client_for(charlie), stored_topics(charlie, ["inbox"]), Counter[bool]()
    made_up = cursors(seeds, random.Random(3))
    for number in range(FORGED):
        cursor = next(made_up)
        # Signing in is always the same and takes ten times as long as reading, so only a few cursors do it.
        text = _asked(client, cursor) if number % 100 == 0 else _read(topics, cursor)
        answered[text is None] += 1
        if text is not None:
            assert SECRET not in text, cursor
            _only_what_joins(json.loads(text), cursor)
    # Each kind of result must occur often enough.
    assert min(answered.values()) > FORGED / 10


def _asked(client: Client, cursor: str) -> str | None:
    response = client.get("/live/poll/", query_params={"cursor": cursor})
    assert response.status_code in (200, 400), cursor
    return response.content.decode() if response.status_code == 200 else None


def _read(topics: Sequence[str], cursor: str) -> str | None:
    """Answer a poll as after its admission."""
    try:
        wanted = ConnectionRequest.parse(urlencode({"cursor": cursor}))
    except Refusal:
        return None
    return read_frame(*start_positions(topics, wanted.known)).text


def _at(topic: str, seq: int) -> str:
    stream = Stream.objects.get(topic=topic)
    return encode({topic: Position(stream.epoch, 0, seq), "everyone": Position("", 0, 0)})


def _only_what_joins(frame: Mapping[str, Any], cursor: str) -> None:
    """Assert that events are gapless, and that a reset topic has none."""
    seqs = [event["seq"] for event in frame["events"] if event["topic"] == "inbox"]
    assert seqs == list(range(4 - len(seqs), 4)), cursor
    assert not (seqs and "inbox" in frame["reset"]), cursor


@pytest.mark.exhaustive
@pytest.mark.both_databases(short="postgresql")
def test_the_running_site_handles_forged_cursors_as_well(site: Site) -> None:
    poke(site, "alice", times=2)
    before = len(site.log)
    headers = {"Cookie": cookie_of(site, "alice")}
    with requests.Session() as session:
        first = session.get(f"{site.url}/live/poll/", headers=headers, timeout=30).json()["cursor"]
        made_up = cursors([first], random.Random(4))
        headers = {"Cookie": cookie_of(site, "charlie")}
        for number in range(SENT):
            cursor = next(made_up)
            wait = number % 2
            answer = session.get(
                f"{site.url}/live/poll/?cursor={quote(cursor)}&wait={wait * 0.01}", headers=headers, timeout=30
            )
            assert answer.status_code in (200, 400), cursor
            assert "poked" not in answer.text
    assert "Traceback" not in site.log[before:]
