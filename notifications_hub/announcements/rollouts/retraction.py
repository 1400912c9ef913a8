"""Take a withdrawn announcement back from the addresses to which it was sent, a chunk of deliveries at a time.

A second row beside a sent delivery does it, so claims, leases, retries and figures are those of any other delivery.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from functools import partial

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from notifications_hub.announcements import audit
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.database import transaction
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.reasons import ReasonCode
from notifications_hub.delivery.worker_wakeup import wake_worker
from notifications_hub.message import SHOWN_SECONDS
from notifications_hub.notification import Notification
from notifications_hub.transports import declaration_of, transport_names


def begin(announcement: Announcement) -> None:
    """Create the rollouts that take it back, in the transaction that withdraws it."""
    able = [name for name in transport_names() if declaration_of(name).retracts]
    sent = Rollout.objects.sending().filter(announcement=announcement, transport__in=able)
    wanted = [
        Rollout(announcement=announcement, transport=name, is_retraction=True, starts_at=Now())
        for name in sent.values_list("transport", flat=True)
    ]
    if wanted:
        Rollout.objects.bulk_create(wanted, ignore_conflicts=True)
        transaction.on_commit(partial(wake_worker, 1.0), robust=True)


def plan_step(rollout: Rollout, chunk: int) -> int | None:
    """Plan the retractions of the next deliveries, and return how many. The caller has locked the rollout.

    Return None while a worker may still be sending the announcement: later deliveries could be passed over. A summary
    is about other notifications too, so it stays.
    """
    sending = _sending(rollout)
    if sending.finished_at is None:
        return None
    page = _next_page(rollout, sending, chunk)
    chosen = [one for one in page if _is_unread(one.notification) and one.reason != ReasonCode.SUMMED_UP]
    _insert(rollout, chosen)
    if rollout.people is None:
        rollout.people = sending.sent
    rollout.position = _position(page[-1]) if page else rollout.position
    rollout.looked_at += len(page)
    rollout.shown += len(page) - len(chosen)
    rollout.planned += len(chosen)
    rollout.planned_at = None if page else timezone.now()
    rollout.save()
    return len(chosen)


def take_back(sending: Rollout, deliveries: Collection[int]) -> None:
    """Plan the retractions of deliveries that are being cancelled, but may have been sent by a worker that was killed.

    Call it before they are cancelled, in the same transaction.
    """
    attempted = Q(claim__isnull=False) | Q(attempts__gt=0)
    maybe = list(Delivery.objects.filter(attempted, pk__in=deliveries))
    retracting = Rollout.objects.retracting().open()
    rollout = retracting.filter(announcement=sending.announcement_id, transport=sending.transport).first()
    if maybe and rollout is not None:
        _insert(rollout, maybe)
        Rollout.objects.filter(pk=rollout.pk).move(planned=F("planned") + len(maybe))


def record_end(rollout: Rollout) -> None:
    """Add to the audit trail how many addresses it was taken back from."""
    rollout.refresh_from_db()
    if rollout.planned:
        with audit.coming_from(audit.Source.SYSTEM):
            audit.record(
                rollout.announcement,
                audit.Step.TAKEN_BACK,
                method=rollout.transport,
                sent=rollout.sent,
                failed=rollout.failed,
            )


def _sending(rollout: Rollout) -> Rollout:
    of_both = Rollout.objects.sending().filter(announcement=rollout.announcement_id)
    return of_both.get(transport=rollout.transport)


def _next_page(rollout: Rollout, sending: Rollout, most: int) -> list[Delivery]:
    """Return the deliveries that were sent after the position, and lately enough to be on a screen still."""
    # A summary of quiet hours names other notifications too, so it stays.
    sent = Delivery.objects.filter(rollout=sending.pk, state=DeliveryState.SENT, summary=None)
    if rollout.position:
        at, _space, pk = rollout.position.partition(" ")
        # The first condition is the range of the index.
        sent = sent.filter(Q(settled_at__gt=at) | Q(pk__gt=int(pk)), settled_at__gte=at)
    else:
        sent = sent.filter(settled_at__gt=timezone.now() - timedelta(seconds=SHOWN_SECONDS))
    return list(sent.select_related("notification").order_by("settled_at", "pk")[:most])


def _position(last: Delivery) -> str:
    return f"{last.settled_at.isoformat()} {last.pk}" if last.settled_at else ""


def _is_unread(row: Notification) -> bool:
    """Return False if the person has read, archived or deleted it: their pages have closed what they showed."""
    return row.unread and row.archived_at is None and not row.deleted


def _insert(rollout: Rollout, sent: Iterable[Delivery]) -> None:
    rows = [
        Delivery(
            notification_id=one.notification_id,
            transport=one.transport,
            address=one.address,
            is_retraction=True,
            rollout=rollout,
            due_at=Now(),
        )
        for one in sent
    ]
    Delivery.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
