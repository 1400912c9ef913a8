"""Telling an audience: one event on its topic, whatever its size. And the rows that people get when they look."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import models
from django.db.models.signals import pre_delete
from django.utils import timezone

from notifications_hub import audiences, streams
from notifications_hub.announcements.models import KIND, Announcement, AnnouncementQuerySet
from notifications_hub.conf import hub_settings, require_time_zones
from notifications_hub.database import transaction
from notifications_hub.delivery import arming, preferences
from notifications_hub.delivery.models import DeliveredThrough
from notifications_hub.kinds import DeliveryMethod, Urgency, kind_of
from notifications_hub.notification import Notification
from notifications_hub.streams import NewEvent, item_key
from notifications_hub.streams.sweeper import Isolation, every_second
from notifications_hub.users import Person


def broadcast(
    *,
    title: str,
    body: str = "",
    url: str = "",
    level: str = "info",
    urgency: str = "normal",
    audience: str = audiences.EVERYONE,
    by: Person | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Announcement:
    """Announces to an audience, in the caller's transaction; at `starts_at` if that is later.

    Raises `UnknownAudience`, and `ValidationError` for words that are too long, a link that leaves the site and so on.
    """
    require_time_zones()
    start = starts_at or timezone.now()
    announcement = Announcement(
        title=title,
        body=body,
        url=url,
        level=level,
        urgency=Urgency(urgency),
        audience=audiences.check(audience),
        by=by,
        starts_at=start,
        ends_at=ends_at or start + timedelta(days=hub_settings.announcement_days),
    )
    announcement.full_clean()
    with transaction.atomic():
        announcement.save()
        announce_if_due(announcement)
    return announcement


@every_second
def announce_due() -> None:
    """Tells of everything whose time has come, each once."""
    _each(Announcement.objects.due(), "announced_at", _announce)


@every_second
def retire_over() -> None:
    """Takes from open pages what is over."""
    _each(Announcement.objects.over(), "withdrawn_at", _take_back)


def announce_if_due(announcement: Announcement) -> None:
    """Announce what was just saved, in the caller's transaction. Others that are due are the sweeper's."""
    due = Announcement.objects.due().filter(pk=announcement.pk)
    _once(due, "announced_at", _announce, skip_locked=False)
    announcement.refresh_from_db(fields=["announced_at"])


@every_second
def record_numbers() -> None:
    """Keep what tells which announcements an acknowledgement covers, before their events are pruned."""
    Announcement.objects.record_numbers()


def tell_of_edit(announcement: Announcement) -> None:
    """Open pages show the new words; nobody is told again. In the transaction that saved them.

    Earlier events get the new words too: somebody who comes back must hear of it, and not in the words taken back.
    """
    # Asked anew: between the look and the save the sweeper may have announced the old words.
    if current := Announcement.objects.running().filter(pk=announcement.pk).first():
        streams.append_many([_event("announcement.updated", current, erases=[_key(current)])])


def withdraw(announcement: Announcement) -> bool:
    """Takes it back from every page and inbox, read or not; one that is only planned will not be told.

    Gives whether it was there to take back.
    """
    standing = Announcement.objects.filter(pk=announcement.pk, withdrawn_at=None, ends_at__gt=timezone.now())
    return _once(standing, "withdrawn_at", _take_back, skip_locked=False)


_isolation: Isolation[tuple[str, int]] = Isolation(longest=3600.0)


def _each(wanted: AnnouncementQuerySet, stamp: str, tell: Callable[[Announcement], None]) -> None:
    """Each in a transaction of its own, so that one that cannot be told holds up no other."""
    resting = _isolation.resting()
    for pk in wanted.values_list("pk", flat=True):
        if (stamp, pk) not in resting:
            with _isolation.of((stamp, pk), f"Announcement {pk}"):
                _once(wanted.filter(pk=pk), stamp, tell, skip_locked=True)


def _once(wanted: AnnouncementQuerySet, stamp: str, tell: Callable[[Announcement], None], *, skip_locked: bool) -> bool:
    """The stamp and the event commit together. Of several sweepers one has the row, the others leave it to that one."""
    if not wanted.exists():
        return False
    with transaction.atomic():
        announcement = wanted.select_for_update(skip_locked=skip_locked, of=("self",)).first()
        if announcement is None:
            return False
        setattr(announcement, stamp, timezone.now())
        announcement.save(update_fields=[stamp])
        tell(announcement)
        return True


def _announce(announcement: Announcement) -> None:
    streams.append_many([_event("announcement.created", announcement)])
    transaction.on_commit(partial(_count_from_commit, announcement.pk, began=time.monotonic()), robust=True)


def _count_from_commit(pk: int, *, began: float) -> None:
    # After a transaction that took long, open pages would have next to no time to show and acknowledge.
    if not arming.is_prompt(began):
        Announcement.objects.filter(pk=pk, announced_at__isnull=False).update(announced_at=timezone.now())


def _take_back(announcement: Announcement) -> None:
    if announcement.announced_at:
        ids, erases = {"ids": [announcement.item_id]}, [_key(announcement)]
        streams.append_many([NewEvent(announcement.audience, "announcement.withdrawn", ids, erases=erases)])


def _event(kind: str, announcement: Announcement, *, erases: Sequence[str] = ()) -> NewEvent:
    data = announcement.item().as_json()
    return NewEvent(announcement.audience, kind, data, item=_key(announcement), erases=erases)


def _key(announcement: Announcement) -> str:
    return item_key("announcement", announcement.item_id)


def _deleted(instance: Announcement, **kwargs: object) -> None:
    """Takes back one whose row is deleted. It is locked first, so an edit has logged its words or finds no row."""
    standing = Announcement.objects.filter(pk=instance.pk, withdrawn_at=None).select_for_update(of=("self",))
    for announcement in standing:
        _take_back(announcement)


def connect() -> None:
    """Called once models are loaded."""
    pre_delete.connect(_deleted, sender=Announcement, dispatch_uid="notifications_hub.announcement_deleted")


# The rows that people get when they look


def of_person(person: Person) -> AnnouncementQuerySet:
    return Announcement.objects.running().filter(audience__in=audiences.topics_of(person))


def without_row(person: Person, running: AnnouncementQuerySet) -> AnnouncementQuerySet:
    """Which of what is running for this person has no row of theirs yet."""
    own = Notification.objects.filter(recipient=person, announcement=models.OuterRef("pk"))
    return running.filter(~models.Exists(own))


def make_rows(person: Person, running: AnnouncementQuerySet | None = None) -> None:
    """Idempotent, and no event: to the person nothing has changed. `running` spares the look who they belong to."""
    if rows := missing_rows(person, of_person(person) if running is None else running):
        Notification.objects.bulk_create(rows, ignore_conflicts=True)


def missing_rows(person: Person, running: AnnouncementQuerySet) -> list[Notification]:
    """The rows that this person is still without, as they would be made."""
    missing = list(without_row(person, running))
    if not missing:
        return []
    methods = preferences.methods_of([person.pk], kind_of(KIND))[person.pk]
    delivered = _shown_live(person, missing)
    return [_row(person, announcement, methods, delivered=announcement.pk in delivered) for announcement in missing]


def _shown_live(person: Person, announcements: Collection[Announcement]) -> set[int]:
    """Return the primary keys of those that a page of this person's acknowledged."""
    delivered = DeliveredThrough.objects.filter(
        person=person,
        topic=models.OuterRef("audience"),
        start__lt=models.OuterRef("seq"),
        seq__gte=models.OuterRef("seq"),
    )
    shown = Announcement.objects.filter(models.Exists(delivered), pk__in=[one.pk for one in announcements])
    return set(shown.values_list("pk", flat=True))


def _row(person: Person, announcement: Announcement, methods: frozenset[str], *, delivered: bool) -> Notification:
    return Notification(
        recipient=person,
        announcement=announcement,
        kind=KIND,
        level=announcement.level,
        verb=KIND,
        timestamp=announcement.announced_at or announcement.starts_at,
        committed_at=announcement.announced_at or announcement.starts_at,
        toast=DeliveryMethod.LIVE in methods,
        flash=DeliveryMethod.FLASH in methods,
        delivered_at=timezone.now() if delivered else None,
        delivered_by=DeliveryMethod.LIVE.value if delivered else "",
    )
