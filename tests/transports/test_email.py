"""Emails: when they are sent, what is in them, and how they are switched off."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.core.mail.backends.smtp import EmailBackend
from django.core.management import call_command
from django.test import Client
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import Kind, Privacy, broadcast, stop_emails_to
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.delivery import arming, preferences, worker
from notifications_hub.delivery.models import Delivery, Preference
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.kinds import _kinds, get_kind
from notifications_hub.transports.email import connections
from notifications_hub.transports.email.models import StoppedEmail
from notifications_hub.transports.email.transport import Email
from notifications_hub.transports.email.unsubscribe_links import Subscription
from showcase.models import Post
from tests.support.deliveries import make_due, send, states
from tests.support.smtp import MailServer, html_of, text_of, use_mail_server

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases(short="sqlite")]

EMAIL = "notifications_hub.transports.email.transport.Email"
MEMORY = "notifications_hub.transports.memory.Memory"
HUB = {"SITE_URL": "https://hub.example", "EMAIL_FROM": "Hub <hub@hub.example>", "ACK_WINDOW": 10}


@pytest.fixture(autouse=True)
def mails(settings: Settings) -> Iterator[MailServer]:
    by_email = {"web_push": None, "email": EMAIL}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, **HUB, "TRANSPORTS": by_email}
    with MailServer() as server:
        use_mail_server(settings, server)
        yield server


@pytest.fixture
def alice(alice: User) -> User:
    return with_address(alice)


def with_address(person: User) -> User:
    person.email = f"{person.username}@example.com"
    person.save()
    return person


def work() -> None:
    """Send what is planned, as if its time had come."""
    make_due()
    call_command("hub_worker", "--once")


def the_email(mails: MailServer) -> EmailMessage:
    [email] = mails.received
    return email


def due_in() -> timedelta:
    return Delivery.objects.get().due_at - datetime.now(UTC)


# When


def test_an_email_waits_ten_minutes_for_the_other_methods(alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    assert timedelta(minutes=9) < due_in() < timedelta(minutes=11)


def test_an_email_that_waits_for_others_is_not_brought_forward(alice: User, bob: User) -> None:
    [row] = send(bob, alice)
    assert arming.bring_forward([row.pk]) == 0
    assert due_in() > timedelta(minutes=9)


@pytest.mark.django_db(transaction=True)
def test_a_long_transaction_does_not_shorten_the_wait(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "PROMPT_SECONDS", 0.0)
    notify.send(bob, recipient=alice, verb="waved")
    assert due_in() > timedelta(minutes=9)


class Alarm(Kind):
    name = "test.alarm"
    delays = {"email": 0}


@pytest.fixture(autouse=True)
def _no_kind_is_left() -> Iterator[None]:
    before = dict(_kinds)
    _kinds.setdefault("test.alarm", Alarm())
    yield
    _kinds.clear()
    _kinds.update({name: kind for name, kind in before.items() if not name.startswith("test.")})


def test_a_kind_sets_its_own_delay(alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="rang", kind="test.alarm")
    assert due_in() < timedelta(seconds=1)


def test_reading_cancels_the_email(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    alice.notifications.get().mark_as_read()
    work()
    assert states() == [("cancelled", "read")]
    assert mails.received == []


def test_another_method_cancels_the_email(alice: User, bob: User, mails: MailServer, settings: Settings) -> None:
    transports = {"web_push": None, "email": EMAIL, "memory": MEMORY}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    choose_methods(alice, "default", ["email", "memory"])
    notify.send(bob, recipient=alice, verb="waved")
    Delivery.objects.filter(transport="memory").update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    call_command("hub_worker", "--once")
    work()
    assert dict(Delivery.objects.values_list("transport", "state")) == {"memory": "sent", "email": "cancelled"}
    assert mails.received == []


def test_people_without_a_usable_address_get_no_delivery(alice: User, bob: User, charlie: User) -> None:
    bob.email = ""
    bob.save()
    charlie.email = "charlie@example.com"
    charlie.save()
    stop_emails_to("Charlie@Example.com", "complained")
    notify.send(bob, recipient=[alice, bob, charlie], verb="waved")
    assert list(Delivery.objects.values_list("notification__recipient", flat=True)) == [alice.pk]


def test_the_person_reads_where_it_went(alice: User, bob: User, client: Client) -> None:
    [row] = send(bob, alice)
    work()
    client.force_login(alice)
    words = client.get(f"/notifications/{row.pk}/why/").content.decode()
    assert "Sent to alice@example.com." in words
    assert "You got it by email." in words


def test_an_email_goes_to_the_address_that_the_person_has_by_then(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    alice.email = "alice@new.example"
    alice.save()
    work()
    assert the_email(mails)["To"] == "alice@new.example"


class StaffEmail(Email):
    def addresses_of(self, people: Collection[Any]) -> Mapping[Any, list[str]]:
        confirmed = User.objects.filter(pk__in=people, is_staff=True)
        return super().addresses_of(confirmed.values_list("pk", flat=True))


def test_a_condition_of_the_host_holds_when_the_email_is_sent(
    alice: User, bob: User, mails: MailServer, settings: Settings
) -> None:
    transports = {"web_push": None, "email": f"{__name__}.StaffEmail"}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    for person in (alice, bob):
        with_address(person)
        person.is_staff = True
        person.save()
    notify.send(None, recipient=[alice, bob], verb="waved")
    # As after another address that is not confirmed yet.
    User.objects.filter(pk=alice.pk).update(is_staff=False)
    work()
    assert [one["To"] for one in mails.received] == ["bob@example.com"]
    assert sorted(states()) == [("failed", "no_email"), ("sent", "accepted")]


def test_an_announcement_is_emailed_later_than_pushes(
    alice: User, bob: User, admin: User, mails: MailServer, settings: Settings
) -> None:
    transports = {"web_push": None, "email": EMAIL, "memory": MEMORY}
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "TRANSPORTS": transports}
    with_address(bob)
    broadcast(title="Party", body="On *Friday*.", url="/", audience="everyone", by=admin)
    starts = dict(Rollout.objects.values_list("transport", "starts_at"))
    assert starts["email"] - starts["memory"] == timedelta(seconds=590)
    Rollout.objects.filter(transport="memory").delete()
    Rollout.objects.update(starts_at=datetime.now(UTC) - timedelta(seconds=1))
    call_command("hub_worker", "--once")
    assert {"alice@example.com", "bob@example.com"} <= {one["To"] for one in mails.received}
    assert all(one["List-Id"] == "Announcements <announcement.hub.example>" for one in mails.received)


# What


def test_an_email_asks_to_confirm_and_leads_to_the_page(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="changed the rules", url="/posts/9/", must_acknowledge=True)
    work()
    text, html = text_of(the_email(mails)), html_of(the_email(mails))
    page = "https://hub.example/notifications/?show=unconfirmed"
    assert "Please confirm that you have read this." in text
    assert f"Confirm: {page}" in text
    assert "Open: https://hub.example/posts/9/" in text
    assert f'<a class="button" href="{page}">Confirm</a>' in html


def test_text_and_html_say_the_same(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved", description="<b>Hi</b> & bye.\nSecond line.", url="/posts/9/")
    work()
    email = the_email(mails)
    assert (email["Subject"], email["From"]) == ("Bob waved", "Hub <hub@hub.example>")
    text, html = text_of(email), html_of(email)
    assert text.splitlines()[:4] == ["Bob waved", "", "<b>Hi</b> & bye.", "Second line."]
    assert "Open: https://hub.example/posts/9/" in text
    assert "&lt;b&gt;Hi&lt;/b&gt; &amp; bye.<br>Second line." in html
    assert 'href="https://hub.example/posts/9/"' in html
    preferences = "https://hub.example/notifications/preferences/?kind=default"
    assert f"Preferences:\r\n{preferences}\r\n" in text
    assert f'href="{preferences}"' in html
    assert '<html lang="en" dir="ltr">' in html
    assert "prefers-color-scheme: dark" in html


def test_an_email_is_in_the_language_of_its_reader(alice: User, bob: User, mails: MailServer) -> None:
    alice.language = "zh-hans"
    alice.save()
    notify.send(bob, recipient=alice, verb="挥手", description="你好，世界。")
    work()
    email = the_email(mails)
    assert email["Subject"] == "Bob 挥手"
    assert 'lang="zh-hans"' in html_of(email)
    assert "你好，世界。" in text_of(email)


def test_an_email_reads_from_the_right_in_arabic(alice: User, bob: User, mails: MailServer, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "LANGUAGE_OF": lambda person: "ar"}
    notify.send(bob, recipient=alice, verb="لوّح")
    work()
    assert '<html lang="ar" dir="rtl">' in html_of(the_email(mails))


def test_a_title_cannot_begin_another_header(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved\r\nBcc: charlie@example.com\u2028x")
    work()
    email = the_email(mails)
    assert email["Bcc"] is None
    assert email["Subject"] == "Bob waved Bcc: charlie@example.com x"


def test_a_secret_kind_puts_nothing_into_the_email(
    alice: User, bob: User, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Alarm, "privacy", Privacy.NOTHING)
    notify.send(bob, recipient=alice, verb="knows your secret", description="It is 42.", kind="test.alarm")
    work()
    email = the_email(mails)
    everything = str(email["Subject"]) + text_of(email) + html_of(email)
    assert "secret" not in everything
    assert "42." not in everything


def test_emails_about_one_target_are_one_thread(alice: User, bob: User, charlie: User, mails: MailServer) -> None:
    posts = [Post.objects.create(author=alice, title=title, body="Text.") for title in ("One", "Two")]
    for sender, post in ((bob, posts[0]), (charlie, posts[0]), (bob, posts[1])):
        notify.send(sender, recipient=alice, verb="replied to", target=post)
    work()
    threads = [email["References"] for email in mails.received]
    assert len(set(threads)) == 2
    assert None not in threads
    assert len({email["Message-ID"] for email in mails.received}) == 3


def test_headers_tell_that_nobody_wrote_it(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    work()
    email = the_email(mails)
    assert email["Auto-Submitted"] == "auto-generated"
    assert email["List-Id"] == "Other notifications <default.hub.example>"
    assert email["Message-ID"].endswith("@hub.example>")
    assert email["Date"]


def test_a_host_overrides_a_block_for_one_kind(
    alice: User, bob: User, mails: MailServer, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "notifications_hub" / "email"
    folder.mkdir(parents=True)
    block = "{% block header %}<p>Acme {{ message.kind }}</p>{% endblock %}"
    own = '{% extends "notifications_hub/email/base.html" %}' + block
    (folder / "test.alarm.html").write_text(own)
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(tmp_path), *settings.TEMPLATES[0]["DIRS"]]}]
    notify.send(bob, recipient=alice, verb="rang", kind="test.alarm")
    work()
    assert "<p>Acme test.alarm</p>" in html_of(the_email(mails))


# Repeats


def test_an_email_that_is_sent_again_has_the_same_id(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    work()
    # As after a worker that was killed before it recorded anything.
    Delivery.objects.update(state="waiting", settled_at=None)
    alice.notifications.update(delivered_at=None, delivered_by="")
    work()
    first, second = mails.received
    assert first["Message-ID"] == second["Message-ID"]
    assert text_of(first) == text_of(second)


def test_one_connection_takes_many_emails(alice: User, bob: User, mails: MailServer, settings: Settings) -> None:
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "EMAIL_CONNECTIONS": 1}
    for number in range(12):
        notify.send(bob, recipient=alice, verb=f"waved {number}")
    work()
    assert len(mails.received) == 12
    assert mails.connections == 1


def test_an_email_is_not_sent_after_its_worker_has_given_up(
    alice: User, bob: User, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    gave_up = threading.Event()
    opened = EmailBackend.open

    def open_late(backend: EmailBackend) -> bool | None:
        gave_up.wait(20)
        return opened(backend)

    aborted = connections._Connection.abort

    def abort(connection: connections._Connection) -> None:
        aborted(connection)
        gave_up.set()

    monkeypatch.setattr(connections, "DEADLINE", 0.2)
    monkeypatch.setattr(EmailBackend, "open", open_late)
    monkeypatch.setattr(connections._Connection, "abort", abort)
    notify.send(bob, recipient=alice, verb="waved")
    work()
    assert states() == [("waiting", "no_answer")]
    monkeypatch.undo()
    work()
    assert len(mails.received) == 1


def test_a_refused_address_gets_no_more_emails(alice: User, bob: User, mails: MailServer) -> None:
    mails.fail("alice@example.com", "550 5.1.1 No such person")
    notify.send(bob, recipient=alice, verb="waved")
    work()
    assert states() == [("failed", "address_gone")]
    assert [(row.address, row.reason) for row in StoppedEmail.objects.all()] == [("alice@example.com", "bounced")]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("550 5.7.1 Blocked by policy", "waiting"),
        ("451 4.7.1 Try later", "waiting"),
        ("554 5.6.0 Looks like spam", "failed"),
    ],
)
def test_other_refusals_do_not_stop_the_address(
    alice: User, bob: User, mails: MailServer, answer: str, state: str
) -> None:
    mails.fail("alice@example.com", answer, at_data=answer.startswith("554"))
    notify.send(bob, recipient=alice, verb="waved")
    work()
    assert {found for found, _reason in states()} == {state}
    assert not StoppedEmail.objects.exists()


@pytest.mark.parametrize("answer", ["550 5.1.1 No such person", "550 5.2.1 Disabled", "553 5.1.3 Bad address"])
def test_an_answer_that_names_the_address_stops_it_at_once(
    alice: User, bob: User, mails: MailServer, answer: str
) -> None:
    mails.fail("alice@example.com", answer)
    notify.send(bob, recipient=alice, verb="waved")
    work()
    assert states() == [("failed", "address_gone")]


def everybody_is_refused(mails: MailServer, people: list[User], answer: str) -> None:
    for person in people:
        mails.fail(person.email, answer, once=False)


@pytest.mark.parametrize("answer", ["550 Relaying denied", "550 5.7.1 Relaying denied", "553 5.1.8 Bad sender"])
def test_a_server_that_refuses_everybody_stops_no_address(
    alice: User, bob: User, charlie: User, mails: MailServer, answer: str
) -> None:
    people = [alice, with_address(bob), with_address(charlie)]
    everybody_is_refused(mails, people, answer)
    notify.send(bob, recipient=people, verb="waved")
    for _attempt in range(3):
        work()
    assert states() == [("waiting", "service_answered")] * 3
    assert not StoppedEmail.objects.exists()
    everybody_is_refused(mails, people, "250 OK")
    work()
    assert states() == [("sent", "accepted")] * 3


def test_an_address_that_is_refused_twice_while_others_get_their_emails_is_gone(
    alice: User, bob: User, charlie: User, mails: MailServer
) -> None:
    mails.fail("alice@example.com", "550 Mailbox unavailable", once=False)
    people = [with_address(bob), with_address(charlie)]
    notify.send(bob, recipient=alice, verb="waved")
    work()
    assert states() == [("waiting", "service_answered")]
    notify.send(bob, recipient=people, verb="waved")
    make_due()
    Delivery.objects.filter(notification__recipient=alice).update(due_at=datetime.now(UTC) + timedelta(hours=1))
    call_command("hub_worker", "--once")
    work()
    assert sorted(states()) == [("failed", "address_gone"), ("sent", "accepted"), ("sent", "accepted")]
    assert [row.address for row in StoppedEmail.objects.all()] == ["alice@example.com"]


# Switching off


def link_of(mails: MailServer) -> str:
    header = str(the_email(mails)["List-Unsubscribe"])
    return path_in(header)


def path_in(header: str) -> str:
    return header.strip(" <>").removeprefix("https://hub.example")


def test_a_mail_program_unsubscribes_with_one_click(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    work()
    assert the_email(mails)["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    stranger = Client(enforce_csrf_checks=True)
    answer = stranger.post(link_of(mails), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert "sessionid" not in answer.cookies
    assert "email" not in methods_of(alice, "default")
    assert "live" in methods_of(alice, "default")


def test_the_link_and_the_reports_work_where_every_page_needs_a_sign_in(
    alice: User, bob: User, mails: MailServer, settings: Settings
) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    work()
    needs = "django.contrib.auth.middleware.LoginRequiredMiddleware"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, needs]
    assert Client().get(link_of(mails)).status_code == 200
    assert Client().post("/notifications/email-reports/").status_code == 404
    assert Client().get("/notifications/preferences/").status_code == 302


def test_an_email_that_still_waits_is_not_sent_after_unsubscribing(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    work()
    notify.send(bob, recipient=alice, verb="waved again")
    notify.send(bob, recipient=alice, verb="rang", kind="test.alarm")
    Client().post(link_of(mails), {"List-Unsubscribe": "One-Click"})
    work()
    assert [one["Subject"] for one in mails.received] == ["Bob waved", "Bob rang"]
    assert sorted(states()) == [("cancelled", "switched_off"), ("sent", "accepted"), ("sent", "accepted")]


def test_an_email_that_still_waits_is_not_sent_after_stopping_all(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    Client().post(Subscription(alice.pk).path)
    work()
    assert mails.received == []
    assert states() == [("cancelled", "switched_off")]


def test_a_scanner_that_opens_the_link_changes_nothing(alice: User, bob: User, mails: MailServer) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    work()
    assert Client().get(link_of(mails)).status_code == 200
    assert Client().head(link_of(mails)).status_code == 200
    assert not Preference.objects.exists()


def methods_of(person: User, kind: str) -> frozenset[str]:
    return preferences.methods_of([person.pk], get_kind(kind))[person.pk]


def test_the_other_link_stops_all_emails_and_its_page_undoes_it(alice: User, bob: User, mails: MailServer) -> None:
    choose_methods(alice, "announcement", ["live"])
    notify.send(bob, recipient=alice, verb="waved")
    work()
    link = text_of(the_email(mails)).split("Stop all emails:\r\nhttps://hub.example")[1].split()[0]
    page = Client().post(link)
    assert "email" not in methods_of(alice, "default")
    token = page.content.decode().split('name="undo" value="')[1].split('"')[0]
    Client().post(link, {"undo": token})
    assert "email" in methods_of(alice, "default")
    assert "email" not in methods_of(alice, "announcement")


def test_a_link_is_of_one_person_and_one_kind(alice: User, bob: User, charlie: User, mails: MailServer) -> None:
    with_address(charlie)
    notify.send(bob, recipient=alice, verb="waved")
    work()
    Client().post(link_of(mails))
    assert set(Preference.objects.values_list("person", "kind")) == {(alice.pk, "default")}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_forged_link_does_nothing(alice: User, bob: User, mails: MailServer, method: str) -> None:
    notify.send(bob, recipient=alice, verb="waved")
    work()
    link = link_of(mails).rstrip("/")
    answer = getattr(Client(), method)(f"{link[:-2]}xx/")
    assert answer.status_code == 404
    assert not Preference.objects.exists()


def test_the_undo_of_another_person_is_refused(alice: User, bob: User, charlie: User, mails: MailServer) -> None:
    with_address(charlie)
    notify.send(bob, recipient=[alice, charlie], verb="waved")
    work()
    links = {one["To"]: path_in(str(one["List-Unsubscribe"])) for one in mails.received}
    page = Client().post(links["alice@example.com"])
    token = page.content.decode().split('name="undo" value="')[1].split('"')[0]
    Client().post(links["charlie@example.com"])
    Client().post(links["charlie@example.com"], {"undo": token})
    assert "email" not in methods_of(alice, "default")
    assert "email" not in methods_of(charlie, "default")


def test_a_kind_that_nobody_may_switch_off_has_no_link(
    alice: User, bob: User, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Alarm, "optional", False)
    monkeypatch.setattr(Alarm, "methods", frozenset({"email"}))
    notify.send(bob, recipient=alice, verb="rang", kind="test.alarm")
    work()
    email = the_email(mails)
    assert email["List-Unsubscribe"] is None
    assert "unsubscribe" not in html_of(email) + text_of(email)


# Stopped addresses


def test_the_preferences_say_why_and_try_again(alice: User, client: Client) -> None:
    stop_emails_to(alice.email)
    client.force_login(alice)
    page = client.get("/notifications/preferences/").content.decode()
    assert "We stopped sending emails to alice@example.com." in page
    assert "Emails to it came back." in page
    client.post("/notifications/preferences/resume-email/")
    assert not StoppedEmail.objects.exists()


def test_a_killed_worker_sends_again_with_the_same_id(
    alice: User, bob: User, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*args: object) -> None:
        raise KeyboardInterrupt

    notify.send(bob, recipient=alice, verb="waved")
    with monkeypatch.context() as patched:
        patched.setattr(worker, "mark_accepted", killed)
        with pytest.raises(KeyboardInterrupt):
            work()
    work()
    assert len({one["Message-ID"] for one in mails.received}) == 1
    assert states() == [("sent", "accepted")]
