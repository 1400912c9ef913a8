"""Remind everybody who has not confirmed a subject, a chunk of people at a time.

A step is one transaction: the notifications and the new position. A process killed anywhere leaves the step done or not
begun, so nobody is reminded twice. The lock of the row lets one process at a time take the next step.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError

from notifications_hub import audiences
from notifications_hub.announcements import audit
from notifications_hub.announcements.models import Announcement
from notifications_hub.confirmations.models import Reminder
from notifications_hub.confirmations.people import confirmed_among, keys_after, waiting_among
from notifications_hub.confirmations.subjects import Subject, microseconds, moment_of, newest_first, older
from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.message import list_to_confirm
from notifications_hub.notification import Notification
from notifications_hub.notify import notify_handler
from notifications_hub.own_kinds import AcknowledgeReminder
from notifications_hub.streams.sweeper import Isolation, every_second
from notifications_hub.users import Person

PAUSE = timedelta(hours=1)
"""The least time between two reminders of one subject."""
CHUNK = 500
TURN_SECONDS = 0.2
"""The most that one turn of the sweeper spends on steps, because other chores wait for it."""
_LATEST = 100
"""The reminders that a confirmation looks for among a person's notifications."""

_isolation: Isolation[int] = Isolation(longest=3600.0)


class CannotRemind(Exception):
    """Raised when nobody can be reminded of a subject, because it is over or asks for no confirmation."""


class TooSoon(CannotRemind):
    """Raised when the last reminder is less than an hour old, or still being sent."""


def ask(subject: Subject, *, by: Person | None) -> Reminder:
    """Remind everybody who has not confirmed the subject. Raise `TooSoon`, or `CannotRemind`.

    The sweeper sends it within about a second. Whoever confirms until then gets none.
    """
    with transaction.atomic():
        announcement = None if subject.announcement is None else _locked(subject.announcement)
        last = last_of(subject)
        if last is not None and (last.done_at is None or last.asked_at > datetime.now(UTC) - PAUSE):
            raise TooSoon
        number = 1 if last is None else last.number + 1
        reminder = _create(subject, number, by)
        if announcement is not None:
            audit.record(announcement, audit.Step.REMINDED, by=by, number=number)
    return reminder


def last_of(subject: Subject) -> Reminder | None:
    return Reminder.objects.filter(subject=subject.key).select_related("asked_by").order_by("-number").first()


def end(person: Person, rows: Collection[int], announcements: Collection[int]) -> None:
    """Read the person's reminders of what these confirmations answer, in the caller's transaction."""
    if not Reminder.objects.exists():
        return
    answered = {Subject(announcement=pk).key for pk in announcements} | set(_keys_of(person, rows))
    asked = Reminder.objects.filter(subject__in=answered).order_by("-pk")[:_LATEST]
    over = [one for one in asked if not _still_waits(person, Subject.parse(one.subject))]
    _read([person.pk], over)


def _keys_of(person: Person, rows: Collection[int]) -> Iterator[str]:
    sent = Notification.objects.filter(pk__in=rows, recipient=person, announcement=None)
    for kind, sent_at in sent.values_list("kind", "timestamp"):
        yield Subject(kind=kind).key
        yield Subject(kind=kind, sent_at=sent_at).key


def _still_waits(person: Person, subject: Subject) -> bool:
    return subject.announcement is None and subject.unconfirmed().filter(recipient=person).order_by().exists()


def _read(people: Collection[Any], reminders: Collection[Reminder]) -> None:
    """Read these people's notifications of the reminders, and cancel what waits to be sent."""
    if not (people and reminders):
        return
    sent = Notification.objects.filter(recipient__in=people, dedupe_key__in=[one.dedupe_key for one in reminders])
    pks = list(sent.filter(unread=True).order_by().values_list("pk", flat=True))
    if pks:
        Notification.objects.filter(pk__in=pks).mark_all_as_read()
        arming.disarm(pks, DeliveryReason(ReasonCode.READ))


def _locked(pk: int) -> Announcement:
    """Lock a running announcement that asks to be confirmed. Raise `CannotRemind` for any other."""
    running = Announcement.objects.running().filter(pk=pk, must_acknowledge=True)
    announcement = running.select_for_update(no_key=True, of=("self",)).first()
    if announcement is None:
        raise CannotRemind
    return announcement


def _create(subject: Subject, number: int, by: Person | None) -> Reminder:
    try:
        with transaction.atomic():
            return Reminder.objects.create(subject=subject.key, number=number, asked_by=by)
    except IntegrityError:
        # The other click of two was first.
        raise TooSoon from None


# Sending


@every_second
def send_reminders() -> None:
    """Send the open reminders. Without any, this is one short question."""
    until = time.monotonic() + TURN_SECONDS
    resting = _isolation.resting()
    for pk in Reminder.objects.filter(done_at=None).order_by("pk").values_list("pk", flat=True)[:100]:
        if pk in resting:
            continue
        with _isolation.guard(pk, f"Reminder {pk}"):
            while _step(pk) and time.monotonic() < until:
                pass


def _step(pk: int) -> bool:
    """Remind the next people, and return whether there may be more. Another process may be at it."""
    with transaction.atomic():
        unsent = Reminder.objects.filter(pk=pk, done_at=None)
        reminder = unsent.select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
        if reminder is None:
            return False
        if not _remind_next(reminder, Subject.parse(reminder.subject)):
            reminder.done_at = datetime.now(UTC)
        reminder.save()
        return reminder.done_at is None


def _remind_next(reminder: Reminder, subject: Subject) -> bool:
    """Remind the people after the reminder's position, and move it. Return whether there may be more."""
    if subject.announcement is None:
        return _remind_of_kind(reminder, subject)
    return _remind_of_announcement(reminder, subject.announcement)


def _remind_of_announcement(reminder: Reminder, pk: int) -> bool:
    announcement = Announcement.objects.running().filter(pk=pk).first()
    if announcement is None:
        return False
    _excuse(reminder, announcement)
    keys = keys_after(announcement, reminder.position, CHUNK)
    people = audiences.active_people().filter(pk__in=waiting_among(announcement, keys)).order_by("pk")
    _send(reminder, people, target=announcement, url=announcement.own_page())
    if keys:
        reminder.before, reminder.position = reminder.position, str(keys[-1])
    return bool(keys)


def _excuse(reminder: Reminder, announcement: Announcement) -> None:
    """Take the reminder back from people who confirmed while the last step was being committed."""
    if reminder.position:
        last = keys_after(announcement, reminder.before, CHUNK)
        _read(confirmed_among(announcement, last), [reminder])


def _remind_of_kind(reminder: Reminder, subject: Subject) -> bool:
    rows = newest_first(subject.unconfirmed())
    if reminder.position:
        rows = rows.filter(_after(reminder.position))
    found = list(rows.values_list("timestamp", "pk")[:CHUNK])
    # Locked in the order of a confirmation. Whoever confirms meanwhile waits, and then ends the reminder.
    wanted = subject.unconfirmed().filter(pk__in=[pk for _sent_at, pk in found])
    locked = wanted.select_related("recipient").order_by("pk").select_for_update(no_key=True, of=("self",))
    _send(reminder, [row.recipient for row in locked], data={"kind": subject.kind}, url=list_to_confirm())
    if found:
        sent_at, pk = found[-1]
        reminder.position = f"{microseconds(sent_at)} {pk}"
    return len(found) == CHUNK


def _after(position: str) -> Any:
    sent_at, pk = position.split()
    return older(moment_of(sent_at), int(pk))


def _send(reminder: Reminder, people: Any, **about: Any) -> None:
    key = reminder.dedupe_key
    made = notify_handler(
        "confirm", sender=None, recipient=people, kind=AcknowledgeReminder.name, dedupe_key=key, **about
    )
    reminder.sent += len(made)
