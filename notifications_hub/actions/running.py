"""Run an action of a notification: once for all people who have it, with rights checked at the click.

The exceptions, whose text is meant for the person:

    ActionProblem
    ├── NoSuchAction     the kind has no such action on this notification, or no longer
    ├── NotAllowed       the person may not do it
    ├── BadWord          the word is missing or too long
    ├── AlreadyDone      somebody has done it, or another action of the same set; `result` says who
    ├── BeingDone        somebody is doing it at this moment
    └── ActionFailed     the kind's function raised; nothing has changed, and anyone can try again
        └── ActionRefused    raised by the function itself, with its own words
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from inspect import iscoroutine
from typing import Any

from django.utils.translation import gettext as _

from notifications_hub.actions import claims
from notifications_hub.actions.models import ActionResult
from notifications_hub.actions.result_events import publish_result
from notifications_hub.actions.results import full_key, load_results, outcome_of, result_of
from notifications_hub.database import transaction
from notifications_hub.delivery import arming
from notifications_hub.delivery.reasons import DeliveryReason, ReasonCode
from notifications_hub.kinds import Action, Run, kind_of
from notifications_hub.message import Outcome
from notifications_hub.notification import Notification
from notifications_hub.rendering import render
from notifications_hub.use.tallies import tally_action
from notifications_hub.users import Person
from notifications_hub.web.text import storable

LONGEST_TEXT = 1000

log = logging.getLogger(__name__)


class ActionProblem(Exception):
    """The base of the reasons that an action did not run."""


class NoSuchAction(ActionProblem):
    """Raised for an action that the kind does not have on this notification, or no longer."""


class NotAllowed(ActionProblem):
    """Raised if the person may not do it, or may not do it any more."""


class BadWord(ActionProblem):
    """Raised if the word that the action asks for is missing or too long."""


class AlreadyDone(ActionProblem):
    """Raised if an action has run for all who share the notification."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class BeingDone(ActionProblem):
    """Raised while somebody else's click is running."""


class ActionFailed(ActionProblem):
    """Raised if the kind's function failed. Nothing has changed."""


class ActionRefused(ActionFailed):
    """Raise this in the function of an action to refuse. People see its text, and can try again."""


@dataclass(frozen=True, slots=True)
class _Click:
    row: Notification
    key: str
    action: Action
    function: Run
    person: Person
    word: str


def run_action(row: Notification, name: str, person: Person, word: str = "") -> Outcome:
    """Run the action of this person's notification, and return what came of it. Raise `ActionProblem`.

    The function's own changes, the result and the person's own event are one transaction. `result_events` has the rest.
    """
    click = _checked(row, name, person, word)
    claim = claims.claim(click.key, row.kind, name, person, click.word)
    if claim is None:
        raise _taken(row)
    try:
        with transaction.atomic():
            claims.hold(claim)
            result = claims.settle(claim, _called(click))
            tally_action(row.kind, name)
            _publish(click, result)
            return outcome_of(result, [click.action])
    except claims.LostClaim:
        raise _taken(row) from None
    except ActionRefused as refused:
        claims.give_back(claim)
        raise refused
    except Exception as error:
        claims.give_back(claim)
        log.exception("The action %r of the kind %r failed", name, row.kind)
        raise ActionFailed(_("That didn't work. Please try again.")) from error


def action_of(row: Notification, name: str) -> Action:
    """Return the action in the active language. Raise `NoSuchAction`, or `AlreadyDone`."""
    found = next((one for one in _actions(row) if one.name == name and one.run is not None), None)
    if row.action_key is None or row.announcement_id is not None:
        found = None
    elif (result := result_of(row)) is not None:
        raise AlreadyDone(outcome_of(result, _actions(row)))
    if found is None:
        raise NoSuchAction(_no_longer())
    return found


def _no_longer() -> str:
    return _("This can't be done any more.")


def check_allowed(action: Action, row: Notification, person: Person) -> None:
    """Raise `NotAllowed` if the person may not do it now. A host's check that fails allows nothing."""
    if action.allowed is None:
        return
    try:
        if _answered(action.allowed(row, person)):
            return
    except Exception:
        log.exception("The check of the action %r of the kind %r failed, so it is refused", action.name, row.kind)
    raise NotAllowed(_("You're not allowed to do this."))


def _actions(row: Notification) -> tuple[Action, ...]:
    return render(kind_of(row.kind), row.as_kinds_read_it()).actions


def _checked(row: Notification, name: str, person: Person, word: str) -> _Click:
    action = action_of(row, name)
    check_allowed(action, row, person)
    word = storable(word, len(word)).strip() if action.asks else ""
    if action.asks and action.word_required and not word:
        raise BadWord(_("Please answer: %(question)s") % {"question": action.asks})
    if len(word) > action.word_length:
        raise BadWord(_("Please write at most %(number)d characters.") % {"number": action.word_length})
    key = full_key(row)
    if key is None or action.run is None:
        raise NoSuchAction(_no_longer())
    return _Click(row, key, action, action.run, person, word)


def _called(click: _Click) -> str:
    text = _answered(click.function(click.row, click.person, click.word))
    return "" if text is None else storable(str(text), LONGEST_TEXT)


def _answered(answer: Any) -> Any:
    """Return what a host's function answered. Raise `TypeError` if it is asynchronous, so has not run."""
    if iscoroutine(answer):
        answer.close()
        raise TypeError("The function of an action must not be asynchronous: leave out `async`.")
    return answer


def _taken(row: Notification) -> ActionProblem:
    """Return what to say to a person whose click came second."""
    load_results([row])
    result = result_of(row)
    if result is not None:
        return AlreadyDone(outcome_of(result, _actions(row)))
    return BeingDone(_("Somebody is doing this right now."))


def _publish(click: _Click, result: ActionResult) -> None:
    """Mark the person's own notification as read, and log the result for the pages of everyone who has one."""
    Notification.objects.filter(pk=click.row.pk).mark_all_as_read()
    arming.disarm([click.row.pk], DeliveryReason(ReasonCode.READ))
    publish_result(result, click.row)
