"""Explain to a person why a message did not reach a browser or address of theirs, and what they can do."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub.delivery.models import DeliveryState
from notifications_hub.delivery.reasons import ReasonCode, reason_in_words

_SLOW = gettext_lazy("The push service of %(browser)s didn't answer in time.")
_UNWELL = gettext_lazy("The push service of %(browser)s has a problem at the moment.")
_OWN_FAULT = gettext_lazy("Something went wrong on this site, so it didn't reach %(browser)s.")
_UNUSABLE = gettext_lazy(
    "The registration of %(browser)s doesn't work any more. Turn notifications off and on again in that browser."
)
_PROBLEMS: Mapping[str, Promise] = {
    ReasonCode.BROWSER_REMOVED: gettext_lazy("Not sent to %(browser)s: you turned off notifications there."),
    ReasonCode.BROWSER_GONE: gettext_lazy(
        "It didn't reach %(browser)s, which no longer accepts our notifications. Turn them on again in that browser."
    ),
    ReasonCode.HELD_BACK: gettext_lazy(
        "Not sent to %(browser)s: notifications are paused there. Sign in to this site in that browser to resume."
    ),
    ReasonCode.KEYS_UNUSABLE: _UNUSABLE,
    ReasonCode.PUSH_REFUSED: gettext_lazy(
        "The push service of %(browser)s refused it (status %(status)s). "
        "Turn notifications off and on again in that browser."
    ),
    ReasonCode.PUSH_ANSWERED: gettext_lazy("The push service of %(browser)s had a problem (status %(status)s)."),
    ReasonCode.TOO_LONG: gettext_lazy("It was too long for the push service of %(browser)s."),
    ReasonCode.NO_KEY: gettext_lazy(
        "Not sent to %(browser)s: this site isn't sending push notifications at the moment."
    ),
    ReasonCode.NO_ANSWER: _SLOW,
    ReasonCode.TIMED_OUT: _SLOW,
    ReasonCode.HOST_SLOW: _SLOW,
    ReasonCode.HOST_FAILING: _UNWELL,
    ReasonCode.RATE_LIMITED: gettext_lazy("The push service of %(browser)s is busy with our other notifications."),
    ReasonCode.WORKER_STOPPED: _OWN_FAULT,
    ReasonCode.DATABASE_AWAY: _OWN_FAULT,
    ReasonCode.UNEXPECTED: _OWN_FAULT,
}


_OF_SERVICES = frozenset(
    {
        ReasonCode.ADDRESS_GONE,
        ReasonCode.ADDRESS_REFUSED,
        ReasonCode.ADDRESS_REMOVED,
        ReasonCode.ADDRESS_UNREADABLE,
        ReasonCode.EMAIL_REFUSED,
        ReasonCode.MESSAGE_TOO_LONG,
        ReasonCode.NO_ANSWER,
        ReasonCode.SERVICE_ANSWERED,
        ReasonCode.SERVICE_FAILED,
    }
)
"""Reasons whose words for admins also help the person whose own address it is."""


def service_problem_of(state: DeliveryState, reason: str, parameters: Mapping[str, str | int], address: str) -> str:
    """Return the words for a message to a person's own address that waits or failed, as `problem_of` does."""
    code = _innermost(reason, parameters)
    if code not in _OF_SERVICES:
        return ""
    named = {"address": address, "reason": reason_in_words(code, parameters)}
    words = _("It didn't reach %(address)s. %(reason)s") % named
    if state == DeliveryState.WAITING:
        return _("%(problem)s We'll try again.") % {"problem": words}
    return words


def problem_of(state: DeliveryState, reason: str, parameters: Mapping[str, str | int], browser: str) -> str:
    """Return the words for a push that waits or failed; empty if the reason says nothing to its person."""
    code = _innermost(reason, parameters)
    if code not in _PROBLEMS:
        return ""
    words = str(_PROBLEMS[code]) % {"status": "?", **parameters, "browser": browser}
    if state == DeliveryState.WAITING:
        return _("%(problem)s We'll try again.") % {"problem": words}
    return words


def _innermost(reason: str, parameters: Mapping[str, str | int]) -> str:
    """Return the reason itself, or for a delivery that was given up the reason of its last attempt."""
    if reason != ReasonCode.GAVE_UP:
        return reason
    return str(parameters.get("because", "")).partition("/")[0]
