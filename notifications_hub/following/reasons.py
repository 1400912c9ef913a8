"""The reasons that people follow something. A notification stores the code, and pages show the words."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications_hub.web.text import balanced

MAX_REASON = 50
FOLLOWING = "following"
_CODE = re.compile(r"[a-z][a-z0-9_-]{0,49}", re.ASCII)
_reasons: dict[str, FollowReason] = {}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowReason:
    """A reason to follow something: `FollowReason(code="reviewer", label=_("Reviewer"), sentence=_("Because …"))`.

    Declare it in a `notifications.py`. Lists show the `label`, and each notification shows the `sentence`. Both may be
    lazily translated. A second declaration of a code replaces the first, so a site may reword a built-in reason.
    """

    code: str
    label: str | Promise
    sentence: str | Promise

    def __post_init__(self) -> None:
        if not _CODE.fullmatch(self.code):
            raise ValueError(
                f"FollowReason: the code {self.code!r} must have 1 to {MAX_REASON} characters, the first one of a-z, "
                "and the others of a-z, 0-9, _ and -."
            )
        _reasons[self.code] = self


FollowReason(code="author", label=_("You wrote it"), sentence=_("Because this is yours."))
FollowReason(code="commenter", label=_("You commented on it"), sentence=_("Because you commented on this."))
FollowReason(code="mentioned", label=_("You were mentioned"), sentence=_("Because you were mentioned."))
FollowReason(code=FOLLOWING, label=_("You chose to follow it"), sentence=_("Because you follow this."))


def known_reasons() -> list[str]:
    return sorted(_reasons)


def sentence_of(code: str) -> str:
    """Return the sentence in the active language. A code that is declared no more reads as following."""
    return _words(code, "sentence")


def label_of(code: str) -> str:
    return _words(code, "label")


def _words(code: str, part: str) -> str:
    reason = _reasons.get(code) or _reasons[FOLLOWING]
    try:
        return balanced(str(getattr(reason, part)))
    except Exception:
        # A host's lazy text may raise anything, and nobody may miss a notification for it.
        log.exception("The %s of the reason %r failed, so a plain one is shown", part, code)
        return str(getattr(_reasons[FOLLOWING], part))
