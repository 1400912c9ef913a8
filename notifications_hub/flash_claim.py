"""Claim, confirm and release what one page flashes.

A claim takes a bounded number of notifications, and remembers their ids. If there are more, the page says so in one
sentence, and a `FlashRest` keeps the older ones from being flashed again by the pages that follow.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from django.db import DatabaseError
from django.db.models import Q

from notifications_hub.announcements.personal_rows import count_flashable, make_rows
from notifications_hub.conf import hub_settings
from notifications_hub.database import transaction
from notifications_hub.database.reconnect import first_line
from notifications_hub.delivery import arming
from notifications_hub.delivery.models import FlashRest
from notifications_hub.inbox_summary import Summary, waiting_ids
from notifications_hub.kinds import DeliveryMethod, Urgency, all_kinds
from notifications_hub.live.presence import is_connected
from notifications_hub.notification import Notification
from notifications_hub.rendering import urgency_of
from notifications_hub.users import Person

log = logging.getLogger(__name__)

SHOWN = 3
MOST = 100
"""The most notifications that one page claims."""
CLAIM = timedelta(seconds=30)
"""Time until a claim expires if its process dies between the page and the confirmation."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The notifications one page claimed: their ids, and the newest few as rows. `has_rest` if there were more.

    A group counts as one in `number`, and its newest stands for it.
    """

    person_pk: Any = None
    token: uuid.UUID | None = None
    ids: Sequence[int] = ()
    newest: Sequence[Notification] = ()
    number: int = 0
    has_rest: bool = False


def count_waiting(person: Person, summary: Summary) -> int:
    """Return how many notifications a page would show, up to a handful. It claims none."""
    if not summary.shows_toasts():
        return len(_critical(person, summary))
    waiting = summary.waiting
    if summary.offered < waiting and is_connected(person.pk):
        waiting = summary.offered
    if summary.without_row:
        waiting += count_flashable(person, _offered_until(person))
    return waiting


def claim_waiting(person: Person, summary: Summary) -> Claim:
    """Claim what waits, newest first. Without anything to claim, this makes no statement.

    If the database refuses to write, nothing is claimed: a page that only reads is shown, and a later one flashes.
    """
    if summary.shows_toasts() and not (summary.without_row or summary.waiting):
        return Claim()
    try:
        return _claim_found(person, summary)
    except DatabaseError as error:
        log.warning("Notifications could not be claimed for a page: %s", first_line(error))
        return Claim()


def _claim_found(person: Person, summary: Summary) -> Claim:
    found = _waiting(person, summary) if summary.shows_toasts() else _critical(person, summary)
    token = uuid.uuid4()
    claimed = _claim(found[:MOST], token) if found else {}
    if not claimed:
        return Claim()
    shown = _heads(claimed)
    newest = Notification.objects.filter(pk__in=shown[:SHOWN]).for_items()
    return Claim(person.pk, token, list(claimed), list(newest), len(shown), has_rest=len(found) > MOST)


def _heads(claimed: Mapping[int, str | None]) -> list[int]:
    """Return the ids that stand alone, and of each group the newest."""
    first = {key: pk for pk, key in reversed([*claimed.items()])}
    return [pk for pk, key in claimed.items() if key is None or first[key] == pk]


def _waiting(person: Person, summary: Summary) -> list[int]:
    if summary.without_row:
        make_rows(person)
    return waiting_ids(person, _offered_until(person), MOST + 1)


def _critical(person: Person, summary: Summary) -> list[int]:
    """Return what goes through in silence, among the newest that wait. A site without any pays no statement."""
    critical = [kind.name for kind in all_kinds() if urgency_of(kind) is Urgency.CRITICAL]
    if not ((critical and summary.waiting) or summary.running):
        return []
    loud = Q(kind__in=critical, announcement=None) | Q(announcement__urgency=Urgency.CRITICAL)
    waiting = Notification.objects.filter(loud, pk__in=_waiting(person, summary))
    return list(waiting.order_by("-pk").values_list("pk", flat=True))


def _claim(ids: Sequence[int], token: uuid.UUID) -> dict[int, str | None]:
    """Claim those that are still free. Return their ids with their group keys, newest first."""
    is_free = Q(flash_claimed_until=None) | Q(flash_claimed_until__lt=datetime.now(UTC))
    waiting = Notification.objects.unread().filter(is_free, pk__in=ids, delivered_at=None, archived_at=None)
    with transaction.atomic():
        # Rows that another page or an acknowledgement has locked are skipped: they are being delivered there.
        locked = waiting.order_by("pk").select_for_update(no_key=True, skip_locked=True)
        rows = sorted(locked.values_list("timestamp", "pk", "group_key"), key=itemgetter(0, 1), reverse=True)
        free = {pk: key for _at, pk, key in rows}
        if free:
            until = datetime.now(UTC) + CLAIM
            Notification.objects.filter(pk__in=free).update(flash_claim=token, flash_claimed_until=until)
        return free


def _offered_until(person: Person) -> datetime:
    """Return the commit time before which rows are flashed. Open pages have `ack_window` to acknowledge newer ones."""
    now = datetime.now(UTC)
    return now - timedelta(seconds=hub_settings.ack_window) if is_connected(person.pk) else now


def confirm(claim: Claim) -> None:
    """Mark as delivered what the page showed, unless the claim expired and another page took it."""
    rows = Notification.objects.filter(pk__in=claim.ids, flash_claim=claim.token)
    delivered = arming.mark_delivered(list(rows.values_list("pk", flat=True)), DeliveryMethod.FLASH)
    if delivered and claim.has_rest:
        _leave_rest(claim.person_pk, min(claim.ids))


def _leave_rest(person_pk: Any, before: int) -> None:
    FlashRest.objects.bulk_create([FlashRest(person_id=person_pk, before=before)], ignore_conflicts=True)
    FlashRest.objects.filter(person=person_pk, before__lt=before).update(before=before)


def release(claim: Claim) -> None:
    """Free what a page claimed and did not show."""
    rows = Notification.objects.filter(pk__in=claim.ids, flash_claim=claim.token)
    rows.update(flash_claim=None, flash_claimed_until=None)
