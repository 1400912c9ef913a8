"""The history of an escalation: what the person reads, and what admins read."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import User
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.delivery.worker import Worker
from notifications_hub.escalation.history import escalation_steps, report_escalation
from notifications_hub.inbox import marks
from notifications_hub.inbox.marks import Mark
from notifications_hub.notification import Notification
from tests.support.deliveries import one_worker, send, use_memory
from tests.support.escalation import Lead, pass_time, team_lead

__all__ = ["one_worker", "team_lead"]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _by_memory(settings: Settings) -> None:
    use_memory(settings, ack_window=0)


def words(row: Notification) -> tuple[list[str], list[str]]:
    """Return what the person reads, and what admins read, without the time that was planned."""
    admins = [re.sub(r", planned for [^:]+:\d\d[^:]*:", "", step.words) for step in escalation_steps(row)]
    return [step.words for step in report_escalation(row)], admins


def test_both_read_what_is_planned_and_what_was_done(
    alice: User, bob: User, one_worker: Worker, team_lead: Lead
) -> None:
    team_lead.answer = lambda _notification: [alice]
    [row] = send(None, bob, kind="tests.ticket")
    assert words(row) == (
        [
            "Next: if you haven't read it by then, we'll send it again by push notification.",
            "Next: if you haven't read it by then, we'll notify somebody else.",
        ],
        [
            "Escalation, step 1 (Web Push): due, unless the person answers first.",
            "Escalation, step 2 (other people): due, unless the person answers first.",
        ],
    )
    pass_time(hours=4)
    one_worker.run_due()
    assert words(row) == (
        [
            "You hadn't read it, so we sent it again by push notification.",
            "You hadn't read it, so we notified Alice.",
        ],
        [
            "Escalation, step 1 (Web Push) done. The person had not answered.",
            "Escalation, step 2 (other people) done. The person had not answered. Notified: Alice.",
        ],
    )


def test_the_pages_of_both_show_it(client: Client, admin_client: Client, bob: User) -> None:
    [row] = send(None, bob, kind="tests.ticket")
    client.force_login(bob)
    page = client.get(reverse("notifications_hub:why", args=[row.item_id])).content.decode()
    assert "Next: if you haven&#x27;t read it by then, we&#x27;ll notify somebody else." in page
    page = admin_client.get(reverse("admin:notifications_hub_notification_change", args=[row.pk])).content.decode()
    assert "Escalation, step 2 (other people): due" in page


def test_both_read_why_nothing_was_done(bob: User, one_worker: Worker) -> None:
    choose_methods(bob, "tests.ticket", ["live"])
    [row] = send(None, bob, kind="tests.ticket")
    pass_time(hours=2)
    one_worker.run_due()
    marks.mark(bob, Mark.READ, [str(row.pk)])
    own, admins = words(row)
    assert own[0] == ("It wasn't sent again by push notification, because your preferences turn that off.")
    assert own[1].startswith("Nobody else will be notified, as was planned for ")
    assert admins == [
        "Escalation, step 1 (Web Push) cancelled. The person had switched this off.",
        "Escalation, step 2 (other people) cancelled. The person had already read it.",
    ]


def test_admins_read_of_a_function_that_fails(bob: User, one_worker: Worker, team_lead: Lead) -> None:
    team_lead.answer = lambda notification: {"bob": None}[str(notification.pk)]
    [row] = send(None, bob, kind="tests.ticket")
    pass_time(hours=4)
    one_worker.run_due()
    tried, due = words(row)[1][1:]
    assert tried == (
        "Escalation, step 2 (other people), failed and will be tried again. Unexpected error: KeyError. "
        "The log has more."
    )
    assert due == "Escalation, step 2 (other people): due, unless the person answers first."
    for _ in range(3):
        pass_time(minutes=15)
        one_worker.run_due()
    own, admins = words(row)
    assert own[1] == "We couldn't find out who else to notify."
    assert len(admins) == 5
    assert admins[-1] == "Escalation, step 2 (other people) failed. Unexpected error: KeyError. The log has more."
