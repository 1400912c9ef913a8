"""Why a delivery went as it did: stored in English when it happened, said in the reader's language."""

from __future__ import annotations

import re

from django.utils.translation import gettext, gettext_lazy, gettext_noop

from notifications_hub.kinds import method_name

# These alone are the names of columns too, which other languages say otherwise.
_SHORT = {
    "read": gettext_lazy("it was read"),
    "archived": gettext_lazy("it was archived"),
    "deleted": gettext_lazy("it was deleted"),
}
_KNOWN = (
    gettext_noop("delivered already"),
    gettext_noop("delivered by %(rest)s"),
    gettext_noop("read already"),
    gettext_noop("expired"),
    gettext_noop("the announcement is over"),
    gettext_noop("the person is no longer active"),
    gettext_noop("taken by the other side"),
    gettext_noop("took too long"),
    gettext_noop("the worker was stopped before an answer came"),
    gettext_noop("given up: %(rest)s"),
    gettext_noop("unexpected: %(rest)s"),
    gettext_noop("Held back: %(rest)s"),
    gettext_noop("Not tried: %(rest)s does not answer as it should."),
    gettext_noop("Not tried: %(rest)s is slow to answer."),
    gettext_noop("Not tried: %(rest)s was sent as much as it may be in this time."),
    gettext_noop("No answer within %(rest)s s"),
    gettext_noop("The browser was switched off."),
    gettext_noop("The browser no longer takes pushes."),
    gettext_noop("The database could not be reached."),
    gettext_noop("The password was changed. It goes on once this browser has signed in again."),
    gettext_noop("The push service answered %(rest)s."),
    gettext_noop("The push service found it too long."),
    gettext_noop("The push service refused with status %(rest)s."),
    gettext_noop("The stored keys are unusable."),
    gettext_noop("Push is off: this site has no VAPID key."),
)
_PATTERNS = [(known, re.compile(re.escape(known).replace(re.escape("%(rest)s"), "(?P<rest>.+)"))) for known in _KNOWN]


def in_words(reason: str) -> str:
    """In the active language as far as it is known; the rest as it was stored."""
    if reason in _SHORT:
        return str(_SHORT[reason])
    for known, pattern in _PATTERNS:
        if found := pattern.fullmatch(reason):
            return gettext(known) % {name: in_words(rest) for name, rest in found.groupdict().items()}
    return method_name(reason)
