"""Checks of what an author wrote, for the form and for `broadcast()`. Each raises `ValidationError` with the remedy."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from notifications_hub.conf import hub_settings
from notifications_hub.kinds import Urgency
from notifications_hub.web.outside_links import BadLink, read_link
from notifications_hub.web.text import is_blank, is_storable

MAX_TITLE = 120
MAX_BODY = 5000
FIRST_YEAR, LAST_YEAR = 1900, 9000
"""Years within which a time exists in every time zone."""


def check_words(title: str | None, body: str | None) -> None:
    """Refuse a blank title, and characters that some databases cannot store."""
    if title and is_blank(title):
        raise ValidationError({"title": _("Write something that people can see.")})
    for name, text in (("title", title), ("body", body)):
        if not is_storable(text or ""):
            raise ValidationError({name: _("This contains a character that cannot be stored.")})


def is_too_long(title: str | None, body: str | None) -> bool:
    return len(title or "") > MAX_TITLE or len(body or "") > MAX_BODY


def checked_link(url: str) -> str:
    """Return the link as browsers write it."""
    try:
        return read_link(url or "", hub_settings.site_url).url
    except BadLink as error:
        raise ValidationError({"url": error.words}) from None


def check_times(starts_at: datetime | None, ends_at: datetime | None) -> None:
    for name, moment in (("starts_at", starts_at), ("ends_at", ends_at)):
        if moment and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValidationError({name: far_away()})
    if starts_at and ends_at and ends_at <= starts_at:
        raise ValidationError({"ends_at": _("It must end after it starts.")})


def far_away() -> str:
    return _("Choose a date that people live to see.")


def checked_time(name: str, moment: object) -> datetime | None:
    """Return a time that code gave, or None. Refuse one without a time zone."""
    if moment is None or (isinstance(moment, datetime) and not timezone.is_naive(moment)):
        return moment
    words = _("Give a time with a time zone, as django.utils.timezone.now() returns, not %(time)r.")
    raise ValidationError({name: words % {"time": moment}})


def checked_urgency(urgency: str) -> Urgency:
    try:
        return Urgency(urgency)
    except ValueError:
        words = _("%(urgency)r is not an urgency; choose one of %(known)s.")
        raise ValidationError({"urgency": words % {"urgency": urgency, "known": ", ".join(Urgency)}}) from None
