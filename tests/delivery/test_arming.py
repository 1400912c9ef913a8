"""Deliveries: armed with the notification, disarmed by an acknowledgement or another delivery method."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast, streams
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.delivery import acknowledgement, arming, digest_choices, models, preferences
from notifications_hub.delivery.acknowledgement import Acknowledgement
from notifications_hub.delivery.claiming import Outcome, claim_due
from notifications_hub.delivery.models import DeliveredThrough, Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.kinds import DeliveryMethod, Digest, UnknownKind, get_kind
from notifications_hub.notification import Notification
from notifications_hub.ops import retention
from notifications_hub.streams import Event, Stream, inbox_topic
from notifications_hub.streams.cursor import Position
from notifications_hub.transports import default_methods
from tests.support.deliveries import make_due, send, settle, states, use_memory
from tests.support.log import notified_ids
from tests.support.processes import wait_until
from tests.support.together import rolled_back, together

ACCEPTED = DeliveryReason(ReasonCode.ACCEPTED)
ARCHIVED = DeliveryReason(ReasonCode.ARCHIVED)
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=10)


def number_all() -> None:
    """Number the events, as happens after a commit, for tests without one."""
    for event in Event.objects.filter(seq=None).order_by("id"):
        event.seq = Event.objects.filter(topic=event.topic).exclude(seq=None).count() + 1
        event.save()
        Stream.objects.get_or_create(topic=event.topic, defaults={"epoch": "00000000"})


def acknowledge(person: User, topic: str, start: int, seq: int) -> None:
    number_all()
    acknowledgement.acknowledge(person.pk, {topic: Position("00000000", start, seq)})


# Arming


def test_a_notification_arms_a_delivery_to_each_address(alice: User, bob: User, charlie: User) -> None:
    send(charlie, alice, bob)
    armed = Delivery.objects.order_by("address").values_list("notification__recipient", "transport", "address", "state")
    assert set(armed) == {(person.pk, "web_push", str(person.pk), "waiting") for person in (alice, bob)}


def test_a_delivery_is_due_after_the_acknowledgement_window(alice: User, bob: User) -> None:
    send(bob, alice)
    due = Delivery.objects.get().due_at - datetime.now(UTC)
    assert timedelta(seconds=5) < due < timedelta(seconds=11)
    assert claim_due() == []


def test_a_rollback_removes_the_delivery(alice: User, bob: User) -> None:
    with rolled_back():
        send(bob, alice)
    assert not Delivery.objects.exists()


def test_arming_twice_makes_one_delivery(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    plan = arming.Plan(notification_pk=row.pk, transport="web_push", address=str(alice.pk))
    arming.arm([plan, plan])
    assert Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("prompt", "is_rearmed"), [(0.0, True), (60.0, False)])
def test_pages_get_their_full_window_after_a_long_transaction(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch, prompt: float, is_rearmed: bool
) -> None:
    monkeypatch.setattr(arming, "PROMPT_SECONDS", prompt)
    with transaction.atomic():
        send(bob, alice)
        make_due()  # as it would be by now
    assert (Delivery.objects.get().due_at > datetime.now(UTC)) is is_rearmed


# Concurrency


def with_plan(plan: str, function: Callable[[], object]) -> None:
    """Call the function in a session in which PostgreSQL can read rows in one way only."""
    with connection.cursor() as sql:
        for other in {"seqscan", "indexscan", "bitmapscan"} - {plan}:
            sql.execute(f"SET enable_{other} = off")
    function()


def held_up_by(wait_for: int) -> bool:
    """Return whether so many sessions wait for a lock of another."""
    with connection.cursor() as sql:
        sql.execute("SELECT pg_stat_clear_snapshot()")  # otherwise a transaction sees its first snapshot
        sql.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(sql.fetchone()[0] >= wait_for)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
@pytest.mark.parametrize("another", ["forward", "committed", "disarm"])
def test_two_changes_of_the_same_deliveries_lock_in_one_order_and_never_deadlock(
    alice: User, bob: User, another: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arming, "PROMPT_SECONDS", 0.0)
    rows = [send(bob, alice)[0].pk for _ in range(3)]
    # The table now holds them in one order, and each index in the other.
    for pk in reversed(rows):
        due = datetime.now(UTC) + timedelta(minutes=1, seconds=rows.index(pk))
        Delivery.objects.filter(notification=pk).update(due_at=due)
    changes: dict[str, Callable[[], object]] = {
        "forward": lambda: arming.bring_forward(rows),
        "committed": lambda: arming._restart_window(rows),
        "disarm": lambda: arming.disarm(rows, ARCHIVED),
    }
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            Delivery.objects.select_for_update().get(notification=rows[1])
            first = threads.submit(together, [partial(with_plan, "seqscan", lambda: arming.disarm(rows, ARCHIVED))])
            wait_until(lambda: held_up_by(1))
            second = threads.submit(together, [partial(with_plan, "indexscan", changes[another])])
            wait_until(lambda: held_up_by(2) or second.done())
        first.result(10)
        second.result(10)
    assert {state for state, _reason in states()} == {"cancelled"}


# Preferences


@pytest.mark.parametrize(
    ("methods", "armed_toast_flash"),
    [
        ([DeliveryMethod.LIVE, DeliveryMethod.FLASH, DeliveryMethod.WEB_PUSH], (1, True, True)),
        ([DeliveryMethod.WEB_PUSH], (1, False, False)),
        ([DeliveryMethod.LIVE], (0, True, False)),
        ([DeliveryMethod.FLASH, DeliveryMethod.EMAIL], (0, False, True)),
        ([], (0, False, False)),
    ],
    ids=str,
)
def test_a_persons_choice_decides_the_delivery_methods(
    alice: User, bob: User, methods: list[DeliveryMethod], armed_toast_flash: tuple[int, bool, bool]
) -> None:
    preferences.choose_methods(alice, "comment.reply", methods)
    [row] = send(bob, alice, kind="comment.reply")
    assert (Delivery.objects.count(), row.toast, row.flash) == armed_toast_flash


def test_a_choice_is_for_one_kind_and_one_person(alice: User, bob: User, charlie: User) -> None:
    preferences.choose_methods(alice, "comment.reply", [])
    send(charlie, alice, bob, kind="comment.reply")
    send(charlie, alice)
    assert set(Delivery.objects.values_list("notification__recipient", "notification__kind")) == {
        (bob.pk, "comment.reply"),
        (alice.pk, "default"),
    }


def test_a_new_choice_replaces_the_old(alice: User) -> None:
    preferences.choose_methods(alice, "comment.reply", [DeliveryMethod.LIVE])
    preferences.choose_methods(alice, "comment.reply", [DeliveryMethod.FLASH])
    assert preferences.choices_of(alice.pk).own == {"comment.reply": {DeliveryMethod.FLASH}}


def test_a_stored_delivery_method_that_is_gone_is_ignored(alice: User, bob: User) -> None:
    preferences.choose_methods(alice, "default", [DeliveryMethod.LIVE])
    models.Preference.objects.update(methods=["live", "carrier_pigeon"])
    [row] = send(bob, alice)
    assert row.toast


def test_a_kind_that_is_not_declared_cannot_be_chosen(alice: User) -> None:
    with pytest.raises(UnknownKind):
        preferences.choose_methods(alice, "tests.nothing", [])


def test_a_choice_of_a_digest_leaves_the_default_methods(alice: User, bob: User) -> None:
    digest_choices.choose_digest(alice, "comment.reply", Digest.DAILY)
    kind = get_kind("comment.reply")
    assert preferences.methods_of([alice.pk], kind) == {alice.pk: default_methods(kind)}
    assert preferences.choices_of(alice.pk).own == {}
    assert digest_choices.digests_by_kind(alice.pk) == {"comment.reply": Digest.DAILY}
    [row] = send(bob, alice, kind="comment.reply")
    one = Delivery.objects.get()
    assert (row.toast, row.flash, one.transport, preferences.switched_off([one])) == (True, True, "web_push", set())
    preferences.choose_methods(alice, "comment.reply", [DeliveryMethod.LIVE])
    digest_choices.choose_digest(alice, "comment.reply", None)
    assert preferences.methods_of([alice.pk], kind) == {alice.pk: frozenset({"live"})}
    assert digest_choices.digests_by_kind(alice.pk) == {}


# Acknowledging


def test_a_notification_shown_by_a_page_is_delivered_and_disarmed(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    acknowledge(alice, inbox_topic(alice.pk), 0, 1)
    row.refresh_from_db()
    assert row.delivered_by == "live"
    assert row.delivered_at is not None
    assert states() == [("cancelled", "delivered_by")]
    assert notified_ids(alice, "notification.delivered") == [[str(row.pk)]]


def test_an_acknowledgement_covers_events_after_its_start_up_to_its_end(alice: User, bob: User) -> None:
    rows = [send(bob, alice)[0] for _ in range(4)]
    acknowledge(alice, inbox_topic(alice.pk), 1, 3)
    assert set(Notification.objects.exclude(delivered_at=None)) == {rows[1], rows[2]}
    assert [state for state, _reason in states()] == ["waiting", "cancelled", "cancelled", "waiting"]


def test_acknowledging_again_publishes_nothing_again(alice: User, bob: User) -> None:
    send(bob, alice)
    acknowledge(alice, inbox_topic(alice.pk), 0, 1)
    delivered_at = Notification.objects.get().delivered_at
    acknowledge(alice, inbox_topic(alice.pk), 0, 2)
    assert Notification.objects.get().delivered_at == delivered_at
    assert len(notified_ids(alice, "notification.delivered")) == 1


def test_an_empty_acknowledgement_makes_no_query(alice: User, bob: User) -> None:
    send(bob, alice)
    with CaptureQueriesContext(connection) as queries:
        acknowledgement.acknowledge(alice.pk, {inbox_topic(alice.pk): Position("00000000", 1, 1)})
    assert len(queries) == 0


def test_charlie_cannot_acknowledge_for_alice(alice: User, bob: User, charlie: User) -> None:
    [row] = send(bob, alice)
    streams.append(inbox_topic(charlie.pk), "notification.created", {"id": str(row.pk)})
    acknowledge(charlie, inbox_topic(alice.pk), 0, 99)
    acknowledge(charlie, inbox_topic(charlie.pk), 0, 99)
    assert Notification.objects.get().delivered_at is None
    assert states() == [("waiting", "")]


def test_a_notification_that_a_page_only_counted_is_still_pushed(alice: User, bob: User) -> None:
    preferences.choose_methods(alice, "default", [DeliveryMethod.WEB_PUSH])
    send(bob, alice)
    acknowledge(alice, inbox_topic(alice.pk), 0, 1)
    assert Notification.objects.get().delivered_at is None
    assert states() == [("waiting", "")]


def test_a_delivery_that_is_being_sent_cannot_be_cancelled(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [claimed] = claim_due()
    acknowledge(alice, inbox_topic(alice.pk), 0, 1)
    assert states() == [("waiting", "")]
    settle(claimed, Outcome(state=DeliveryState.SENT, reason=ACCEPTED))
    assert states() == [("sent", "accepted")]


def test_a_delivery_that_waits_for_a_retry_is_cancelled(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [claimed] = claim_due()
    settle(claimed, Outcome(state=DeliveryState.WAITING, reason=DeliveryReason.from_transport("busy"), retry_in=60))
    acknowledge(alice, inbox_topic(alice.pk), 0, 1)
    assert states() == [("cancelled", "delivered_by")]


def test_one_delivery_method_stops_the_others(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    assert arming.mark_delivered([row.pk], DeliveryMethod.FLASH) == [row.pk]
    assert arming.mark_delivered([row.pk], DeliveryMethod.LIVE) == []
    row.refresh_from_db()
    assert row.delivered_by == "flash"
    assert states() == [("cancelled", "delivered_by")]


@pytest.mark.both_databases(short="sqlite")
def test_a_long_backlog_is_acknowledged_in_few_queries(alice: User, bob: User) -> None:
    for _ in range(120):
        send(bob, alice)
    number_all()
    with CaptureQueriesContext(connection) as queries:
        acknowledgement.acknowledge(alice.pk, {inbox_topic(alice.pk): Position("00000000", 0, 120)})
    assert Notification.objects.filter(delivered_at=None).count() == 0
    assert len(queries) <= 12


@pytest.mark.both_databases(short="sqlite")
def test_a_backlog_of_undelivered_rows_adds_no_cost_to_an_acknowledgement(alice: User, bob: User) -> None:
    for _ in range(300):
        send(bob, alice)
    number_all()
    with CaptureQueriesContext(connection) as queries:
        acknowledgement.acknowledge(alice.pk, {inbox_topic(alice.pk): Position("00000000", 298, 300)})
    assert Notification.objects.filter(delivered_at__isnull=False).count() == 2
    assert max(len(query["sql"]) for query in queries) < 2000


def test_a_wide_acknowledgement_covers_its_range_and_reads_only_undelivered_ones(
    alice: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acknowledgement, "_WIDE", 3)
    for _ in range(6):
        send(bob, alice)
    rows = list(Notification.objects.order_by("pk").values_list("pk", flat=True))
    number_all()
    acknowledge(alice, inbox_topic(alice.pk), 0, 4)
    assert list(Notification.objects.filter(delivered_at=None).order_by("pk").values_list("pk", flat=True)) == rows[4:]
    with CaptureQueriesContext(connection) as again:
        acknowledge(alice, inbox_topic(alice.pk), 0, 5)
    assert list(Notification.objects.filter(delivered_at=None).values_list("pk", flat=True)) == rows[5:]
    [events] = [query["sql"] for query in again if "named" in query["sql"]]
    assert f"notification:{rows[4]}" in events
    assert f"notification:{rows[3]}" not in events
    acknowledge(alice, inbox_topic(alice.pk), 0, 6)
    with CaptureQueriesContext(connection) as nothing:
        acknowledge(alice, inbox_topic(alice.pk), 0, 6)
    assert not any("named" in query["sql"] for query in nothing)


def test_numbers_of_another_epoch_are_not_acknowledged(alice: User, bob: User) -> None:
    send(bob, alice)
    broadcast(title="Closed on Friday")
    number_all()
    shown = Position("ffffffff", 0, 9)
    acknowledgement.acknowledge(alice.pk, {inbox_topic(alice.pk): shown, "everyone": shown})
    assert Notification.objects.filter(delivered_at=None).count() == 1
    assert undelivered(alice) == ["Closed on Friday"]


def test_a_batch_of_acknowledgements_costs_as_much_as_one(alice: User, bob: User, charlie: User) -> None:
    people = [get_user_model().objects.create_user(f"person{number}") for number in range(20)]
    for person in people:
        send(bob, person)
    send(bob, charlie)
    number_all()
    shown = [Acknowledgement(person.pk, {inbox_topic(person.pk): Position("00000000", 0, 1)}) for person in people]
    # Nobody can acknowledge another person's topic or event.
    shown.append(Acknowledgement(alice.pk, {inbox_topic(charlie.pk): Position("00000000", 0, 9)}))
    with CaptureQueriesContext(connection) as queries:
        assert acknowledgement.acknowledge_many(shown) == [None] * 21
    assert list(Notification.objects.filter(delivered_at=None).values_list("recipient", flat=True)) == [charlie.pk]
    assert len(queries) <= 12


# Announcements shown by a page, stored without a row for each


def announce(count: int) -> None:
    for number in range(count):
        broadcast(title=f"Announcement {number + 1}")
    number_all()


def undelivered(person: User) -> list[str]:
    """Return the titles of the announcements that would get an undelivered row if the person looked now."""
    with transaction.atomic():
        make_rows(person)
        rows = Notification.objects.filter(recipient=person, announcement__isnull=False, delivered_at=None)
        titles = sorted(rows.values_list("announcement__title", flat=True))
        transaction.set_rollback(True)
    return titles


def test_an_announcement_shown_by_a_page_is_delivered_to_its_person_only(alice: User, bob: User) -> None:
    announce(1)
    acknowledge(alice, "everyone", 0, 1)
    assert undelivered(alice) == []
    assert undelivered(bob) == ["Announcement 1"]


def test_an_announcement_shown_by_many_pages_is_delivered_to_all_their_people(
    alice: User, bob: User, charlie: User
) -> None:
    announce(2)
    acknowledge(alice, "everyone", 0, 1)
    acknowledgement.acknowledge_many(
        [Acknowledgement(one.pk, {"everyone": Position("00000000", 0, 2)}) for one in (alice, bob)]
    )
    assert (undelivered(alice), undelivered(bob)) == ([], [])
    assert DeliveredThrough.objects.count() == 2
    assert undelivered(charlie) == ["Announcement 1", "Announcement 2"]


def test_an_announcement_missed_by_a_person_is_not_delivered_by_a_later_one(alice: User) -> None:
    announce(3)
    acknowledge(alice, "everyone", 2, 3)
    assert undelivered(alice) == ["Announcement 1", "Announcement 2"]


def test_announcements_shown_before_and_after_a_missed_one_stay_delivered(alice: User) -> None:
    announce(3)
    acknowledge(alice, "everyone", 0, 1)
    acknowledge(alice, "everyone", 2, 3)
    assert undelivered(alice) == ["Announcement 2"]


def test_a_tab_that_is_behind_changes_nothing(alice: User) -> None:
    announce(3)
    acknowledge(alice, "everyone", 0, 3)
    acknowledge(alice, "everyone", 0, 1)
    assert undelivered(alice) == []


def test_one_row_covers_any_number_of_shown_announcements(alice: User) -> None:
    announce(3)
    streams.append("everyone", "note", {})
    for start, seq in [(0, 1), (1, 2), (1, 3), (3, 4), (4, 4)]:
        acknowledge(alice, "everyone", start, seq)
    assert DeliveredThrough.objects.values_list("start", "seq").get() == (0, 3)


def test_shown_and_missed_announcements_are_known_after_the_log_is_pruned(alice: User) -> None:
    announce(3)
    acknowledge(alice, "everyone", 0, 1)
    Stream.objects.filter(topic="everyone").update(top=3)
    retention.prune(datetime.now(UTC) + timedelta(seconds=1))
    assert not Event.objects.filter(topic="everyone").exists()
    acknowledgement.acknowledge(alice.pk, {"everyone": Position("00000000", 2, 3)})
    assert undelivered(alice) == ["Announcement 2"]


def test_acknowledging_a_topic_without_announcements_stores_nothing(alice: User) -> None:
    streams.append("post.9", "comment.created", {"id": "1"})
    acknowledge(alice, "post.9", 0, 1)
    assert not DeliveredThrough.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_tabs_that_acknowledge_at_once_keep_the_highest_number(alice: User) -> None:
    for number in range(8):
        broadcast(title=f"Announcement {number + 1}")
    streams.number(["everyone"])
    epoch = Stream.objects.get(topic="everyone").epoch
    acknowledged = [{"everyone": Position(epoch, 0, seq)} for seq in range(1, 9)]
    together([partial(acknowledgement.acknowledge, alice.pk, positions) for positions in acknowledged])
    assert undelivered(alice) == []
    assert DeliveredThrough.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_two_batches_of_acknowledgements_lock_in_one_order_and_never_deadlock() -> None:
    # A set of the few yields 8 first, and one of the many 1.
    few, many = [1, 2, 8], [1, 2, 8, 9, 10, 11, 12, 13]
    for pk in many:
        get_user_model().objects.create_user(f"person{pk}", pk=pk)
    announce(1)
    at = {"everyone": Position(Stream.objects.get(topic="everyone").epoch, 0, 1)}
    with ThreadPoolExecutor(2) as threads:
        with transaction.atomic():
            DeliveredThrough.objects.create(person_id=2, topic="everyone", start=0, seq=1)
            crowds = []
            for waiting, people in enumerate((many, few), start=1):
                shown = [Acknowledgement(pk, at) for pk in people]
                crowds.append(threads.submit(together, [partial(acknowledgement.acknowledge_many, shown)]))
                wait_until(partial(held_up_by, waiting))
        for crowd in crowds:
            crowd.result(10)
    assert DeliveredThrough.objects.count() == len(many)
