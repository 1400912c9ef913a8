"""Traces of a person in every table of the hub, with a marker in whatever texts can be theirs."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from notifications.signals import notify

from accounts.models import User
from notifications_hub import broadcast
from notifications_hub.announcements import audit
from notifications_hub.announcements.approval.models import Correction
from notifications_hub.announcements.banners.models import BannerDismissal
from notifications_hub.announcements.models import Announcement, AnnouncementTranslation, RowsThrough
from notifications_hub.announcements.personal_rows import make_rows
from notifications_hub.audience_lists import create
from notifications_hub.confirmations.models import Reminder
from notifications_hub.delivery.arming import Plan, arm
from notifications_hub.delivery.models import DeliveredThrough, FlashRest
from notifications_hub.delivery.preferences import choose_methods
from notifications_hub.following.models import Follow
from notifications_hub.ingest.tokens import make_service_token
from notifications_hub.jobs import transitions
from notifications_hub.jobs.models import Job
from notifications_hub.live import topic_presence
from notifications_hub.live.revocation import revoke
from notifications_hub.models import Notification, PushSubscription
from notifications_hub.quiet_hours.calendar import Schedule
from notifications_hub.quiet_hours.schedules import save_schedule
from notifications_hub.request_ids import as_request
from notifications_hub.streams import NewEvent, append_many, inbox_topic
from notifications_hub.transports.email.models import stop_emails_to
from notifications_hub.transports.own_addresses.models import OwnAddress, sealed_destination
from tests.actions.support import ask as ask_approvers
from tests.actions.support import click
from tests.support.escalation import Ticket

MARKER = "Zaphod-7q"
WITHOUT_TRACES = {
    "ImportPosition": "one number",
    "InboxWalk": "numbers",
    "KindUse": "counts",
    "ResultFigure": "counts",
    "ResultFold": "numbers",
    "ResultTally": "counts",
    "ResultWatch": "counts",
    "RowChange": "rows of the host's tables, for a second",
    "UseFold": "numbers",
    "UseSum": "counts",
    "UseWalk": "numbers",
    "SendingProcess": "a count of a worker's process",
    "WorkerHeartbeat": "a time",
}
"""Tables of the hub that hold nothing about a person, with the reason."""


def live_here(zaphod: User, bob: User, charlie: User) -> None:
    """Leave traces of a person in every table."""
    _be_notified(zaphod, bob)
    _set_things_up(zaphod, bob)
    _decide(zaphod, bob, charlie)
    notify.send(bob, recipient=zaphod, verb="broke", kind=Ticket.name, description=MARKER)
    _announce(zaphod, bob)
    _be_asked_for_by_a_service(zaphod)


def _be_notified(zaphod: User, bob: User) -> None:
    for number in range(3):
        notify.send(bob, recipient=zaphod, verb="called", description=f"{MARKER} {number}", secret=MARKER)
    notify.send(zaphod, recipient=bob, verb="replied", description=f"words of {MARKER}")
    notify.send(None, recipient=bob, verb="promoted", target=zaphod)
    notify.send(bob, recipient=bob, verb="stays")
    append_many([NewEvent(inbox_topic(zaphod.pk), "host.greeted", {"words": MARKER})])
    first = Notification.objects.filter(recipient=zaphod).earliest("pk")
    with as_request(f"request-{MARKER}"):
        arm([Plan(notification_pk=first.pk, transport="email", address=f"{MARKER}@example.org")])


def _set_things_up(zaphod: User, bob: User) -> None:
    choose_methods(zaphod, "default", ["live"])
    save_schedule(zaphod, Schedule(zone="Europe/Berlin"))
    stop_emails_to(zaphod.email)
    PushSubscription.objects.create(owner=zaphod, endpoint=f"https://push.example/{MARKER}", name=MARKER)
    OwnAddress.objects.create(owner=zaphod, transport="webhook", sealed=sealed_destination("https://a.example/", []))
    transitions.announce(Job.objects.create(owner=zaphod, title=MARKER, arguments={"name": MARKER}))
    group = bob.groups.create(name="Readers")
    group_type = ContentType.objects.get_for_model(group)
    Follow.objects.create(person=zaphod, content_type=group_type, object_key=str(group.pk))
    FlashRest.objects.create(person=zaphod, before=1)
    topic_presence.register("hub")
    topic_presence.hold("hub", [(f"room.{MARKER}", zaphod.pk)])
    revoke(zaphod, "room.1")


def _decide(zaphod: User, bob: User, charlie: User) -> None:
    """Decide for others too, whose open pages then name the person."""
    theirs, *_ = ask_approvers([zaphod, charlie], bob, request=7)
    browser = Client()
    browser.force_login(zaphod)
    assert click(browser, theirs, "decline", MARKER).status_code == 200


def _announce(zaphod: User, bob: User) -> None:
    shown = broadcast(title="Hello", by=zaphod, audience=create([zaphod, bob], until=_later()))
    Announcement.objects.filter(pk=shown.pk).update(last_editor=zaphod, approved_by=zaphod)
    audit.record(shown, audit.Step.EDITED, by=bob, proposed_by=MARKER)
    make_rows(zaphod)
    Correction.objects.create(announcement=shown, by=zaphod, columns={"title": "Hi"}, translations={})
    Reminder.objects.create(subject=f"announcement:{shown.pk}", number=1, asked_by=zaphod)
    BannerDismissal.objects.create(person=zaphod, announcement=shown)
    AnnouncementTranslation.objects.create(announcement=shown, language="zh-hans", title="你好")
    RowsThrough.objects.create(person=zaphod, audience="everyone", seq=1)
    DeliveredThrough.objects.create(person=zaphod, topic="everyone", start=0, seq=1)


def _be_asked_for_by_a_service(zaphod: User) -> None:
    secret = make_service_token("Billing", ["default"], by=zaphod, group=zaphod.groups.create(name="Payers"))
    zaphod.groups.clear()
    answer = Client().post(
        "/api/v1/notify/",
        {"recipients": [MARKER], "verb": "was paid"},
        content_type="application/json",
        headers={"Authorization": f"Bearer {secret}", "Idempotency-Key": "k"},
    )
    assert answer.json()["unknown"] == [MARKER]


def _later() -> Any:
    return Announcement._meta.get_field("ends_at").get_default()


def empty_tables() -> set[str]:
    """Return the names of the hub's tables that have no row."""
    tables = apps.get_app_config("notifications_hub").get_models()
    return {model.__name__ for model in tables if not model._base_manager.exists()}
