"""The button that reminds, on both pages, and what its line says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from notifications_hub.announcements.approval.approvers import PERMISSION
from notifications_hub.confirmations import reminding
from notifications_hub.confirmations.models import Reminder
from notifications_hub.confirmations.subjects import Subject
from notifications_hub.users import Person

SHOWN = 50
"""People or notifications on one page."""
IN_A_FILE = 10_000
SECONDS = 1.0
"""The most that a page takes to look for them among people who have confirmed."""


@dataclass(frozen=True, slots=True)
class ReminderLine:
    """The last reminder of a subject, and whether another one may be sent now."""

    last: Reminder | None
    is_allowed: bool

    @classmethod
    def of(cls, request: HttpRequest, subject: Subject, *, is_open: bool) -> ReminderLine:
        last = reminding.last_of(subject)
        is_free = last is None or (last.done_at is not None and last.asked_at <= datetime.now(UTC) - reminding.PAUSE)
        return cls(last, is_open and is_free and request.user.has_perm(PERMISSION))


def remind(request: HttpRequest, subject: Subject, model_admin: Any) -> HttpResponse:
    """Remind as the button asks, and show the page again. A second click says that it was sent already."""
    if not request.user.has_perm(PERMISSION):
        raise PermissionDenied
    try:
        reminding.ask(subject, by=cast("Person", request.user))
    except reminding.TooSoon:
        text, level = _("They were reminded less than an hour ago, so no other reminder was sent."), messages.INFO
    except reminding.CannotRemind:
        text, level = _("This is over, so nobody was reminded."), messages.INFO
    else:
        text, level = _("Everybody who has not confirmed is being reminded."), messages.SUCCESS
    model_admin.message_user(request, text, level)
    return HttpResponseRedirect(request.get_full_path())
