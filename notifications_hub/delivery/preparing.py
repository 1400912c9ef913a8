"""Prepare claimed deliveries: render the message of each, or find the reason that nothing is to be sent now."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from django.core import signing
from django.urls import NoReverseMatch, reverse

from notifications_hub.actions.results import load_results
from notifications_hub.avatars import load_avatars
from notifications_hub.conf import hub_settings
from notifications_hub.database.reconnect import CONNECTION_ERRORS
from notifications_hub.delivery import held
from notifications_hub.delivery.claiming import Outcome, Settled
from notifications_hub.delivery.models import Delivery, DeliveryState
from notifications_hub.delivery.pointless import pointless_reason
from notifications_hub.delivery.preferences import overrules_preferences, switched_off
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.delivery.sender import Result, Sending, failed_unexpectedly
from notifications_hub.delivery.wishes import Wishes
from notifications_hub.following.followed import Followed
from notifications_hub.following.unfollow_links import UnfollowLink
from notifications_hub.grouping.members import load_groups
from notifications_hub.grouping.words import message_of_group
from notifications_hub.kinds import Urgency, kind_of
from notifications_hub.message import Message, language_of, localized_for, retraction_of, time_to_live
from notifications_hub.request_ids import as_request
from notifications_hub.transports import Loads, Send, delay_of, get_transport, transport_names

ACT_SALT = "notifications_hub.act"

log = logging.getLogger(__name__)


def prepared(claimed: Sequence[Delivery], wishes: Wishes) -> Iterator[Sending | Result]:
    """Yield a job per delivery, or a result if nothing is to be sent. One that cannot be rendered stops no other."""
    senders = {name: _senders(name, its) for name, its in _by_transport(claimed).items()}
    act_url = report_url()
    words = _Words()
    load_results(one.notification for one in claimed)
    load_groups(one.notification for one in claimed)
    load_avatars(one.notification for one in claimed)
    unwanted = switched_off([one for one in claimed if _waits_for_long(one)])
    for one in claimed:
        try:
            if one.pk in unwanted:
                raise _Pointless(ReasonCode.SWITCHED_OFF)
            job = _job(one, senders[one.transport], act_url, words)
            waits = held.must_wait(one, job.message, wishes)
            yield job if waits is None else _result(one, waits)
        except _Pointless as pointless:
            yield _result(one, _cancelled(pointless.code))
        except CONNECTION_ERRORS:
            raise
        except Exception as error:
            with as_request((one.origin or {}).get("request_id", "")):
                log.exception("Delivery %s cannot be prepared", one.pk)
            yield _result(one, failed_unexpectedly(error, attempted=False))


def pointless_among(claimed: Sequence[Delivery]) -> Iterator[Settled]:
    """Yield an outcome for each delivery that needs no message any more. None is rendered."""
    load_results(one.notification for one in claimed)
    unwanted = switched_off([one for one in claimed if _waits_for_long(one)])
    for one in claimed:
        rest = _rest(one, time_to_live(kind_of(one.notification.kind).ttl))
        code = ReasonCode.SWITCHED_OFF if one.pk in unwanted else pointless_reason(one)
        if code or rest <= 0:
            yield Settled(delivery=one, outcomes=[_cancelled(code or ReasonCode.EXPIRED)])


def _cancelled(code: ReasonCode) -> Outcome:
    return Outcome(state=DeliveryState.CANCELLED, reason=DeliveryReason(code), attempted=False)


def _waits_for_long(one: Delivery) -> bool:
    """Return whether its person may have changed their preferences since it was planned.

    A critical announcement ignores them.
    """
    announcement = one.notification.announcement
    if one.is_retraction or (announcement is not None and announcement.urgency == Urgency.CRITICAL):
        return False
    kind = kind_of(one.notification.kind)
    if one.escalation and overrules_preferences(kind):
        return False
    delay = delay_of(one.transport, kind)
    return one.held_for_id is not None or delay > hub_settings.ack_window


def _result(one: Delivery, outcome: Outcome) -> Result:
    return Result(settled=Settled(delivery=one, outcomes=[outcome]))


def _by_transport(claimed: Iterable[Delivery]) -> Mapping[str, list[Delivery]]:
    found: dict[str, list[Delivery]] = defaultdict(list)
    for one in claimed:
        found[one.transport].append(one)
    return found


def _senders(name: str, deliveries: Iterable[Delivery]) -> Mapping[str, Send]:
    """Map addresses to the functions that send to them, if the transport can load them in one go."""
    if name not in transport_names():
        return {}
    transport = get_transport(name)
    return transport.load({one.address for one in deliveries}) if isinstance(transport, Loads) else {}


class _Pointless(Exception):
    """Raised when something has made the delivery pointless since it was planned."""

    def __init__(self, code: ReasonCode) -> None:
        super().__init__(code)
        self.code = code


class _Words:
    """The messages of a batch. An announcement has one in each language, which many of its people share."""

    def __init__(self) -> None:
        self._announced: dict[tuple[int, bool, str], Message] = {}

    def of(self, one: Delivery) -> Message:
        """Return the message in the words of its recipient."""
        row = one.notification
        if row.announcement_id is None:
            with localized_for(row.recipient):
                return _message(one)
        key = row.announcement_id, one.is_retraction, language_of(row.recipient)
        if key not in self._announced:
            with localized_for(row.recipient):
                self._announced[key] = _message(one)
        return self._announced[key]


def _message(one: Delivery) -> Message:
    message = message_of_group(one.notification)
    return retraction_of(message) if one.is_retraction else message


def _job(one: Delivery, senders: Mapping[str, Send], act_url: str, words: _Words | None = None) -> Sending:
    send = senders.get(one.address) or partial(get_transport(one.transport).send, address=one.address)
    if code := pointless_reason(one):
        raise _Pointless(code)
    message = (words or _Words()).of(one)
    if one.is_retraction:
        return _sending(one, message, send, message.ttl - (one.loaded_at - one.created).total_seconds())
    rest = _rest(one, message.ttl)
    if rest <= 0:
        raise _Pointless(ReasonCode.EXPIRED)
    message = dataclasses.replace(message, ttl=max(1, int(rest)), token=act_token(one), act_url=act_url)
    if one.repeat:
        message = dataclasses.replace(message, repeat=one.repeat)
    if one.notification.followed and message.reason:
        link = UnfollowLink(one.notification.recipient_id, Followed.parse(one.notification.followed))
        message = dataclasses.replace(message, unfollow_url=link.path)
    return _sending(one, message, send, rest)


def _sending(one: Delivery, message: Message, send: Send, rest: float) -> Sending:
    return Sending(delivery=one, message=message, send=send, expires=time.monotonic() + rest)


def _rest(one: Delivery, ttl: int) -> float:
    """Return the seconds until it is out of date, by the database's clock: that of a worker may be a day wrong.

    Quiet hours and digests do not use up the site's time to live. A kind with a shorter one means a moment that passes.
    """
    began = one.created if one.escalation else one.notification.timestamp
    if ttl >= hub_settings.push_ttl and (until := held.held_until(one)):
        began = max(began, until)
    return ttl - (one.loaded_at - began).total_seconds()


def act_token(one: Delivery) -> str:
    """Return a token for the encrypted payload. Its holder may report on this one delivery and nothing else."""
    return signing.dumps([one.pk, one.notification_id], salt=ACT_SALT)


def report_url() -> str:
    """Return where a browser reports on a push, or an empty text if the host serves no API."""
    try:
        return reverse("notifications_hub_api:push_act")
    except NoReverseMatch:
        return ""
