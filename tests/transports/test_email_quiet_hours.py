"""Emails in quiet hours: they wait, and come as one email with a link to the inbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.transports.email.content import _link_for
from notifications_hub.transports.email.recipients import Recipient
from notifications_hub.transports.email.unsubscribe_links import Subscription, subscription_in
from tests.support.deliveries import send, states
from tests.support.quiet import Commits, change
from tests.support.smtp import MailServer, html_of, text_of
from tests.transports.test_email import _no_kind_is_left, alice, mails, methods_of, path_in, the_email, work

__all__ = ["_no_kind_is_left", "alice", "mails"]

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="postgresql")]


def test_emails_that_waited_are_one_email(alice: User, bob: User, mails: MailServer) -> None:
    until = datetime.now(UTC) + timedelta(hours=9)
    save_schedule(alice, Schedule(paused_until=until))
    send(bob, alice, verb="asked first")
    send(bob, alice, verb="asked again")
    work()
    assert (mails.received, states()) == ([], [("waiting", "quiet_hours")] * 2)
    QuietHours.objects.update(schedule=Schedule().as_json())
    work()
    email = the_email(mails)
    assert email["Subject"] == "2 new notifications"
    assert path_in(str(email["List-Unsubscribe"])) == Subscription(alice.pk, ("default",)).path
    assert email["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "https://hub.example/notifications/preferences/?kind=default" in text_of(email)
    for words in (text_of(email), html_of(email)):
        assert "asked first" in words
        assert "asked again" in words
        assert "https://hub.example/notifications/" in words
    assert states() == [("sent", "summed_up")] * 2
    stranger = Client(enforce_csrf_checks=True)
    stranger.post(path_in(str(email["List-Unsubscribe"])), {"List-Unsubscribe": "One-Click"})
    send(bob, alice)
    assert Delivery.objects.count() == 2


def test_the_button_for_an_email_of_several_kinds_stops_exactly_these(
    alice: User, bob: User, mails: MailServer
) -> None:
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=9)))
    for kind in ("default", "comment.reply"):
        choose_methods(alice, kind, ["email"])
        send(bob, alice, kind=kind)
    choose_methods(alice, "chat.mention", ["email"])
    work()
    QuietHours.objects.update(schedule=Schedule().as_json())
    work()
    email = the_email(mails)
    link = path_in(str(email["List-Unsubscribe"]))
    assert set(subscription_in(link.split("/")[-2]).kinds) == {"default", "comment.reply"}
    for kind in ("default", "comment.reply"):
        assert f"https://hub.example{Subscription(alice.pk, (kind,)).path}" in text_of(email)
    stranger = Client(enforce_csrf_checks=True)
    page = stranger.post(link, {"List-Unsubscribe": "One-Click"}).content.decode()
    left = {kind for kind in ("default", "comment.reply", "chat.mention") if "email" in methods_of(alice, kind)}
    assert left == {"chat.mention"}

    stranger.post(link, {"undo": page.split('name="undo" value="')[1].split('"')[0]})
    assert all("email" in methods_of(alice, kind) for kind in ("default", "comment.reply", "chat.mention"))


def test_names_that_fill_more_than_a_header_may_hold_leave_the_link_that_stops_all(alice: User) -> None:
    recipient = Recipient(alice.pk, alice.email)
    many = [f"shop.{'x' * 80}{number}" for number in range(12)]
    assert _link_for(many, recipient) == f"https://hub.example{Subscription(alice.pk).path}"
    assert len(_link_for(many[:3], recipient)) < 900


def test_a_pause_that_ends_early_still_gives_a_push_its_time(
    alice: User, bob: User, django_capture_on_commit_callbacks: Commits
) -> None:
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=9)))
    send(bob, alice)
    # Ten minutes pass.
    Delivery.objects.update(created=datetime.now(UTC) - timedelta(minutes=10))
    work()
    change(alice, Schedule(), django_capture_on_commit_callbacks)
    wait = Delivery.objects.get().due_at - datetime.now(UTC)
    assert timedelta(minutes=9) < wait < timedelta(minutes=12)


def test_what_is_switched_off_meanwhile_is_in_no_summary(alice: User, bob: User, mails: MailServer) -> None:
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=9)))
    send(bob, alice)
    send(bob, alice)
    work()
    choose_methods(alice, "default", ["live"])
    QuietHours.objects.update(schedule=Schedule().as_json())
    work()
    assert mails.received == []
    assert states() == [("cancelled", "switched_off")] * 2


def test_an_urgent_email_does_not_take_along_what_still_gives_a_push_its_time(
    alice: User, bob: User, mails: MailServer
) -> None:
    save_schedule(alice, Schedule(paused_until=datetime.now(UTC) + timedelta(hours=9)))
    send(bob, alice)
    send(bob, alice, verb="rang", kind="test.alarm")
    # Ten minutes pass, for the first.
    first = Delivery.objects.order_by("pk").values("pk")[:1]
    Delivery.objects.filter(pk=first).update(created=datetime.now(UTC) - timedelta(minutes=10))
    work()
    QuietHours.objects.update(schedule=Schedule().as_json())
    for one in Delivery.objects.all():
        one.due_at -= timedelta(hours=9, seconds=15)
        one.save()
    call_command("hub_worker", "--once")
    assert [email["Subject"] for email in mails.received] == ["Bob rang"]
    assert sorted(states()) == [("sent", "accepted"), ("waiting", "quiet_hours")]


def test_a_waiting_email_still_gives_a_push_its_time(alice: User, bob: User) -> None:
    until = datetime.now(UTC) + timedelta(hours=9)
    save_schedule(alice, Schedule(paused_until=until))
    send(bob, alice)
    # Ten minutes pass.
    Delivery.objects.update(created=datetime.now(UTC) - timedelta(minutes=10))
    work()
    wait = Delivery.objects.get().due_at - until
    assert timedelta(minutes=9) < wait < timedelta(minutes=12)
