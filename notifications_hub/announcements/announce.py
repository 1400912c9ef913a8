"""Announce to an audience with one event on its topic, and create people's rows when they open their inbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from django.core.exceptions import ValidationError
from django.db.models.signals import pre_delete
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications_hub import audience_lists, audiences
from notifications_hub.announcements import audit, live_events
from notifications_hub.announcements.approval.submission import admit, submit
from notifications_hub.announcements.banners.rules import Banner
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import AnnouncementQuerySet
from notifications_hub.announcements.rollouts import control, planner, retraction
from notifications_hub.announcements.validation import checked_time, checked_urgency
from notifications_hub.conf import hub_settings, require_time_zones
from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.streams.sweeper import Isolation, every_few_seconds, every_second
from notifications_hub.users import Person


def broadcast(
    *,
    title: str,
    body: str = "",
    url: str = "",
    level: str = "info",
    urgency: str = "normal",
    audience: str | Iterable[Person] = audiences.EVERYONE,
    methods: Collection[str] | None = None,
    by: Person | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    banner: Banner | None = None,
    other_site: bool = False,
    must_acknowledge: bool = False,
) -> Announcement:
    """Announce to an audience, in the caller's transaction. With a later `starts_at`, announce then.

    `audience` is the name of one, or up to 10,000 people as a queryset or a list.

    `methods` names the delivery methods to use; None: those that each person wants for announcements. With the urgency
    `critical` it uses all of them, whatever people prefer. With a `banner` it also stands at the top of pages. If
    `awaits_approval` is True, a second person decides first.

    With `must_acknowledge` it stays on top of each inbox until the person confirms it.

    A `url` of another site begins with https:// and needs `other_site=True`. Pages say where it leads, and pushes open
    the announcement's own page.

    Raise `UnknownAudience`, or `ValidationError` for text that is too long, a bad link, too many people and so on.
    """
    require_time_zones()
    if isinstance(methods, str):
        raise TypeError(f"methods must be a set of names, like {{{methods!r}}}, not a text.")
    start = checked_time("starts_at", starts_at) or timezone.now()
    end = checked_time("ends_at", ends_at) or _usual_end(start)
    announcement = Announcement(
        title=title,
        body=body or "",
        url=url or "",
        level=level,
        urgency=checked_urgency(urgency),
        audience=audiences.check(audience) if isinstance(audience, str) else "",
        methods=None if methods is None else sorted(map(str, methods)),
        by=by,
        starts_at=start,
        ends_at=end,
        must_acknowledge=must_acknowledge,
        **(banner.columns() if banner else {}),
    )
    announcement.full_clean(exclude=() if isinstance(audience, str) else ("audience",))
    if announcement.link.host and not other_site:
        words = _("It leads to another site, %(host)s. Pass other_site=True if that is intended.")
        raise ValidationError({"url": words % {"host": announcement.link.host}})
    with transaction.atomic():
        if not isinstance(audience, str):
            announcement.audience = audience_lists.create(audience, announcement.ends_at)
        announcement.save()
        audit.record(announcement, audit.Step.WRITTEN, by=by)
        submit(announcement, by=by)
        announce_if_due(announcement, by=by)
    return announcement


def _usual_end(start: datetime) -> datetime:
    try:
        return start + timedelta(days=hub_settings.announcement_days)
    except OverflowError:
        # The start is refused with words.
        return start


@every_second
@audit.coming_from(audit.Source.SYSTEM)
def announce_due() -> None:
    """Announce every announcement that is due, each once."""
    _each(Announcement.objects.due(), _ANNOUNCED)


@every_second
@audit.coming_from(audit.Source.SYSTEM)
def retire_ended() -> None:
    """Remove ended announcements from open pages."""
    _each(Announcement.objects.over(), _ENDED)


def announce_if_due(announcement: Announcement, by: Person | None = None) -> None:
    """Announce this announcement if it is due, in the caller's transaction. The sweeper handles all others."""
    due = Announcement.objects.due().filter(pk=announcement.pk)
    _once(due, _ANNOUNCED, by=by, skip_locked=False)
    announcement.refresh_from_db(fields=["announced_at", "awaits_approval"])


@every_few_seconds
def record_numbers() -> None:
    """Store the sequence numbers of announcements' events before pruning, for later acknowledgements."""
    Announcement.objects.record_numbers()


def publish_edit(announcement: Announcement) -> None:
    """Update the words on open pages, without notifying anyone again. Call it in the transaction that saves.

    The earlier events lose their words, so a client that resumes receives only the new ones.
    """
    # Read again: the sweeper may have announced the old words between the form's check and the save.
    if current := Announcement.objects.running().filter(pk=announcement.pk).first():
        audience_lists.extend(current.audience, current.ends_at)
        live_events.publish_words(current)


def withdraw(announcement: Announcement, by: Person | None = None) -> bool:
    """Withdraw it from every page and inbox, read or not, and take it back from where it was sent.

    A planned one is never announced. `by` is the person who does it. Return False if it had already ended or been
    withdrawn.
    """
    current = Announcement.objects.filter(pk=announcement.pk, withdrawn_at=None, ends_at__gt=timezone.now())
    return _once(current, _WITHDRAWN, by=by, skip_locked=False)


_isolation: Isolation[tuple[str, int]] = Isolation(longest=3600.0)


@dataclass(frozen=True, slots=True)
class _Turn:
    """A step that an announcement takes once: its timestamp, its event and its entry in the audit trail."""

    stamp: str
    publish: Callable[[Announcement], None]
    step: audit.Step
    may: Callable[[Announcement], bool] = lambda _announcement: True


def _each(wanted: AnnouncementQuerySet, turn: _Turn) -> None:
    """Publish each in its own transaction, so that one that fails does not stop the others."""
    resting = _isolation.resting()
    for pk in wanted.values_list("pk", flat=True):
        if (turn.stamp, pk) not in resting:
            with _isolation.guard((turn.stamp, pk), f"Announcement {pk}"):
                _once(wanted.filter(pk=pk), turn, skip_locked=True)


def _once(wanted: AnnouncementQuerySet, turn: _Turn, *, skip_locked: bool, by: Person | None = None) -> bool:
    """Commit the timestamp and the event together. Of several sweepers, the one that locks the row does it."""
    if not wanted.exists():
        return False
    with transaction.atomic():
        announcement = wanted.select_for_update(skip_locked=skip_locked, of=("self",)).first()
        if announcement is None or not turn.may(announcement):
            return False
        setattr(announcement, turn.stamp, timezone.now())
        announcement.save(update_fields=[turn.stamp])
        turn.publish(announcement)
        audit.record(announcement, turn.step, by=by)
        return True


def _announce(announcement: Announcement) -> None:
    # Another announcement's list may be used once more.
    audience_lists.extend(announcement.audience, announcement.ends_at)
    live_events.publish_new(announcement)
    planner.begin(announcement)
    transaction.on_commit(partial(_count_from_commit, announcement.pk, began=time.monotonic()), robust=True)


def _count_from_commit(pk: int, *, began: float) -> None:
    # After a long transaction, open pages would have almost no time left to show and acknowledge it.
    if not arming.is_prompt(began):
        Announcement.objects.filter(pk=pk, announced_at__isnull=False).update(announced_at=timezone.now())
        planner.restart_window(pk)


def _take_away(announcement: Announcement) -> None:
    _publish_withdrawal(announcement)
    retraction.begin(announcement)


def _publish_withdrawal(announcement: Announcement) -> None:
    if announcement.announced_at:
        live_events.publish_withdrawal(announcement)


_ANNOUNCED = _Turn("announced_at", _announce, audit.Step.ANNOUNCED, may=admit)
_ENDED = _Turn("withdrawn_at", _publish_withdrawal, audit.Step.ENDED)
_WITHDRAWN = _Turn("withdrawn_at", _take_away, audit.Step.WITHDRAWN)


def _deleted(instance: Announcement, **kwargs: object) -> None:
    """Withdraw an announcement whose row is deleted. The lock makes a concurrent edit finish first or find no row."""
    # Its rollouts first, as a worker's step locks them.
    control.lock(instance)
    current = Announcement.objects.filter(pk=instance.pk, withdrawn_at=None).select_for_update(of=("self",))
    for announcement in current:
        _publish_withdrawal(announcement)
    audit.record(instance, audit.Step.DELETED)


def connect() -> None:
    """Connect the signal. Call it once models are loaded."""
    pre_delete.connect(_deleted, sender=Announcement, dispatch_uid="notifications_hub.announcement_deleted")
