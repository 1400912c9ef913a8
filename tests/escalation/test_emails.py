"""Escalations by email, through a real mail server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from accounts.models import User
from notifications_hub import After, Digest, Kind
from notifications_hub.delivery.digest_choices import choose_digest
from notifications_hub.delivery.worker import Worker
from showcase.models import Post
from tests.support.deliveries import make_due, one_worker, send, states
from tests.support.escalation import pass_time, step_states
from tests.support.smtp import MailServer, use_mail_server

__all__ = ["one_worker"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


class Request(Kind):
    name = "tests.reminded"
    escalate = [After(hours=1, method="email"), After(hours=2, method="email")]


@pytest.fixture(autouse=True)
def mails(settings: Settings, alice: User) -> Iterator[MailServer]:
    transports = {"web_push": None, "email": "notifications_hub.transports.email.transport.Email"}
    hub = {"SITE_URL": "https://hub.example", "EMAIL_FROM": "Hub <hub@hub.example>", "TRANSPORTS": transports}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **hub}
    alice.email = "alice@example.com"
    alice.save()
    with MailServer() as server:
        use_mail_server(settings, server)
        yield server


def test_each_email_of_an_escalation_is_a_new_one_of_the_same_thread(
    mails: MailServer, alice: User, bob: User, one_worker: Worker
) -> None:
    send(bob, alice, kind="tests.reminded", target=Post.objects.create(author=alice, title="Hello"))
    make_due()
    one_worker.run_due()
    for _ in range(3):
        pass_time(hours=1)
        one_worker.run_due()
    first, *again = mails.received
    assert step_states() == [("done", "escalated")] * 2
    assert states() == [("sent", "accepted")] * 3
    assert len({email["Message-ID"] for email in mails.received}) == 3
    assert {email["References"] for email in again} == {first["References"]}
    assert {email["Subject"] for email in again} == {first["Subject"]}


def test_an_escalation_waits_for_no_digest_and_leaves_it(
    mails: MailServer, alice: User, bob: User, one_worker: Worker
) -> None:
    choose_digest(alice, "tests.reminded", Digest.WEEKLY)
    send(bob, alice, kind="tests.reminded")
    make_due()
    one_worker.run_due()
    assert mails.received == []
    pass_time(hours=1)
    one_worker.run_due()
    assert len(mails.received) == 1
    assert states() == [("cancelled", "delivered_by"), ("sent", "accepted")]


def test_a_person_without_an_address_gets_none(mails: MailServer, alice: User, bob: User, one_worker: Worker) -> None:
    bob.email = ""
    bob.save()
    send(alice, bob, kind="tests.reminded")
    pass_time(hours=1)
    one_worker.run_due()
    assert step_states()[0] == ("cancelled", "no_address")
    assert mails.received == []
