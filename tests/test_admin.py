"""The hub's pages in Django's admin: notifications with their delivery history, deliveries, browsers, topics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.formats import date_format
from notifications.base.admin import AbstractNotificationAdmin
from notifications.signals import notify
from pytest_django import Settings

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.delivery import arming, preferences
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.claiming import Outcome, claim_due
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.jobs.models import Job
from notifications_hub.kinds import DeliveryMethod
from notifications_hub.models import Notification, PushSubscription
from notifications_hub.quiet_hours.calendar import Schedule, Window
from notifications_hub.quiet_hours.models import QuietHours
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.streams.models import Stream
from notifications_hub.transports.web_push.vapid import generate
from tests.actions.support import Invitation
from tests.support.deliveries import settle
from tests.support.log import delivered_to

if TYPE_CHECKING:
    ClientFor = Callable[[User], Client]

ADMIN = "/admin/notifications_hub/"
SECRET = "https://push.example/the-secret-endpoint"

both_databases = pytest.mark.both_databases(short="sqlite")
pytestmark = pytest.mark.django_db


@pytest.fixture
def page(client_for: ClientFor, admin: User) -> Callable[[str], str]:
    """The HTML of an admin page, as a superuser sees it."""
    client = client_for(admin)

    def page(path: str) -> str:
        answer = client.get(ADMIN + path)
        assert answer.status_code == HTTPStatus.OK
        return answer.content.decode()

    return page


def reply_to(person: User, by: User, verb: str = "replied") -> Notification:
    notify.send(by, recipient=person, verb=verb)
    return Notification.objects.latest("pk")


def push_planned(notification: Notification, address: str) -> Delivery:
    arming.arm([Plan(notification_pk=notification.pk, transport="web_push", address=address)])
    return Delivery.objects.latest("pk")


def browser_of(person: User) -> PushSubscription:
    return PushSubscription.objects.create(
        owner=person,
        endpoint=SECRET,
        endpoint_hash="h",
        p256dh="the-public-key",
        auth="the-auth-secret",
        name="Firefox",
    )


def attempted(planned: Delivery, outcome: Outcome) -> None:
    Delivery.objects.update(due_at=datetime.now(UTC) - timedelta(seconds=1))
    [claimed] = claim_due()
    assert claimed == planned
    settle(claimed, outcome)


def test_the_admin_of_the_package_is_not_in_use() -> None:
    assert not isinstance(django_admin.site._registry[Notification], AbstractNotificationAdmin)


@both_databases
def test_the_list_shows_each_notification_with_its_recipient_and_deliveries(
    page: Callable[[str], str], alice: User, bob: User
) -> None:
    notification = reply_to(alice, by=bob)
    push_planned(notification, "7")
    arming.mark_delivered([notification.pk], DeliveryMethod.LIVE)
    text = page("notification/")

    for words in ("Bob replied", "Alice", ", open page", "Web Push: cancelled"):
        assert words in text


def test_the_history_of_a_notification_is_in_order(page: Callable[[str], str], alice: User, bob: User) -> None:
    notification = reply_to(alice, by=bob)
    planned = push_planned(notification, str(browser_of(alice).pk))
    put_off = DeliveryReason.of(ReasonCode.HOST_SLOW, host="push.example")
    attempted(planned, Outcome(state=DeliveryState.WAITING, reason=put_off, attempted=False))
    attempted(
        planned, Outcome(state=DeliveryState.WAITING, reason=DeliveryReason.from_transport("try later"), status=503)
    )
    attempted(planned, Outcome(state=DeliveryState.SENT, reason=DeliveryReason(ReasonCode.ACCEPTED), status=201))
    Notification.objects.filter(recipient=alice).mark_all_as_read()
    text = page(f"notification/{notification.pk}/change/")

    steps = [
        "It happened.",
        "Planned: Web Push to Firefox.",
        "<span>Web Push to Firefox. Waiting: push.example is slow to answer.",
        "Attempt, Web Push to Firefox: waiting. Try later (503).",
        "Attempt, Web Push to Firefox: sent. The service accepted it (201).",
        "The person read it.",
    ]
    positions = [text.index(words) for words in steps]
    assert positions == sorted(positions)


def test_a_cancelled_delivery_shows_the_reason(page: Callable[[str], str], alice: User, bob: User) -> None:
    planned = push_planned(reply_to(alice, by=bob), str(browser_of(alice).pk))
    arming.mark_delivered([planned.notification_id], DeliveryMethod.LIVE)
    text = page(f"delivery/{planned.pk}/change/")

    for words in (
        "Web Push: cancelled",
        '<div class="readonly">Firefox</div>',
        "Delivered (open page).",
        "Web Push to Firefox: cancelled. Already delivered (open page).",
    ):
        assert words in text


def test_a_notification_without_a_push_shows_the_reason(
    page: Callable[[str], str], alice: User, bob: User, settings: Settings
) -> None:
    path = f"notification/{reply_to(alice, by=bob).pk}/change/"
    assert "No push: this site has no VAPID key." in page(path)
    settings.NOTIFICATIONS_HUB = {**settings.NOTIFICATIONS_HUB, "VAPID_PRIVATE_KEY": generate()}
    assert "No push: the person has not turned on push in any browser." in page(path)
    browser = browser_of(alice)
    assert "it was probably turned on later" in page(path)
    PushSubscription.objects.update(quarantined_at=browser.created)
    assert "No push: push is paused in every browser of the person." in page(path)
    preferences.choose_methods(alice, "default", [DeliveryMethod.LIVE])
    assert "No push: the person&#x27;s current preferences turn it off for this kind." in page(path)


def test_a_waiting_delivery_shows_when_it_is_due(page: Callable[[str], str], alice: User, bob: User) -> None:
    planned = push_planned(reply_to(alice, by=bob), "7")

    assert "Due: Web Push to an address." in page(f"delivery/{planned.pk}/change/")


@both_databases
@pytest.mark.parametrize("listed", ["notification", "delivery"])
def test_a_list_costs_the_same_for_twenty_rows_as_for_one(
    page: Callable[[str], str], alice: User, bob: User, listed: str
) -> None:
    readers = Group.objects.create(name="Readers")
    alice.groups.add(readers)

    def happen(times: int) -> None:
        for number in range(times):
            push_planned(reply_to(alice, by=bob, verb=f"replied {number}"), "7")
            broadcast(title=f"Hello {number}", audience=f"group.{readers.pk}")
        make_rows(alice)

    happen(1)
    page(f"{listed}/")
    with CaptureQueriesContext(connection) as few:
        page(f"{listed}/")
    happen(9)
    with CaptureQueriesContext(connection) as many:
        page(f"{listed}/")

    assert len(many) == len(few)


@both_databases
def test_a_list_of_ten_costs_at_most_seven_queries(
    page: Callable[[str], str], alice: User, bob: User, settings: Settings
) -> None:
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.fallback.FallbackStorage"
    notify.send(bob, recipient=alice, verb="replied", target=bob)
    page("notification/")
    for number in range(9):
        kind = Invitation.name if number % 3 else "default"
        notify.send(bob, recipient=alice, verb=f"replied {number}", target=alice if number % 2 else bob, kind=kind)
    with CaptureQueriesContext(connection) as queries:
        page("notification/")

    assert len(queries) <= 7


def test_the_packages_columns_and_filters_are_there(page: Callable[[str], str], alice: User, bob: User) -> None:
    notify.send(bob, recipient=alice, verb="replied", target=alice, level="warning")
    text = page("notification/")

    for column in ("recipient", "actor", "level", "target", "unread", "public"):
        assert f"column-{column}" in text
    for name in ("level", "unread", "public", "timestamp"):
        assert f'data-filter-title="{name}"' in text
    assert '<td class="field-actor">Bob</td><td class="field-level">Warning</td>' in text


def mark_unread(client: Client, rows: Sequence[Notification]) -> None:
    client.post(f"{ADMIN}notification/", {"action": "mark_unread", "_selected_action": [row.pk for row in rows]})


@both_databases
def test_marking_as_unread_updates_open_pages(client_for: ClientFor, admin: User, alice: User, bob: User) -> None:
    first, second, _other = (reply_to(alice, by=bob) for _ in range(3))
    Notification.objects.all().mark_all_as_read()
    client = client_for(admin)
    mark_unread(client, [first, second])

    assert list(Notification.objects.unread().order_by("pk")) == [first, second]
    assert delivered_to(alice)[-1] == ("notification.unread", {"ids": [str(first.pk), str(second.pk)]})
    assert "Marked 2 notifications as unread." in client.get(f"{ADMIN}notification/").content.decode()


@both_databases
@pytest.mark.parametrize("may", [False, True])
def test_marking_needs_the_permission_to_change_notifications(
    client_for: ClientFor, alice: User, bob: User, may: bool
) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    names = ["view_notification", *(["change_notification"] if may else [])]
    bob.user_permissions.set(Permission.objects.filter(codename__in=names))
    row = reply_to(alice, by=bob)
    row.mark_as_read()
    client = client_for(bob)
    mark_unread(client, [row])
    row.refresh_from_db()

    assert row.unread is may
    assert ("mark_unread" in client.get(f"{ADMIN}notification/").content.decode()) is may


@both_databases
@pytest.mark.parametrize(
    "query",
    [
        "kind=default",
        "delivered_by=live",
        "delivered_by=",
        "unread__exact=1",
        "level__exact=info",
        "public__exact=1",
        "q=alice",
    ],
)
def test_the_list_is_filtered_and_searched(
    client_for: ClientFor, admin: User, alice: User, bob: User, query: str
) -> None:
    notification = reply_to(alice, by=bob)
    if query == "delivered_by=live":
        arming.mark_delivered([notification.pk], DeliveryMethod.LIVE)
    answer = client_for(admin).get(f"{ADMIN}notification/?{query}")

    assert [row.pk for row in answer.context["cl"].result_list] == [notification.pk]


@both_databases
def test_filters_and_searches_exclude_other_rows(client_for: ClientFor, admin: User, alice: User, bob: User) -> None:
    reply_to(alice, by=bob)
    for query in ("kind=announcement", "delivered_by=live", "q=bob"):
        assert not client_for(admin).get(f"{ADMIN}notification/?{query}").context["cl"].result_list


@pytest.mark.parametrize("path", ["pushsubscription/", "pushsubscription/{pk}/change/", "delivery/"])
def test_endpoints_and_push_keys_are_never_shown(page: Callable[[str], str], alice: User, bob: User, path: str) -> None:
    browser = browser_of(alice)
    push_planned(reply_to(alice, by=bob), str(browser.pk))
    text = page(path.format(pk=browser.pk))

    for secret in (SECRET, browser.p256dh, browser.auth):
        assert secret not in text


@pytest.mark.parametrize("path", ["job/", "job/{pk}/change/"])
def test_arguments_and_results_of_jobs_are_never_shown(page: Callable[[str], str], alice: User, path: str) -> None:
    job = Job.objects.create(
        owner=alice,
        task="reports.make",
        title="Report 2026",
        arguments={"args": ["the-secret-argument"], "kwargs": {}},
        value={"answer": "the-secret-result"},
        due_at=datetime.now(UTC),
    )
    text = page(path.format(pk=job.pk))

    assert "Report 2026" in text
    assert "the-secret" not in text


def test_an_address_of_another_transport_is_not_shown(page: Callable[[str], str], alice: User, bob: User) -> None:
    planned = push_planned(reply_to(alice, by=bob), "https://hooks.chat.example/the-secret-path")
    assert "the-secret-path" not in page(f"delivery/{planned.pk}/change/")


def test_browsers_are_listed_by_name_and_owner(page: Callable[[str], str], alice: User) -> None:
    browser_of(alice)
    text = page("pushsubscription/")

    assert "Firefox" in text
    assert "Alice" in text


def test_topics_are_listed(client_for: ClientFor, admin: User) -> None:
    Stream.objects.create(topic="everyone", top=3)
    rows = client_for(admin).get(f"{ADMIN}stream/?q=every").context["cl"].result_list
    assert [(row.topic, row.top) for row in rows] == [("everyone", 3)]


def test_support_staff_read_a_persons_quiet_hours_and_pause(page: Callable[[str], str], alice: User, bob: User) -> None:
    nights = Window(frozenset({0, 4}), 22 * 60, 7 * 60)
    later = datetime.now(UTC) + timedelta(days=3)
    save_schedule(alice, Schedule(zone="Europe/Berlin", windows=(nights,), paused_until=later))
    QuietHours.objects.create(person=bob, schedule={"zone": "Nowhere"})
    text = page("quiethours/?q=alice")
    assert "Mon Fri 22:00–07:00" in text
    assert "Europe/Berlin" in text
    assert date_format(timezone.localtime(later), "DATETIME_FORMAT") in text
    assert "Bob" not in text
    assert "Bob" in page("quiethours/")
    assert "Mon Fri 22:00–07:00" in page(f"quiethours/{alice.pk}/change/")


@pytest.mark.parametrize("model", ["notification", "delivery", "pushsubscription", "stream", "quiethours"])
def test_rows_cannot_be_added_changed_or_deleted_by_hand(
    client_for: ClientFor, admin: User, alice: User, bob: User, model: str
) -> None:
    notification = reply_to(alice, by=bob)
    client = client_for(admin)

    assert client.get(f"{ADMIN}{model}/add/").status_code == HTTPStatus.FORBIDDEN
    assert client.post(f"{ADMIN}{model}/add/").status_code == HTTPStatus.FORBIDDEN
    client.post(f"{ADMIN}notification/{notification.pk}/change/", {"url": "/elsewhere/"})
    client.post(f"{ADMIN}notification/{notification.pk}/delete/", {"post": "yes"})
    notification.refresh_from_db()
    assert notification.url == ""


@both_databases
def test_a_person_with_notifications_can_still_be_deleted(
    client_for: ClientFor, admin: User, alice: User, bob: User
) -> None:
    push_planned(reply_to(alice, by=bob), str(browser_of(alice).pk))
    client_for(admin).post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"})

    assert not User.objects.filter(username="alice").exists()
    assert not Notification.objects.exists()


def test_staff_without_the_permission_see_no_page(client_for: ClientFor, alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.add(Permission.objects.get(codename="view_stream"))
    notification = reply_to(alice, by=bob)
    client = client_for(User.objects.get(pk=bob.pk))

    pages = "notification/", f"notification/{notification.pk}/change/", "delivery/", "pushsubscription/", "quiethours/"
    for path in pages:
        assert client.get(ADMIN + path).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("path", ["", "notification/", "delivery/", "pushsubscription/", "stream/", "quiethours/"])
def test_pages_have_no_inline_script_or_style(page: Callable[[str], str], path: str) -> None:
    text = page(path)

    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text
