"""Groups by each delivery method: one push by tag, one line of a digest, one flash."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import signing
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from notifications_hub import Digest, Kind, Message, TransportError
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.preparing import ACT_SALT
from notifications_hub.delivery.worker import Worker
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.inbox.queries import counts
from notifications_hub.notification import Notification
from notifications_hub.quiet_hours.digests import bring_forward
from notifications_hub.transports import get_transport
from tests.inbox.support import API, ClientFor
from tests.support.deliveries import make_due, memory, one_worker, send, states, use_memory
from tests.support.quiet import end_pause, pause

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Answered(Kind):
    name = "tests.answered"
    label = "Answers"
    digest = Digest.DAILY

    def group_key(self, notification: Any) -> str:
        return "post-9"

    def title(self, notification: Any) -> str:
        return f"{notification.actor_name} answered you"


GIVEN = {"kind": Answered.name}
TAG = "group:tests.answered:post-9"


@pytest.fixture
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


@pytest.fixture
def rows(alice: User, bob: User, charlie: User) -> list[Notification]:
    return [row for actor in (bob, charlie, bob) for row in send(actor, alice, **GIVEN)]


def pushes() -> list[Message]:
    return [message for message, _address in memory().outbox]


def turn(worker: Worker, **due: Any) -> None:
    make_due(**due)
    worker.run_due(seconds=20)


@pytest.mark.usefixtures("_by_memory")
def test_what_falls_due_together_is_one_push_in_the_group_s_words(
    rows: list[Notification], one_worker: Worker, alice: User, bob: User, charlie: User
) -> None:
    send(charlie, bob, **GIVEN)
    turn(one_worker)
    mine, theirs = pushes()
    assert (mine.id, mine.title, mine.tag) == (rows[-1].item_id, f"{bob} and {charlie} answered you", TAG)
    assert (theirs.title, theirs.tag) == (f"{charlie} answered you", TAG)
    assert {state for state, _reason in states()} == {"sent"}
    send(charlie, alice, **GIVEN)
    turn(one_worker, state=DeliveryState.WAITING)
    assert [(one.tag, one.title) for one in pushes()[2:]] == [(TAG, f"{charlie} and {bob} answered you")]


@pytest.mark.usefixtures("_by_memory")
def test_a_push_that_fails_for_now_loses_none(rows: list[Notification], one_worker: Worker) -> None:
    memory().fail_next(TransportError("Busy.", retry_after=1))
    turn(one_worker)
    assert [state for state, _reason in states()] == ["waiting"] * 3
    assert pushes() == []
    marks.mark(rows[0].recipient, Mark.READ, [rows[-1].item_id])
    turn(one_worker, state=DeliveryState.WAITING)
    assert [(one.id, one.tag) for one in pushes()] == [(rows[1].item_id, TAG)]
    assert [state for state, _reason in states()] == ["sent", "sent", "cancelled"]


@pytest.mark.usefixtures("_by_memory")
def test_a_report_of_the_push_counts_for_all_that_it_showed(
    rows: list[Notification], one_worker: Worker, alice: User, bob: User
) -> None:
    turn(one_worker)
    [later] = send(bob, alice, **GIVEN)
    newest = Delivery.objects.get(notification=rows[-1])
    token = signing.dumps([newest.pk, rows[-1].pk], salt=ACT_SALT)
    Delivery.objects.filter(notification__in=rows).update(transport="pager")
    for action in ("shown", "read"):
        answer = Client().post(f"{API}push/act/", {"token": token, "action": action}, content_type="application/json")
        assert answer.status_code == 200, answer.content
    assert Notification.objects.filter(pk__in=[row.pk for row in rows], delivered_at=None).count() == 0
    # The push did not show what came later.
    assert list(Notification.objects.unread().values_list("pk", flat=True)) == [later.pk]


def test_a_digest_has_one_line_for_a_group(
    settings: Settings, one_worker: Worker, alice: User, bob: User, charlie: User
) -> None:
    transports = {"web_push": None, "email": "tests.delivery.test_digests.Letters"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports, "ACK_WINDOW": 0}
    choose_methods(alice, Answered.name, ["email"])
    for actor, key in ((bob, "other"), (bob, None), (charlie, None), (bob, "other")):
        send(actor, alice, **GIVEN, group_key=key)
    turn(one_worker)
    bring_forward(alice)
    turn(one_worker)
    [(message, _address)] = get_transport("email").outbox  # type: ignore[attr-defined]
    lines = [line.title for section in message.sections for line in section.lines]
    assert lines == [f"{bob} answered you (2)", f"{charlie} and {bob} answered you"]


@pytest.mark.usefixtures("_by_memory")
def test_the_summary_of_quiet_hours_names_a_group_once(
    one_worker: Worker, alice: User, bob: User, charlie: User, rows: list[Notification]
) -> None:
    pause(alice, hours=1)
    turn(one_worker)
    assert pushes() == []
    end_pause(alice)
    turn(one_worker)
    [summary] = pushes()
    assert summary.body == f"{bob} and {charlie} answered you"


def test_one_flash_for_a_group(rows: list[Notification], alice: User, bob: User, client_for: ClientFor) -> None:
    send(bob, alice, verb="waved")
    page = client_for(alice).get("/").content.decode()
    assert page.count("answered you") == 1
    assert f"{bob} and Charlie answered you" in page
    assert not Notification.objects.filter(delivered_at=None).exists()
    assert counts(alice).unread == 4
