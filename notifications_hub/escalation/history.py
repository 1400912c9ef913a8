"""The history of an escalation, in words: for the person themselves, and for admins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from notifications_hub.database.primary import from_primary
from notifications_hub.delivery.history import HistoryStep
from notifications_hub.delivery.reasons import ReasonCode, reason_in_words
from notifications_hub.escalation.models import EscalationStep, StepState
from notifications_hub.kinds import DeliveryMethod, method_name
from notifications_hub.notification import Notification
from notifications_hub.transports import transport_label
from notifications_hub.web.text import isolated

# By whether it must be confirmed.
_NEXT_BY_METHOD: Mapping[bool, object] = {
    False: gettext_lazy("Next: if you haven't read it by then, we'll send it again by %(method)s."),
    True: gettext_lazy("Next: if you haven't confirmed it by then, we'll send it again by %(method)s."),
}
_NEXT_TO_PEOPLE: Mapping[bool, object] = {
    False: gettext_lazy("Next: if you haven't read it by then, we'll notify somebody else."),
    True: gettext_lazy("Next: if you haven't confirmed it by then, we'll notify somebody else."),
}
_SENT_AGAIN: Mapping[bool, object] = {
    False: gettext_lazy("You hadn't read it, so we sent it again by %(method)s."),
    True: gettext_lazy("You hadn't confirmed it, so we sent it again by %(method)s."),
}
_PEOPLE_NOTIFIED: Mapping[bool, object] = {
    False: gettext_lazy("You hadn't read it, so we notified %(people)s."),
    True: gettext_lazy("You hadn't confirmed it, so we notified %(people)s."),
}
_IN_A_SENTENCE: Mapping[str, object] = {
    DeliveryMethod.WEB_PUSH: gettext_lazy("push notification"),
    DeliveryMethod.EMAIL: gettext_lazy("email"),
}
_NOT_SENT: Mapping[str, object] = {
    ReasonCode.SWITCHED_OFF: gettext_lazy(
        "It wasn't sent again by %(method)s, because your preferences turn that off."
    ),
    ReasonCode.METHOD_MISSING: gettext_lazy(
        "It wasn't sent again by %(method)s, because this site doesn't send that at the moment."
    ),
    ReasonCode.NO_ADDRESS: gettext_lazy(
        "It wasn't sent again by %(method)s, because we have no address of yours for that."
    ),
}


def report_escalation(notification: Notification) -> list[HistoryStep]:
    """Return what the person themselves reads."""
    steps = _steps_of(notification)
    names = _names(steps)
    return [step for one in steps for step in _report(one, names, confirms=notification.must_acknowledge)]


def _report(one: EscalationStep, names: Mapping[str, str], *, confirms: bool) -> Iterator[HistoryStep]:
    method = {"method": _by(one.method)}
    if one.state == StepState.WAITING:
        words = (_NEXT_BY_METHOD if one.method else _NEXT_TO_PEOPLE)[confirms]
        yield HistoryStep(one.due_at, str(words) % method)
    elif one.settled_at and one.state == StepState.FAILED:
        yield HistoryStep(one.settled_at, _("We couldn't find out who else to notify."))
    elif one.settled_at and one.state == StepState.DONE:
        yield HistoryStep(one.settled_at, _done(one, names, confirms=confirms))
    elif one.settled_at:
        yield HistoryStep(one.settled_at, _cancelled(one) % {**method, "time": _moment(one.planned_for)})


def _done(one: EscalationStep, names: Mapping[str, str], *, confirms: bool) -> str:
    if one.method:
        return str(_SENT_AGAIN[confirms]) % {"method": _by(one.method)}
    if one.reason == ReasonCode.NOBODY_TO_NOTIFY:
        return _("There was nobody else to notify.")
    return str(_PEOPLE_NOTIFIED[confirms]) % {"people": _people(one, names)}


def _cancelled(one: EscalationStep) -> str:
    if one.reason in (
        ReasonCode.READ,
        ReasonCode.ARCHIVED,
        ReasonCode.SNOOZED,
        ReasonCode.CONFIRMED,
        ReasonCode.DECIDED,
    ):
        if one.method:
            return _("We had planned to send it again on %(time)s by %(method)s. That's no longer needed.")
        return _("We had planned to notify somebody else on %(time)s. That's no longer needed.")
    nothing = _("It won't be sent again by %(method)s.") if one.method else _("Nobody else will be notified.")
    return str(_NOT_SENT.get(one.reason, nothing))


def escalation_steps(notification: Notification) -> list[HistoryStep]:
    """Return what admins read."""
    steps = _steps_of(notification)
    names = _names(steps)
    return [step for one in steps for step in _for_admins(one, names)]


def _for_admins(one: EscalationStep, names: Mapping[str, str]) -> Iterator[HistoryStep]:
    what = method_name(one.method) if one.method else _("other people")
    given = {"number": one.number, "what": what, "time": _moment(one.planned_for)}
    for entry in one.trail[: None if one.state != StepState.FAILED else -1]:
        words = _("Escalation, step %(number)s (%(what)s), failed and will be tried again. %(reason)s")
        why = {"reason": reason_in_words(entry["reason"], entry["parameters"])}
        yield HistoryStep(datetime.fromisoformat(entry["at"]), words % {**given, **why})
    if one.settled_at is None:
        words = _("Escalation, step %(number)s (%(what)s): due, unless the person answers first.")
        yield HistoryStep(one.due_at, words % given)
        return
    words = _("Escalation, step %(number)s (%(what)s), planned for %(time)s: %(state)s. %(reason)s")
    reason = reason_in_words(one.reason, one.reason_parameters)
    if one.reason_parameters.get("people"):
        reason = f"{reason} {_('Notified: %(people)s.') % {'people': _people(one, names)}}"
    yield HistoryStep(one.settled_at, words % {**given, "state": one.get_state_display(), "reason": reason})


def _by(method: str) -> str:
    """Return a delivery method for the middle of a sentence."""
    return str(_IN_A_SENTENCE.get(method) or transport_label(method))


def _steps_of(notification: Notification) -> list[EscalationStep]:
    return list(notification.escalation_steps.order_by("number"))


def _names(steps: Iterable[EscalationStep]) -> dict[str, str]:
    """Map primary keys to the names of the people who were notified. Those who were removed are left out."""
    keys = {key for one in steps for key in _keys(one)}
    if not keys:
        return {}
    people: Any = from_primary(get_user_model()._default_manager.filter(pk__in=keys))
    return {str(person.pk): isolated(str(person)) for person in people}


def _keys(one: EscalationStep) -> list[str]:
    return [key for key in str(one.reason_parameters.get("people", "")).split(",") if key]


def _people(one: EscalationStep, names: Mapping[str, str]) -> str:
    """Return the first names and the number of the others, such as "Alice, Bob and 3 others"."""
    named = [names[key] for key in _keys(one) if key in names]
    others = int(one.reason_parameters.get("number", 0)) - len(named)
    if not others:
        return ", ".join(named)
    if not named:
        return ngettext("%(number)d person", "%(number)d people", others) % {"number": others}
    words = ngettext("%(names)s and %(number)d other", "%(names)s and %(number)d others", others)
    return words % {"names": ", ".join(named), "number": others}


def _moment(at: datetime) -> str:
    # With the zone, because a page's script shows other times in the zone of the browser.
    local = timezone.localtime(at)
    return f"{date_format(local, 'DATE_FORMAT')}, {date_format(local, 'H:i T')}"
