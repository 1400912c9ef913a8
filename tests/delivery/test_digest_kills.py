"""Workers that are killed at any step of a digest: each notification is in one message, or in the same one again."""

from __future__ import annotations

import json
import signal
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import Message
from notifications_hub.delivery import claiming, group_claims, groups, held, sender, worker
from notifications_hub.delivery.digest_choices import choose_digest
from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.worker import Worker
from notifications_hub.kinds import Digest
from notifications_hub.transports import get_transport
from tests.delivery.test_digests import Letters, hold, lines
from tests.support.deliveries import make_due
from tests.support.full import FULL, report
from tests.support.processes import wait_until
from tests.support.together import in_process

pytestmark = pytest.mark.both_databases

ITEMS = 8
Step = tuple[Any, str]
STEPS: list[Step] = [
    (worker, "wishes_of"),
    (held, "split"),
    (group_claims, "_take"),
    (groups, "_weeded"),
    (sender.Network, "begin"),
    (groups, "mark_accepted"),
    (worker, "mark_accepted"),
    (claiming, "record"),
    (claiming, "_record"),
]


class Killed(BaseException):
    """Raised where a worker is killed: nothing after it happens, and its transaction is rolled back."""


@pytest.fixture
def letters(settings: Settings) -> Letters:
    transports = {"web_push": None, "email": f"{Letters.__module__}.{Letters.__name__}"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports, "ACK_WINDOW": 0}
    found = get_transport("email")
    assert isinstance(found, Letters)
    return found


def killing(call: Callable[..., Any], at: int) -> Callable[..., Any]:
    """Return the function, killed after this call of it."""
    calls = 0

    def killed(*given: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        result = call(*given, **named)
        if calls == at:
            raise Killed
        return result

    return killed


@pytest.mark.django_db
@pytest.mark.both_databases(short="postgresql")
@pytest.mark.parametrize("step", STEPS, ids=lambda step: str(step[1]))
def test_a_worker_killed_at_a_step_leaves_one_digest(
    step: Step, alice: User, bob: User, letters: Letters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_claims, "NEWEST", 3)
    monkeypatch.setattr(group_claims, "CHUNK", 2)
    choose_methods(alice, "default", ["live", "email"])
    choose_digest(alice, "default", Digest.DAILY)
    with closing(Worker()) as one:
        rows = hold(bob, alice, one, *map(str, range(ITEMS)))
    make_due(state="waiting")
    kills = 0
    for at in (1, 2):
        with monkeypatch.context() as patch, closing(Worker()) as one, suppress(Killed):
            patch.setattr(*step, killing(getattr(*step), at))
            one.run_due()
            kills -= 1
        kills += 1
        # The lease of the killed one is over.
        make_due(state="waiting", claim__isnull=False)
    with closing(Worker()) as one:
        while Delivery.objects.filter(state="waiting").exists():
            make_due(state="waiting")
            one.run_due()
    messages = [message for message, _address in letters.outbox]
    assert kills > 0
    assert len({message.group for message in messages}) == 1
    assert len(messages) <= kills + 1
    assert counted(messages[0]) == ITEMS
    assert lines(messages[0]) == [row.message().title for row in reversed(rows[-3:])]
    ends = set(Delivery.objects.values_list("state", "reason"))
    assert ends <= {("sent", "summed_up"), ("cancelled", "delivered_already"), ("cancelled", "delivered_by")}


def counted(message: Message) -> int:
    return len(lines(message)) + message.more


# Processes


_WORKER = """
    from django.conf import settings
    settings.NOTIFICATIONS_HUB = {
        **settings.NOTIFICATIONS_HUB, "ACK_WINDOW": 0,
        "TRANSPORTS": {"web_push": None, "email": "tests.support.file_transport.DigestFile"},
    }
    import threading
    from notifications_hub.delivery import worker
    worker.run(threading.Event())
"""
PEOPLE = 10_000 if FULL else 100
EACH = 3


@pytest.fixture
def sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Path:
    transports = {"web_push": None, "email": "tests.support.file_transport.DigestFile"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports, "ACK_WINDOW": 0}
    file = tmp_path / "sent"
    file.touch()
    monkeypatch.setenv("SENT_FILE", str(file))
    return file


def people_with_digests(actor: User) -> None:
    """Make people who have notifications that wait for their daily digest."""
    people = User.objects.bulk_create(User(username=f"person{number}") for number in range(PEOPLE))
    Preference.objects.bulk_create(
        Preference(person=one, kind="default", methods=["email", "live"], digest="daily") for one in people
    )
    for number in range(EACH):
        notify.send(actor, recipient=people, verb=f"did {number}")
    with closing(Worker()) as one:
        make_due()
        one.run_due()
    assert set(Delivery.objects.values_list("state", "reason")) == {("waiting", "digest")}


def digests_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]


@pytest.mark.both_databases(short="postgresql")
@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
@pytest.mark.django_db(transaction=True)
def test_killed_workers_send_each_notification_in_one_digest(bob: User, sent: Path) -> None:
    people_with_digests(bob)
    make_due()
    kills = (0.1, 0.3, 0.5, 0.7, 0.9) if FULL else (0.3,)
    for part in kills:
        # Two at a time, one of which is killed.
        working = in_process(_WORKER), in_process(_WORKER)
        wait_until(partial(_has_sent, sent, part), seconds=300, what="a part of the digests")
        for one in working:
            one.kill()
            assert one.wait(30) == -signal.SIGKILL
        Delivery.objects.filter(claim__isnull=False, state="waiting").update(
            due_at=datetime.now(UTC) - timedelta(seconds=1)
        )
    with closing(Worker()) as last:
        last.run_due()
    assert not Delivery.objects.filter(state="waiting").exists()

    by_person: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for digest in digests_in(sent):
        by_person[digest["person"]].append(digest)
    assert len(by_person) == PEOPLE
    for digests in by_person.values():
        assert len({one["group"] for one in digests}) == 1, "a repeated one has the same name"
        assert {tuple(one["titles"]) for one in digests} == {tuple(f"Bob did {n}" for n in reversed(range(EACH)))}
        assert len(digests) <= len(kills) + 1
    again = sum(map(len, by_person.values())) - PEOPLE
    report(f"digests of {PEOPLE:,} people, {2 * len(kills)} workers killed: {again:,} came again")


def _has_sent(file: Path, part: float) -> bool:
    return len(digests_in(file)) >= part * PEOPLE
