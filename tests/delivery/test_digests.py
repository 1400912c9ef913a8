"""Digests: what waits for one, when it comes, and what is in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub import Digest, Kind, Message, Urgency
from notifications_hub.delivery import group_claims
from notifications_hub.delivery.digest_choices import choose_digest
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.digests import bring_forward, save_digests
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.transports import TransportError, get_transport
from notifications_hub.transports.memory import Memory
from tests.support.deliveries import make_due, one_worker, send, states
from tests.support.quiet import A_WHILE, Commits, end_pause, pause

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Letters(Memory):
    """An email without a mail server."""

    digests = True
    label = "Letters"


class Flood(Kind):
    name = "tests.flood"
    label = "Floods"
    urgency = Urgency.CRITICAL
    digest = Digest.WEEKLY


class News(Kind):
    name = "tests.news"
    label = "News"
    digest = Digest.DAILY


@pytest.fixture(autouse=True)
def letters(settings: Settings) -> Memory:
    transports = {"web_push": None, "email": f"{Letters.__module__}.{Letters.__name__}"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports, "ACK_WINDOW": 0}
    found = get_transport("email")
    assert isinstance(found, Memory)
    return found


@pytest.fixture(autouse=True)
def _email_is_chosen(alice: User, bob: User) -> None:
    for person in (alice, bob):
        for kind in ("default", "tests.flood", "tests.news"):
            choose_methods(person, kind, ["live", "email"])


def sent(letters: Memory) -> list[Message]:
    return [message for message, _address in letters.outbox]


def lines(message: Message) -> list[str]:
    return [line.title for section in message.sections for line in section.lines]


def hold(actor: User, person: User, worker: Worker, *verbs: str, kind: str = "default") -> list[Notification]:
    """Send notifications, and let a worker see that they wait."""
    rows = [row for verb in verbs for row in send(actor, person, verb=verb, kind=kind)]
    make_due(held_for=None, claim=None, state="waiting")
    worker.run_due()
    return rows


# What waits


def test_an_email_waits_for_the_next_digest_of_its_person(
    alice: User, bob: User, one_worker: Worker, letters: Memory
) -> None:
    save_schedule(alice, Schedule(zone="Asia/Kathmandu", digest_hour=17, digest_day=4))
    choose_digest(alice, "default", Digest.WEEKLY)
    hold(bob, alice, one_worker, "waved")
    one = Delivery.objects.get()
    due = (one.due_at + timedelta(seconds=1)).astimezone(ZoneInfo("Asia/Kathmandu"))
    assert (letters.outbox, one.state, one.reason, one.held_for_id) == ([], "waiting", "digest", alice.pk)
    assert (due.weekday(), due.hour, one.attempts) == (4, 17, 0)
    assert timedelta() < one.due_at - datetime.now(UTC) < timedelta(days=7, minutes=1)


def test_a_person_who_has_not_chosen_gets_the_digest_of_the_kind(
    alice: User, bob: User, one_worker: Worker, letters: Memory
) -> None:
    hold(bob, alice, one_worker, "waved", kind="tests.news")
    assert states() == [("waiting", "digest")]
    choose_digest(bob, "tests.news", Digest.AT_ONCE)
    hold(alice, bob, one_worker, "waved", kind="tests.news")
    assert [message.kind for message in sent(letters)] == ["tests.news"]


def test_what_is_critical_goes_at_once(alice: User, bob: User, one_worker: Worker, letters: Memory) -> None:
    hold(bob, alice, one_worker, "broke", kind="tests.flood")
    assert [(message.kind, message.sections) for message in sent(letters)] == [("tests.flood", ())]


def test_a_transport_that_does_not_ask_for_digests_has_none(
    alice: User, bob: User, one_worker: Worker, settings: Settings
) -> None:
    plain = {"web_push": None, "email": "notifications_hub.transports.memory.Memory"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": plain}
    choose_digest(alice, "default", Digest.DAILY)
    hold(bob, alice, one_worker, "waved")
    assert states() == [("sent", "accepted")]


# What comes


def test_a_digest_lists_its_notifications_by_kind_newest_first(
    alice: User, bob: User, one_worker: Worker, letters: Memory
) -> None:
    choose_digest(alice, "default", Digest.DAILY)
    hold(bob, alice, one_worker, "asked", "asked again")
    hold(bob, alice, one_worker, "wrote", "read", kind="tests.news")
    hold(bob, alice, one_worker, "waved")
    marks.mark(alice, Mark.READ, [str(row.pk) for row in Notification.objects.filter(verb="read")])
    make_due(state="waiting")
    assert one_worker.run_due() > 0
    [message] = sent(letters)
    assert message.title == "4 new notifications"
    assert [(one.label, [line.title for line in one.lines]) for one in message.sections] == [
        ("Other notifications", ["Bob waved", "Bob asked again", "Bob asked"]),
        ("News", ["Bob wrote"]),
    ]
    assert sorted(states()) == [("cancelled", "read")] + [("sent", "summed_up")] * 4
    assert Notification.objects.filter(delivered_by="email").count() == 4
    make_due()
    assert one_worker.run_due() == 0


def test_a_digest_shows_times_in_the_zone_in_which_the_person_chose_its_hour(
    alice: User, bob: User, one_worker: Worker, letters: Memory
) -> None:
    save_schedule(alice, Schedule(zone="Asia/Kathmandu"))
    rows = hold(bob, alice, one_worker, "asked", "waved", kind="tests.news")
    make_due(state="waiting")
    one_worker.run_due()
    [message] = sent(letters)
    [section] = message.sections
    assert [line.at for line in section.lines] == [row.timestamp for row in reversed(rows)]
    assert {line.at.utcoffset() for line in section.lines} == {timedelta(hours=5, minutes=45)}


def test_nothing_left_is_no_message(alice: User, bob: User, one_worker: Worker, letters: Memory) -> None:
    choose_digest(alice, "default", Digest.DAILY)
    rows = hold(bob, alice, one_worker, "asked", "waved")
    # Not by `mark_delivered`, which cancels what waits: the worker must look by itself.
    Notification.objects.filter(pk=rows[0].pk).update(delivered_at=datetime.now(UTC))
    marks.mark(alice, Mark.READ, [rows[1].item_id])
    make_due(state="waiting")
    one_worker.run_due()
    assert letters.outbox == []
    assert sorted(states()) == [("cancelled", "delivered_already"), ("cancelled", "read")]


def test_a_digest_has_fifty_lines_and_counts_the_rest(
    alice: User, bob: User, one_worker: Worker, letters: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_claims, "NEWEST", 5)
    monkeypatch.setattr(group_claims, "CHUNK", 3)
    choose_digest(alice, "default", Digest.DAILY)
    rows = hold(bob, alice, one_worker, *map(str, range(20)))
    gone = [rows[0].pk, rows[19].pk]
    Notification.objects.filter(pk__in=gone).update(delivered_at=datetime.now(UTC))
    make_due(state="waiting")
    one_worker.run_due()
    [message] = sent(letters)
    assert (message.title, message.more, lines(message)) == (
        "18 new notifications",
        14,
        ["Bob 18", "Bob 17", "Bob 16", "Bob 15"],
    )
    assert message.body.endswith("and 14 more")
    assert sorted(states()) == [("cancelled", "delivered_already")] * 2 + [("sent", "summed_up")] * 18
    assert Notification.objects.filter(delivered_by="email").count() == 18
    newest = Delivery.objects.get(notification=rows[18])
    assert set(Delivery.objects.filter(state="sent").exclude(pk=newest.pk).values_list("summary", flat=True)) == {
        newest.pk
    }


def test_older_ones_come_by_themselves_if_the_newest_need_no_message(
    alice: User, bob: User, one_worker: Worker, letters: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_claims, "NEWEST", 3)
    hold(bob, alice, one_worker, "wrote", "wrote again", kind="tests.news")
    choose_digest(alice, "default", Digest.DAILY)
    hold(bob, alice, one_worker, *map(str, range(7)))
    choose_methods(alice, "default", ["live"])
    make_due(state="waiting")
    for _ in range(5):
        one_worker.run_due()
    [message] = sent(letters)
    assert lines(message) == ["Bob wrote again", "Bob wrote"]
    assert sorted(states()) == [("cancelled", "switched_off")] * 7 + [("sent", "summed_up")] * 2


def test_what_is_due_at_the_same_time_is_one_message(
    alice: User, bob: User, one_worker: Worker, letters: Memory
) -> None:
    choose_digest(alice, "default", Digest.HOURLY)
    hold(bob, alice, one_worker, "asked")
    pause(alice, hours=2)
    choose_digest(alice, "default", Digest.AT_ONCE)
    hold(bob, alice, one_worker, "waved")
    hold(bob, alice, one_worker, "wrote", kind="tests.news")
    assert sorted(states()) == [("waiting", "digest"), ("waiting", "digest"), ("waiting", "quiet_hours")]
    end_pause(alice)
    one_worker.run_due()
    assert [lines(message) for message in sent(letters)] == [["Bob wrote", "Bob waved", "Bob asked"]]


def test_a_digest_in_quiet_hours_waits_for_their_end(
    alice: User, bob: User, one_worker: Worker, letters: Memory
) -> None:
    hold(bob, alice, one_worker, "asked", "wrote", kind="tests.news")
    until = pause(alice, hours=3)
    make_due(state="waiting")
    one_worker.run_due()
    assert (letters.outbox, states()) == ([], [("waiting", "quiet_hours")] * 2)
    assert all(abs(one.due_at - until) < A_WHILE for one in Delivery.objects.all())
    end_pause(alice)
    one_worker.run_due()
    assert len(sent(letters)) == 1


# Changes


def test_another_choice_and_another_hour_move_what_waits(
    alice: User, bob: User, one_worker: Worker, letters: Memory, django_capture_on_commit_callbacks: Commits
) -> None:
    hold(bob, alice, one_worker, "wrote", "asked", kind="tests.news")
    with django_capture_on_commit_callbacks(execute=True):
        save_digests(alice, {"tests.news": Digest.HOURLY})
    hourly = Delivery.objects.values_list("due_at", flat=True)[0]
    assert hourly - datetime.now(UTC) < timedelta(hours=1, minutes=1)
    with django_capture_on_commit_callbacks(execute=True):
        save_digests(alice, {"tests.news": Digest.WEEKLY})
    schedule = Schedule(zone="America/New_York", digest_hour=6, digest_day=2)
    with django_capture_on_commit_callbacks(execute=True):
        save_schedule(alice, schedule)
    weekly = schedule.next_digest(Digest.WEEKLY, datetime.now(UTC))
    for one in Delivery.objects.all():
        assert abs(one.due_at - weekly) < timedelta(seconds=5)
        assert one.reason_parameters == {"until": weekly.strftime("%Y-%m-%d %H:%M"), "digest": "weekly"}
    with django_capture_on_commit_callbacks(execute=True):
        save_digests(alice, {"tests.news": Digest.AT_ONCE})
    make_due(due_at__lte=datetime.now(UTC) + timedelta(seconds=5))
    one_worker.run_due()
    assert [lines(message) for message in sent(letters)] == [["Bob asked", "Bob wrote"]]
    assert states() == [("sent", "summed_up")] * 2


def test_a_message_that_failed_keeps_its_group_and_its_name(
    alice: User, bob: User, one_worker: Worker, letters: Memory
) -> None:
    rows = hold(bob, alice, one_worker, "asked", "wrote", "waved", kind="tests.news")
    letters.fail_next(TransportError("The service is away."))
    make_due(state="waiting")
    one_worker.run_due()
    assert states() == [("waiting", "The service is away.")] * 3
    [group] = set(Delivery.objects.values_list("summary", flat=True))
    marks.mark(alice, Mark.READ, [rows[1].item_id, rows[2].item_id])
    hold(bob, alice, one_worker, "came", kind="tests.news")
    make_due(state="waiting")
    one_worker.run_due()
    by_group = {message.group: message.title for message in sent(letters)}
    assert by_group[str(group)] == "Bob asked"
    assert sorted(by_group.values()) == ["Bob asked", "Bob came"]


def test_a_digest_can_be_brought_forward(alice: User, bob: User, one_worker: Worker, letters: Memory) -> None:
    hold(bob, alice, one_worker, "wrote", kind="tests.news")
    send(bob, alice, verb="waved")
    send(alice, bob, verb="waved")
    assert bring_forward(alice) == 2
    make_due(held_for=alice.pk)
    one_worker.run_due()
    assert [lines(message) for message in sent(letters) if message.sections] == [["Bob waved", "Bob wrote"]]
