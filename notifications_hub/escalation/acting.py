"""The work of a due step: in one transaction, and only if the notification is still unread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from notifications_hub.actions.results import is_decided_since
from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.delivery.arming import Plan
from notifications_hub.delivery.preferences import has_switched_off
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.escalation.models import EscalationStep, StepState
from notifications_hub.escalation.outcomes import StepOutcome, record
from notifications_hub.escalation.people import StepRemoved, choose_people, notify_people
from notifications_hub.kinds import kind_of
from notifications_hub.notification import Notification
from notifications_hub.transports import addresses_of, get_transport
from notifications_hub.transports.address_lookup import usable_transports

NAMED = 5
"""The most people whom a step's history names."""


def act(step: EscalationStep) -> None:
    """Do what a claimed step says. A host's code may raise anything; then nothing has been done."""
    people: Sequence[Any] = ()
    try:
        if not step.method and reason_to_stop(step, step.notification) is None:
            # Before any lock, because a host's code may take long.
            people = choose_people(step, step.notification)
    except StepRemoved:
        record(step, _cancelled(ReasonCode.STEP_REMOVED))
        return
    with transaction.atomic():
        # Everyone locks the notification first. So whoever reads it has done so by now, or comes after this.
        rows = Notification.objects.filter(pk=step.notification_id).select_for_update(no_key=True)
        notification = rows.first()
        if notification is None or not _is_ours(step):
            return
        code = reason_to_stop(step, notification)
        record(step, _cancelled(code) if code else _done(step, notification, people))


def reason_to_stop(step: EscalationStep, notification: Notification) -> ReasonCode | None:
    """Return the reason that an escalation ends, or None. What must be confirmed has to be more than read."""
    confirms = notification.must_acknowledge
    reasons = {
        ReasonCode.CONFIRMED: confirms and not notification.awaits_confirmation,
        ReasonCode.READ: not notification.unread and not confirms,
        ReasonCode.DECIDED: not confirms and is_decided_since(notification, step.created),
        ReasonCode.SNOOZED: notification.snoozed_until is not None and not confirms,
        ReasonCode.ARCHIVED: notification.archived_at is not None and not confirms,
        ReasonCode.DELETED: notification.deleted,
    }
    return next((code for code, holds in reasons.items() if holds), None)


def _is_ours(step: EscalationStep) -> bool:
    """Lock the step, and return whether it is still this worker's."""
    mine = EscalationStep.objects.filter(pk=step.pk, claim=step.claim, state=StepState.WAITING)
    return bool(mine.select_for_update(no_key=True).values_list("pk", flat=True))


def _done(step: EscalationStep, notification: Notification, people: Sequence[Any]) -> StepOutcome:
    return _send_again(step, notification) if step.method else _notify(step, notification, people)


def _notify(step: EscalationStep, notification: Notification, people: Sequence[Any]) -> StepOutcome:
    made = notify_people(step, notification, list(people)) if people else []
    if not made:
        return StepOutcome(StepState.DONE, DeliveryReason(ReasonCode.NOBODY_TO_NOTIFY))
    named = ",".join(str(row.recipient_id) for row in made[:NAMED])
    return StepOutcome(StepState.DONE, DeliveryReason.of(ReasonCode.ESCALATED, number=len(made), people=named))


def _send_again(step: EscalationStep, notification: Notification) -> StepOutcome:
    """Plan a delivery to each address, which the worker sends at once."""
    person, kind = notification.recipient, kind_of(notification.kind)
    if not person.is_active:
        return _cancelled(ReasonCode.PERSON_INACTIVE)
    if step.method not in usable_transports():
        return _cancelled(ReasonCode.METHOD_MISSING, method=step.method)
    if has_switched_off(person.pk, kind, step.method):
        return _cancelled(ReasonCode.SWITCHED_OFF)
    addresses = addresses_of(get_transport(step.method), [person]).get(person.pk, [])
    if not addresses:
        return _cancelled(ReasonCode.NO_ADDRESS, method=step.method)
    arming.arm(
        Plan(
            notification_pk=notification.pk,
            transport=step.method,
            address=address,
            delay=0,
            escalation=step.number,
        )
        for address in addresses
    )
    return StepOutcome(StepState.DONE, DeliveryReason(ReasonCode.ESCALATED))


def _cancelled(code: ReasonCode, **parameters: str) -> StepOutcome:
    return StepOutcome(StepState.CANCELLED, DeliveryReason.of(code, **parameters))
