"""The return of what was snoozed, when its time has come: unread, and delivered again as people wish by then.

Every hub and worker wakes what is due, and a page what is due of its person. Each row wakes in one transaction with its
event and its new deliveries. So it wakes once, however many processes try, and whichever of them is killed.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.db.models import Max
from django.db.models.functions import Now

from notifications_hub.announcements.results import tallies
from notifications_hub.announcements.results.tallies import Before
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.delivery.models import Delivery
from notifications_hub.delivery.planning import plans_for
from notifications_hub.delivery.preferences import methods_of
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.kinds import DeliveryMethod, kind_of
from notifications_hub.notification import InboxQuerySet, Notification, emit_items
from notifications_hub.notification_queryset import SNOOZED
from notifications_hub.streams.sweeper import Isolation, every_second
from notifications_hub.transports.address_lookup import usable_transports
from notifications_hub.users import Person

BATCH = 50
TURN_SECONDS = 0.5
"""The most seconds that one turn of a process wakes. Many people choose the same morning."""
OF_PERSON = 100
"""The most that a page wakes."""

_AWAKE = {"archived_at": None, "snoozed_until": None, "unread": True, "read_at": None}

_isolation: Isolation[int] = Isolation(longest=3600.0)


@every_second
def wake_due() -> None:
    """Wake what is due, for a short time. The next second goes on."""
    until = time.monotonic() + TURN_SECONDS
    due = _due().order_by("snoozed_until", "pk")
    while (found := _first(due, BATCH)) and time.monotonic() < until:
        _wake(found)


def wake_for(person: Person) -> bool:
    """Wake what is due of a person, for their next page. Return whether anything was due."""
    found = _first(_due().filter(recipient=person).order_by("snoozed_until"), OF_PERSON)
    _wake(found)
    return bool(found)


def _due() -> InboxQuerySet:
    due: InboxQuerySet = Notification.objects.filter(SNOOZED, snoozed_until__lte=Now())
    return due


def _first(due: InboxQuerySet, most: int) -> list[int]:
    resting = _isolation.resting()
    found = due.exclude(pk__in=resting) if resting else due
    return list(found.values_list("pk", flat=True)[:most])


def _wake(ids: Sequence[int]) -> None:
    """Wake these, and if one fails, each alone. One that fails rests, and holds up no other."""
    try:
        _wake_batch(ids)
    except Exception:  # noqa: BLE001 -- a host's words may raise anything; the guard logs it for the row
        for pk in ids:
            with _isolation.guard(pk, f"Waking notification {pk}"):
                _wake_batch([pk])


def _wake_batch(ids: Sequence[int]) -> None:
    if not ids:
        return
    with transaction.atomic():
        # Another process has woken, or is waking, those that are locked.
        free = _due().filter(pk__in=ids).order_by("pk").select_for_update(no_key=True, skip_locked=True)
        mine = list(free.values_list("pk", flat=True))
        rows = list(Notification.objects.filter(pk__in=mine).select_related("recipient").for_items().order_by("pk"))
        _forget([row.pk for row in rows if row.deleted])
        _wake_own([row for row in rows if row.announcement is None and not row.deleted])
        _wake_announced([row for row in rows if row.announcement is not None and not row.deleted])


def _forget(deleted: Sequence[int]) -> None:
    """Let what a host has deleted by a mark stay away. It must not be found due each second."""
    if deleted:
        Notification.objects.filter(pk__in=deleted).update(snoozed_until=None)


def _wake_own(rows: Sequence[Notification]) -> None:
    by_kind: dict[str, list[Notification]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    for kind, its in by_kind.items():
        _wake_kind(kind, its)


def _wake_kind(name: str, rows: Sequence[Notification]) -> None:
    """Let notifications of a kind come back as if they were new, by the methods that people wish now."""
    kind, now, ids = kind_of(name), datetime.now(UTC), [row.pk for row in rows]
    methods = methods_of({row.recipient_id for row in rows}, kind)
    # What an earlier attempt has left must not be sent beside the new deliveries.
    arming.disarm(ids, DeliveryReason(ReasonCode.SNOOZED))
    again = {
        "timestamp": now,
        "seen_at": None,
        "delivered_at": None,
        "delivered_by": "",
        "flash_claim": None,
        # Open pages have the time to show it first.
        "flash_claimed_until": now + timedelta(seconds=hub_settings.ack_window),
    }
    for live in (True, False):
        for flash in (True, False):
            wishes = {"toast": live, "flash": flash}
            some = [row.pk for row in rows if _wishes(methods[row.recipient_id]) == wishes]
            if some:
                Notification.objects.filter(pk__in=some).update(**_AWAKE, **again, **wishes)
    woken = list(Notification.objects.filter(pk__in=ids).select_related("recipient").for_items().order_by("pk"))
    emit_items("notification.created", woken)
    _arm(name, woken)


def _wishes(methods: frozenset[str]) -> dict[str, bool]:
    return {"toast": DeliveryMethod.LIVE in methods, "flash": DeliveryMethod.FLASH in methods}


def _arm(name: str, rows: Sequence[Notification]) -> None:
    """Plan new deliveries. Each return has a number, so that no earlier delivery stands in their way."""
    kind, transports = kind_of(name), usable_transports()
    if not transports:
        return
    earlier = Delivery.objects.filter(notification__in=rows).values("notification").order_by()
    number = dict(earlier.annotate(last=Max("wake")).values_list("notification", "last"))
    # A batch may hold several of one person.
    for some in _one_of_each_person(rows):
        methods = methods_of([row.recipient_id for row in some], kind)
        wakes = {row.pk: number.get(row.pk, 0) + 1 for row in some}
        arming.arm(plans_for(kind, some, methods, transports, wakes))


def _one_of_each_person(rows: Iterable[Notification]) -> list[list[Notification]]:
    turns: list[dict[object, Notification]] = []
    for row in rows:
        for turn in turns:
            if row.recipient_id not in turn:
                turn[row.recipient_id] = row
                break
        else:
            turns.append({row.recipient_id: row})
    return [list(turn.values()) for turn in turns]


def _wake_announced(rows: Sequence[Notification]) -> None:
    """Let announcements come back as unread. They are not sent again, as each person counts once in their results.

    One that is over comes back to no list.
    """
    if not rows:
        return
    read = [(row.announcement_id, row) for row in rows if not row.unread]
    tallies.take_back_reads([Before(pk, row.seen_at, row.read_at) for pk, row in read if pk is not None])
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(**_AWAKE)
    running = [row.pk for row in rows if row.announcement is not None and not row.announcement.is_over]
    woken = Notification.objects.filter(pk__in=running).select_related("recipient").for_items().order_by("pk")
    emit_items("notification.updated", woken)
