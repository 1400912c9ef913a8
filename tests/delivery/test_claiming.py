"""Claims of due deliveries under a lease, and records of their outcomes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery.claiming import Outcome, Settled, claim_due, record
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.worker import Worker
from notifications_hub.message import Message
from tests.support.deliveries import make_due, memory, send, settle, states, use_memory
from tests.support.full import FULL
from tests.support.together import together

ACCEPTED = DeliveryReason(ReasonCode.ACCEPTED)
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=10)


def pks(deliveries: Iterable[Delivery]) -> list[int]:
    return [one.pk for one in deliveries]


def test_a_due_delivery_is_claimed_once(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [claimed] = claim_due()
    assert (claimed.notification.recipient, claimed.attempts) == (alice, 0)
    assert claim_due() == []


def test_the_delivery_that_fell_due_first_is_claimed_first(alice: User, bob: User) -> None:
    first, second, third = (send(bob, alice)[0] for _ in range(3))
    now = datetime.now(UTC)
    for row, seconds in [(first, 10), (second, 30), (third, 20)]:
        Delivery.objects.filter(notification=row).update(due_at=now - timedelta(seconds=seconds))
    assert {one.notification for one in claim_due(limit=2)} == {second, third}
    assert {one.notification for one in claim_due(limit=2)} == {first}


def test_a_settled_delivery_is_not_claimed(alice: User, bob: User) -> None:
    send(bob, alice)
    for state in (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.CANCELLED):
        Delivery.objects.update(state=state)
        make_due()
        assert claim_due() == []


def test_a_claim_makes_few_queries(alice: User, bob: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        claim_due()
    assert len(queries) == 2, "one for each queue"
    for _ in range(20):
        send(bob, alice)
    make_due()
    with CaptureQueriesContext(connection) as queries:
        for one in claim_due():
            assert one.notification.recipient.pk == alice.pk
    assert len(queries) <= 7


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_never_claim_the_same_delivery(alice: User, bob: User) -> None:
    for _ in range(60):
        send(bob, alice)
    make_due()

    def work() -> list[int]:
        mine: list[int] = []
        while claimed := claim_due(limit=7):
            mine += pks(claimed)
        return mine

    # A worker that finds all due rows locked claims nothing, so some may be left for the next claim.
    claimed = [pk for mine in together([work] * 4) for pk in mine] + work()
    assert sorted(claimed) == sorted(pks(Delivery.objects.all()))


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_a_worker_does_not_wait_for_another(alice: User, bob: User) -> None:
    first, second = send(bob, alice)[0], send(bob, alice)[0]
    make_due()
    with transaction.atomic():
        list(Delivery.objects.select_for_update().filter(notification=first))
        [claimed] = together([claim_due])
    assert [one.notification for one in claimed] == [second]


def test_deliveries_of_a_killed_worker_are_claimed_again_after_the_lease(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [lost] = claim_due()
    lost.refresh_from_db()
    assert timedelta(seconds=50) < lost.due_at - datetime.now(UTC) <= timedelta(seconds=61)
    make_due()  # the lease is over
    [again] = claim_due()
    assert again == lost


def test_a_worker_whose_clock_is_ahead_claims_nothing_early(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    claim_due()
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=5), tick=False):
        assert claim_due() == []


def test_a_worker_whose_clock_is_behind_arms_and_retries_for_the_same_time(alice: User, bob: User) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=5), tick=False):
        send(bob, alice)
    assert Delivery.objects.get().due_at > datetime.now(UTC)


def test_a_worker_that_lost_the_lease_overwrites_nothing(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [slow] = claim_due()
    make_due()
    [quick] = claim_due()
    settle(quick, Outcome(state=DeliveryState.SENT, reason=DeliveryReason.from_transport("taken")))
    settle(slow, Outcome(state=DeliveryState.FAILED, reason=DeliveryReason.from_transport("too late")))
    assert states() == [("sent", "taken")]
    assert len(Delivery.objects.get().trail) == 1


def test_every_attempt_leaves_an_entry(alice: User, bob: User) -> None:
    send(bob, alice)
    for outcome in (
        Outcome(state=DeliveryState.WAITING, reason=DeliveryReason.from_transport("busy"), status=503, retry_in=60),
        Outcome(state=DeliveryState.SENT, reason=ACCEPTED, status=201),
    ):
        make_due()
        [claimed] = claim_due()
        settle(claimed, outcome)
    settled = Delivery.objects.get()
    assert [(entry["state"], entry["reason"], entry["status"]) for entry in settled.trail] == [
        ("waiting", "transport_said", 503),
        ("sent", "accepted", 201),
    ]
    assert all(datetime.fromisoformat(entry["at"]) <= datetime.now(UTC) for entry in settled.trail)
    assert (settled.claim, settled.attempts, settled.settled_at is not None) == (None, 2, True)


def test_a_long_reason_is_cut_to_fit(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [claimed] = claim_due()
    settle(claimed, Outcome(state=DeliveryState.FAILED, reason=DeliveryReason.from_transport("x" * 1000)))
    assert Delivery.objects.get().reason_parameters == {"text": "x" * 255}


def test_a_retry_is_due_after_its_pause(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [claimed] = claim_due()
    settle(claimed, Outcome(state=DeliveryState.WAITING, reason=DeliveryReason.from_transport("busy"), retry_in=120))
    waiting = Delivery.objects.get()
    assert timedelta(seconds=110) < waiting.due_at - datetime.now(UTC) <= timedelta(seconds=121)
    assert (waiting.state, waiting.settled_at) == ("waiting", None)


def test_many_outcomes_are_recorded_in_one_statement(alice: User, bob: User) -> None:
    for _ in range(30):
        send(bob, alice)
    make_due()
    claimed = claim_due()
    settled = [
        Settled(
            delivery=one,
            outcomes=[Outcome(state=DeliveryState.SENT, reason=ACCEPTED, status=201)],
        )
        for one in claimed
    ]
    with CaptureQueriesContext(connection) as queries:
        record(settled)
    assert len(queries) == 1
    assert set(Delivery.objects.values_list("state", "attempts", "claim")) == {("sent", 1, None)}


def test_each_delivery_of_a_batch_has_its_own_outcome(alice: User, bob: User) -> None:
    for _ in range(3):
        send(bob, alice)
    make_due()
    outcomes = [
        Outcome(state=DeliveryState.SENT, reason=ACCEPTED, status=201),
        Outcome(state=DeliveryState.WAITING, reason=DeliveryReason.from_transport("busy"), retry_in=30),
        Outcome(state=DeliveryState.FAILED, reason=DeliveryReason.from_transport("gone")),
    ]
    record([Settled(delivery=one, outcomes=[outcome]) for one, outcome in zip(claim_due(), outcomes, strict=True)])
    assert states() == [("sent", "accepted"), ("waiting", "busy"), ("failed", "gone")]
    assert [at is None for at in Delivery.objects.order_by("pk").values_list("settled_at", flat=True)] == [
        False,
        True,
        False,
    ]


def test_a_repeated_postponement_leaves_one_entry(alice: User, bob: User) -> None:
    send(bob, alice)
    put_off = Outcome(
        state=DeliveryState.WAITING,
        reason=DeliveryReason.of(ReasonCode.HOST_FAILING, host="push.example"),
        attempted=False,
    )
    for outcome in (
        put_off,
        put_off,
        Outcome(state=DeliveryState.WAITING, reason=DeliveryReason.from_transport("busy"), status=503),
        put_off,
        put_off,
    ):
        make_due()
        [claimed] = claim_due()
        settle(claimed, outcome)
    waiting = Delivery.objects.get()
    assert [entry["reason"] for entry in waiting.trail] == ["host_failing", "transport_said", "host_failing"]
    assert waiting.attempts == 1


def test_a_worker_whose_clock_is_behind_puts_off_for_the_right_time(alice: User, bob: User) -> None:
    send(bob, alice)
    make_due()
    [claimed] = claim_due()
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=5)):
        settle(claimed, Outcome(state=DeliveryState.WAITING, reason=DeliveryReason.from_transport("busy"), retry_in=60))
    assert timedelta(seconds=50) < Delivery.objects.get().due_at - datetime.now(UTC) < timedelta(seconds=61)


# Very many deliveries

MANY = 40_000 if FULL else 20_000


@pytest.fixture
def _very_many(alice: User, bob: User) -> None:
    """Plan deliveries of one notification, the first due longest ago, among as many settled ones."""
    [row] = send(bob, alice)
    Delivery.objects.all().delete()
    with connection.cursor() as sql:
        sql.execute(
            """
            INSERT INTO notifications_hub_delivery
                (notification_id, transport, address, state, reason, reason_parameters, due_at, attempts, trail,
                created)
            SELECT %s, 'web_push', 'a' || number, CASE WHEN number %% 2 = 0 THEN 'waiting' ELSE 'sent' END, '', '{}',
                now() - interval '1 day' + number * interval '1 millisecond', 0, '[]', now()
            FROM generate_series(1, %s) AS number
            """,
            [row.pk, 2 * MANY],
        )
        sql.execute("ANALYZE notifications_hub_delivery")


@pytest.mark.postgres
@pytest.mark.usefixtures("_very_many")
def test_a_claim_among_very_many_reads_only_the_rows_it_takes() -> None:
    with CaptureQueriesContext(connection) as queries:
        claimed = claim_due(200)
        record(
            [
                Settled(
                    delivery=one,
                    outcomes=[Outcome(state=DeliveryState.SENT, reason=ACCEPTED, status=201)],
                )
                for one in claimed
            ]
        )
    assert [one.address for one in claimed] == [f"a{number}" for number in range(2, 402, 2)]
    with connection.cursor() as sql:
        for statement in [query["sql"] for query in queries if "notifications_hub_delivery" in query["sql"]]:
            sql.execute(f"EXPLAIN {statement}")
            plan = "\n".join(line for (line,) in sql.fetchall())
            assert "Seq Scan on notifications_hub_delivery" not in plan, plan


@pytest.mark.faults
@pytest.mark.postgres
@pytest.mark.usefixtures("_very_many")
def test_very_many_deliveries_are_sent_in_order_with_constant_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []

    async def take(message: Message, address: str) -> None:
        begun.append(int(address[1:]))

    monkeypatch.setattr(memory(), "send", take)
    worker = Worker()
    while len(begun) < MANY // 10:
        worker.pause(worker.turn())
    before = most = memory_mb()
    while (newly := worker.turn()) or worker.is_busy:
        worker.pause(newly)
        most = max(most, memory_mb())
    worker.close()
    assert begun == list(range(2, 2 * MANY + 2, 2))
    assert set(Delivery.objects.values_list("state", flat=True)) == {"sent"}
    assert most - before < 20


def memory_mb() -> float:
    resident = Path("/proc/self/statm").read_text().split()[1]
    return int(resident) * os.sysconf("SC_PAGE_SIZE") / 2**20
