"""Remarks about kinds that people do without: what the numbers suggest, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from notifications_hub.use.admin_pages.choice import label_of
from notifications_hub.use.figures import Numbers, Use

ENOUGH = 20
"""The fewest notifications, or people, that a remark is made about."""
_NEARLY_ALL, _MOST = 0.8, 0.5


def remarks_on(use: Use) -> Iterator[str]:
    for kind, numbers in sorted(use.kinds.items(), key=lambda item: -item[1].sent):
        if text := _remark(numbers):
            yield text % {"kind": label_of(kind)}
    for (kind, method), people in sorted(use.switched.off_now.items()):
        if not method and people >= ENOUGH:
            yield _("%(kind)s: %(people)d people have switched it off altogether. Is it meant for fewer people?") % {
                "kind": label_of(kind),
                "people": people,
            }


def _remark(numbers: Numbers) -> str:
    if numbers.judged >= ENOUGH and numbers.ignored >= _NEARLY_ALL * numbers.judged:
        return _("%(kind)s: nearly everybody ignores this kind. Think about a digest.")
    if numbers.sent >= ENOUGH and numbers.archived >= _MOST * numbers.sent:
        return _("%(kind)s: most are put away unread. A title that says more, or fewer of them, may help.")
    if numbers.judged >= ENOUGH and numbers.unreached >= _MOST * numbers.sent:
        return _("%(kind)s: most reach nobody. Does it need another delivery method?")
    return ""
