"""People who have not confirmed, reminders to them, and the admin's pages of both."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from notifications.signals import notify

from notifications_hub import Announcement, broadcast
from notifications_hub.announcements import audit
from notifications_hub.announcements.announce import withdraw
from notifications_hub.announcements.results.folding import fold_step
from notifications_hub.announcements.results.models import ResultFold
from notifications_hub.confirmations import people, reminding
from notifications_hub.confirmations.models import Reminder
from notifications_hub.confirmations.people import unconfirmed_people
from notifications_hub.confirmations.reminding import CannotRemind, TooSoon, ask, send_reminders
from notifications_hub.confirmations.subjects import Subject, microseconds
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.inbox.marks import acknowledge
from notifications_hub.notification import Notification
from tests.inbox.support import send_one

if TYPE_CHECKING:
    from accounts.models import User
    from tests.inbox.support import ClientFor

pytestmark = pytest.mark.both_databases(short="postgresql")
PAGE = "/admin/notifications_hub/announcement/{}/confirmations/"
KINDS = "/admin/notifications_hub/notification/confirmations/"


def drill(**given: Any) -> Announcement:
    return broadcast(title="Fire drill", must_acknowledge=True, **given)


def reminded(subject: Subject) -> list[str]:
    """Return the names of the people with an unread reminder of the subject."""
    keys = [one.dedupe_key for one in Reminder.objects.filter(subject=subject.key)]
    rows = Notification.objects.filter(dedupe_key__in=keys, unread=True)
    return sorted(rows.values_list("recipient__username", flat=True))


def an_hour_passes() -> None:
    Reminder.objects.update(asked_at=datetime.now(UTC) - timedelta(hours=1, seconds=1))


def test_people_without_a_row_have_not_confirmed(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "CHUNK", 2)
    announced = drill()
    assert list(unconfirmed_people(announced, "", 50, 5).people) == [alice, bob, charlie]
    acknowledge(bob, [announced.item_id])
    first = unconfirmed_people(announced, "", 1, 5)
    assert list(first.people) == [alice]
    second = unconfirmed_people(announced, first.following, 1, 5)
    assert list(second.people) == [charlie]
    assert second.following == ""
    hurried = unconfirmed_people(announced, str(alice.pk), 50, 0)
    assert (list(hurried.people), hurried.following) == ([charlie], str(charlie.pk)), "it goes on where it stopped"


def test_a_reminder_reaches_those_who_have_not_confirmed_once(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminding, "CHUNK", 1)
    announced = drill()
    subject = Subject(announcement=announced.pk)
    acknowledge(bob, [announced.item_id])
    ask(subject, by=alice)
    with pytest.raises(TooSoon):
        ask(subject, by=alice)
    acknowledge(charlie, [announced.item_id])
    send_reminders()
    send_reminders()
    assert reminded(subject) == ["alice"], "whoever confirms before it is sent gets none"
    [reminder] = Reminder.objects.all()
    assert (reminder.sent, reminder.done_at is not None) == (1, True)
    with pytest.raises(TooSoon):
        ask(subject, by=alice)
    steps = audit.steps_of(announced).filter(step=audit.Step.REMINDED)
    assert [step.person_name for step in steps] == ["alice"]

    an_hour_passes()
    ask(subject, by=alice)
    send_reminders()
    assert reminded(subject) == ["alice", "alice"]


def test_confirming_ends_the_reminder_and_what_waits_to_be_sent(alice: User, bob: User) -> None:
    announced = drill()
    subject = Subject(announcement=announced.pk)
    ask(subject, by=alice)
    send_reminders()
    row = Notification.objects.get(recipient=bob, kind="acknowledge.reminder")
    assert row.message().title == "Please confirm “Fire drill”"
    arming.arm([Plan(notification_pk=row.pk, transport="web_push", address="7")])
    acknowledge(bob, [announced.item_id])
    assert reminded(subject) == ["alice"]
    assert not Delivery.objects.filter(notification=row, state=DeliveryState.WAITING).exists()


def test_who_confirms_while_a_step_commits_is_excused(alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    announced = drill()
    subject = Subject(announcement=announced.pk)
    ask(subject, by=alice)
    # As between the step's look and its commit: the confirmation sees no reminder yet.
    monkeypatch.setattr(reminding, "waiting_among", lambda _announcement, keys: list(keys))
    acknowledge(bob, [announced.item_id])
    send_reminders()
    assert reminded(subject) == ["alice"]


def test_an_announcement_that_is_over_reminds_nobody(alice: User) -> None:
    announced = drill()
    subject = Subject(announcement=announced.pk)
    ask(subject, by=alice)
    withdraw(announced)
    send_reminders()
    assert reminded(subject) == []
    assert Reminder.objects.get().done_at
    an_hour_passes()
    with pytest.raises(CannotRemind):
        ask(subject, by=alice)
    with pytest.raises(CannotRemind):
        ask(Subject(announcement=broadcast(title="No answer wanted").pk), by=alice)


def test_people_are_reminded_once_of_a_kind_or_of_one_call(
    alice: User, bob: User, charlie: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reminding, "CHUNK", 2)
    answers: Any = notify.send(charlie, recipient=[alice, bob], verb="asked", must_acknowledge=True)
    first: list[Notification] = answers[0][1]
    more = send_one(alice, charlie, must_acknowledge=True)
    of_kind, of_call = Subject(kind="default"), Subject(kind="default", sent_at=first[0].timestamp)
    for subject in (of_kind, of_call):
        assert Subject.parse(subject.key) == subject
        ask(subject, by=charlie)
        send_reminders()
        assert reminded(subject) == ["alice", "bob"]

    acknowledge(alice, [first[0].item_id])
    assert reminded(of_call) == ["bob"]
    assert reminded(of_kind) == ["alice", "bob"], "another of the kind is still waiting"
    acknowledge(alice, [more.item_id])
    assert reminded(of_kind) == ["bob"]


def test_the_page_of_an_announcement_lists_reminds_and_gives_a_file(
    client_for: ClientFor, admin: User, alice: User, bob: User
) -> None:
    announced = drill()
    acknowledge(bob, [announced.item_id])
    ResultFold.objects.create(pk=1)
    fold_step()
    client, page = client_for(admin), PAGE.format(announced.pk)
    text = client.get(page).content.decode()
    assert "Confirmed: <strong>1</strong>" in " ".join(text.split())
    assert '<th scope="row" dir="auto">Alice</th>' in text
    assert '<th scope="row" dir="auto">Bob</th>' not in text
    assert '<th scope="row" dir="auto">Alice</th>' in client.get(page, {"q": "alice"}).content.decode()
    assert "This person has confirmed" in client.get(page, {"q": "bob"}).content.decode()
    file = client.get(page, {"file": ""}).content.decode()
    assert f"Alice,{alice.pk}" in file
    assert "Bob" not in file
    assert client.get(page, {"after": "x"}).status_code == 200
    results = client.get(f"/admin/notifications_hub/announcement/{announced.pk}/results/").content.decode()
    assert page in results

    answer = client.post(page, follow=True).content.decode()
    assert "Everybody who has not confirmed is being reminded." in answer
    assert "less than an hour ago" in client.post(page, follow=True).content.decode()
    send_reminders()
    assert reminded(Subject(announcement=announced.pk)) == ["admin", "alice"]


def test_the_page_of_kinds_shows_titles_only_to_those_who_may_see_them(
    client_for: ClientFor, admin: User, alice: User, bob: User
) -> None:
    row = send_one(alice, bob, verb="asked you to sign", must_acknowledge=True)
    send_one(bob, alice, must_acknowledge=True)
    client = client_for(admin)
    assert ">2</td>" in client.get(KINDS).content.decode()
    assert "asked you to sign" in client.get(KINDS, {"kind": "default"}).content.decode()
    assert client.get(KINDS, {"kind": "unknown"}).status_code == 404
    for before in ("x", f"{'9' * 18}.1", f"-{'9' * 17}.1"):
        assert ">Alice</th>" in client.get(KINDS, {"kind": "default", "before": before}).content.decode()
    one_call: dict[str, Any] = {"kind": "default", "sent": microseconds(row.timestamp)}
    listed = client.get(KINDS, one_call).content.decode()
    assert ">Alice</th>" in listed
    assert ">Bob</th>" not in listed
    assert "asked you to sign" in client.get(KINDS, one_call | {"file": ""}).content.decode()
    assert ">Bob</th>" in client.get(KINDS, {"kind": "default", "q": "bob"}).content.decode()
    client.post(f"{KINDS}?kind=default&sent={one_call['sent']}")
    send_reminders()
    assert reminded(Subject(kind="default", sent_at=row.timestamp)) == ["alice"]

    viewer = _staff(bob, "view_notification")
    seen = viewer.get(KINDS, {"kind": "default"}).content.decode()
    assert ">Alice</th>" in seen
    assert "asked you to sign" not in seen
    assert "Remind them" not in seen
    assert viewer.post(f"{KINDS}?kind=default").status_code == 403
    assert viewer.get(PAGE.format(drill().pk)).status_code == 403


def _staff(person: User, *rights: str) -> Client:
    person.is_staff = True
    person.save()
    person.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(person)
    return client
