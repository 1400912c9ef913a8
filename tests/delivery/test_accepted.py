"""A message that a host's own transport has sent counts as delivered: nothing else shows it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from notifications_hub.delivery import arming
from notifications_hub.delivery import worker as worker_module
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.worker import Worker
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.notification import Notification
from notifications_hub.transports import TransportError, get_transport
from notifications_hub.transports.memory import Memory
from tests.support.deliveries import make_due, one_worker, outcome, send, send_due

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]

ClientFor = Callable[["User"], Client]


class Slack(Memory):
    on_by_default = True


class Confirming(Slack):
    confirms = True


class TwoRooms(Slack):
    def addresses(self, person: Any) -> list[str]:
        return ["quiet", "loud"]


def use(settings: Settings, transport: type) -> None:
    paths = {"slack": f"{__name__}.{transport.__name__}", "web_push": None}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": paths, "ACK_WINDOW": 0}


@pytest.fixture(autouse=True)
def _by_slack(settings: Settings) -> None:
    use(settings, Slack)


def outbox() -> Sequence[Any]:
    transport = get_transport("slack")
    assert isinstance(transport, Memory)
    return transport.outbox


def delivered() -> list[str]:
    return [row.delivered_by if row.delivered_at else "" for row in Notification.objects.order_by("pk")]


def test_an_accepted_message_is_delivered_and_no_page_flashes_it(
    alice: User, bob: User, one_worker: Worker, client_for: ClientFor
) -> None:
    send_due(bob, alice)
    one_worker.run_due()
    assert delivered() == ["slack"]
    assert outcome() == ("sent", "accepted")
    client_for(alice).get("/")
    assert Notification.objects.get().flash_claim is None
    assert delivered() == ["slack"]


def test_a_message_that_was_not_accepted_is_flashed(
    alice: User, bob: User, one_worker: Worker, client_for: ClientFor
) -> None:
    transport = get_transport("slack")
    assert isinstance(transport, Memory)
    transport.fail_next(TransportError("Not now."), TransportError("Gone.", permanent=True))
    send_due(bob, alice)
    one_worker.run_due()
    assert delivered() == [""]
    make_due()
    one_worker.run_due()
    assert delivered() == [""]
    client_for(alice).get("/")
    assert delivered() == [DeliveryMethod.FLASH]


def test_a_transport_that_confirms_itself_marks_nothing_until_its_receiver_reports(
    alice: User, bob: User, one_worker: Worker, settings: Settings
) -> None:
    use(settings, Confirming)
    send_due(bob, alice)
    one_worker.run_due()
    assert (outcome(), delivered()) == (("sent", "accepted"), [""])
    [(message, _address)] = outbox()
    report = {"token": message.token, "action": "shown"}
    assert Client().post(message.act_url, report, content_type="application/json").status_code == 200
    assert delivered() == ["slack"]


def test_an_acknowledgement_that_came_first_stays(alice: User, bob: User, one_worker: Worker) -> None:
    [row] = send_due(bob, alice)
    one_worker.turn()
    arming.mark_delivered([row.pk], DeliveryMethod.LIVE)
    one_worker.run_due()
    assert delivered() == [DeliveryMethod.LIVE]


def test_a_worker_killed_after_the_send_does_not_send_again(
    alice: User, bob: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(settled: Sequence[object]) -> None:
        if settled:
            raise KeyboardInterrupt

    send_due(bob, alice)
    with monkeypatch.context() as patch:
        patch.setattr(worker_module, "_write", killed)
        dying = Worker()
        with pytest.raises(KeyboardInterrupt):
            dying.run_due()
        dying.close()
    make_due()
    one_worker.run_due()
    assert (len(outbox()), delivered()) == (1, ["slack"])
    assert outcome() == ("cancelled", "delivered_already")


def test_an_outcome_is_recorded_even_if_marking_fails(
    alice: User, bob: User, one_worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(notifications: object, method: str) -> list[int]:
        raise ValueError("a receiver of the host's failed")

    monkeypatch.setattr(arming, "mark_delivered", broken)
    send_due(bob, alice)
    one_worker.run_due()
    assert (outcome(), delivered()) == (("sent", "accepted"), [""])
    assert "1 notifications sent by 'slack' cannot be marked as delivered" in caplog.text


def test_both_addresses_of_a_person_get_it_in_one_batch(
    alice: User, bob: User, one_worker: Worker, settings: Settings
) -> None:
    use(settings, TwoRooms)
    send_due(bob, alice)
    one_worker.run_due()
    assert sorted(address for _message, address in outbox()) == ["loud", "quiet"]
    assert set(Delivery.objects.values_list("state", flat=True)) == {DeliveryState.SENT}


def test_a_second_address_that_waits_for_a_retry_is_cancelled(
    alice: User, bob: User, one_worker: Worker, settings: Settings
) -> None:
    use(settings, TwoRooms)
    transport = get_transport("slack")
    assert isinstance(transport, Memory)
    transport.fail_next(TransportError("Not now."))
    send_due(bob, alice)
    one_worker.run_due()
    make_due(state=DeliveryState.WAITING)
    one_worker.run_due()
    assert len(outbox()) == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == [DeliveryState.CANCELLED, DeliveryState.SENT]


def test_a_batch_is_marked_in_the_statements_of_one(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def statements(number: int) -> int:
        rows = [row.pk for _ in range(number) for row in send(charlie, alice, bob)]
        with CaptureQueriesContext(connection) as captured:
            assert len(arming.mark_delivered(rows, "slack")) == 2 * number
        return len(captured)

    assert statements(1) == statements(20)
