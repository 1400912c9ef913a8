"""Read what was stored since the start of a test, and render it as its people would see it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.utils import translation

from notifications_hub import audiences
from notifications_hub.announcements.methods import methods_for
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.queryset import KIND
from notifications_hub.announcements.rollouts.models import Rollout
from notifications_hub.database.primary import from_primary
from notifications_hub.delivery import preferences
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.pointless import pointless_reason
from notifications_hub.delivery.preparing import act_token, report_url
from notifications_hub.delivery.reasons import reason_in_words
from notifications_hub.delivery.shown import shown_to
from notifications_hub.kinds import Action, DeliveryMethod, kind_of
from notifications_hub.message import localized_for
from notifications_hub.notification import Notification
from notifications_hub.streams.models import Event
from notifications_hub.testing.captured_rows import (
    ON,
    CapturedDelivery,
    CapturedEvent,
    CapturedNotification,
    CapturedPush,
)
from notifications_hub.transports.address_lookup import find_addresses
from notifications_hub.transports.web_push import payload
from notifications_hub.transports.web_push.subscriptions import PushSubscription
from notifications_hub.users import pseudonym_of

WEB_PUSH = DeliveryMethod.WEB_PUSH.value
_WITHOUT_TRANSPORT = {DeliveryMethod.LIVE.value, DeliveryMethod.FLASH.value}


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """The newest rows before what is captured."""

    notification: int
    announcement: int
    event: int

    @classmethod
    def now(cls) -> Start:
        return cls(notification=_newest(Notification), announcement=_newest(Announcement), event=_newest(Event))


def _newest(model: type[models.Model]) -> int:
    newest: int | None = model._default_manager.aggregate(newest=models.Max("pk"))["newest"]
    return newest or 0


def read_notifications(start: Start) -> list[CapturedNotification]:
    """Return people's notifications, the oldest first. Announcements have none before a page is opened."""
    rows = Notification.objects.filter(pk__gt=start.notification, announcement=None)
    listed = list(rows.order_by("pk").for_items().select_related("recipient"))
    transports: dict[int, set[str]] = defaultdict(set)
    for row in _deliveries(start):
        if _state_of(row)[0] in ON:
            transports[row.notification_id].add(row.transport)
    return [_notification(row, transports[row.pk]) for row in listed]


def _notification(row: Notification, transports: set[str]) -> CapturedNotification:
    with localized_for(row.recipient):
        message = row.message()
    own = {DeliveryMethod.LIVE.value: row.toast, DeliveryMethod.FLASH.value: row.flash}
    methods = transports.union(name for name, is_on in own.items() if is_on)
    return CapturedNotification(person=row.recipient, message=message, methods=frozenset(methods), row=row)


def read_deliveries(start: Start) -> list[CapturedDelivery]:
    return [_delivery(row) for row in _deliveries(start)]


def deliveries_of(captured: CapturedNotification) -> list[CapturedDelivery]:
    """Return the deliveries of a notification; an announcement has none."""
    if isinstance(captured.row, Announcement):
        return []
    return [_delivery(row) for row in _with_notifications(captured.row.deliveries.filter(is_retraction=False))]


def _deliveries(start: Start) -> list[Delivery]:
    return _with_notifications(Delivery.objects.filter(notification__gt=start.notification, is_retraction=False))


def _with_notifications(rows: models.QuerySet[Delivery]) -> list[Delivery]:
    return list(rows.order_by("pk").select_related("notification__recipient", "notification__announcement"))


def _delivery(row: Delivery) -> CapturedDelivery:
    person = row.notification.recipient
    with localized_for(person):
        message = replace(row.notification.message(), token=act_token(row), act_url=report_url())
    state, reason = _state_of(row)
    return CapturedDelivery(
        person=person, method=row.transport, address=row.address, message=message, state=state, reason=reason
    )


def _state_of(row: Delivery) -> tuple[str, str]:
    """Return the state and its reason in English. A worker cancels what has become pointless, when it is due."""
    pointless = pointless_reason(row) if row.state == DeliveryState.WAITING else None
    with translation.override("en"):
        if pointless is not None:
            return DeliveryState.CANCELLED.value, reason_in_words(pointless, {})
        return str(row.state), reason_in_words(row.reason, row.reason_parameters)


def pushes_in(deliveries: Iterable[CapturedDelivery]) -> list[CapturedPush]:
    """Return the pushes that will be sent, or were, as the browser receives them."""
    pushes = [one for one in deliveries if one.method == WEB_PUSH and one.is_on]
    keys = [int(one.address) for one in pushes if one.address.isdecimal()]
    sites = dict(PushSubscription.objects.filter(pk__in=keys).values_list("pk", "site"))
    return [_push(one, sites) for one in pushes]


def _push(delivery: CapturedDelivery, sites: dict[int, str]) -> CapturedPush:
    site = sites.get(int(delivery.address), "") if delivery.address.isdecimal() else ""
    owner = pseudonym_of(delivery.person.pk)
    received = json.loads(payload.encode(delivery.message, owner=owner, site=site))
    shown = received["notification"]
    return CapturedPush(
        person=delivery.person,
        title=shown["title"],
        body=shown["body"],
        url=received["url"],
        actions=tuple(_action(one) for one in shown.get("actions", ())),
        tag=shown["tag"],
        language=shown["lang"],
        message=delivery.message,
    )


def _action(shown: dict[str, str]) -> Action:
    return Action(name=shown["action"], title=shown["title"], url=shown["navigate"])


def read_announcements(start: Start, method: str | None = None) -> list[Announcement]:
    """Return the announcements that inboxes show now. With a delivery method, only those that reach somebody by it."""
    rows = Announcement.objects.running().filter(pk__gt=start.announcement).order_by("pk")
    return [row for row in rows if method is None or _reaches_somebody(row, method)]


def _reaches_somebody(row: Announcement, method: str) -> bool:
    return any(method in methods for methods in _reached(row, list(audiences.members(row.audience))).values())


def announcements_for(person: AbstractBaseUser, start: Start) -> list[CapturedNotification]:
    """Return the announcements that the person sees."""
    announced = read_announcements(start)
    if not announced:
        return []
    # A person that a test has kept may remember the audiences of an earlier moment.
    reader = from_primary(get_user_model()._base_manager.all()).get(pk=person.pk)
    topics = set(audiences.topics_of(reader))
    seen = [one for one in announced if one.audience in topics]
    return [_announced(one, reader) for one in seen]


def _announced(row: Announcement, reader: Any) -> CapturedNotification:
    with localized_for(reader):
        # The author's own link, which the recorded address leads to.
        message = replace(row.message(), url=row.url)
    methods = _reached(row, [reader])[reader.pk]
    return CapturedNotification(person=reader, message=message, methods=frozenset(methods), row=row)


def _reached(row: Announcement, people: Sequence[Any]) -> dict[Any, set[str]]:
    """Return, per primary key, the delivery methods that reach each person, as the announcement's rollouts choose."""
    keys = [person.pk for person in people]
    preferred = preferences.methods_of(keys, kind_of(KIND))
    wanted = {pk: methods_for(row.methods, row.urgency, preferred[pk]) for pk in keys}
    found = {pk: set(methods & _WITHOUT_TRANSPORT) for pk, methods in wanted.items()}
    # Before its event has a number, no page can have acknowledged it.
    shown = shown_to(row, keys) if row.seq is not None else set()
    for transport in Rollout.objects.sending().filter(announcement=row).values_list("transport", flat=True):
        wanting = [person for person in people if transport in wanted[person.pk] and person.pk not in shown]
        for pk in find_addresses(transport, wanting) if wanting else ():
            found[pk].add(transport)
    return found


def read_events(start: Start) -> Sequence[CapturedEvent]:
    """Return the logged events, without those of inboxes, which `notify.send()` writes."""
    rows = Event.objects.filter(pk__gt=start.event).exclude(topic__startswith="inbox.").order_by("pk")
    return [CapturedEvent(topic=row.topic, kind=row.kind, data=row.data) for row in rows]
