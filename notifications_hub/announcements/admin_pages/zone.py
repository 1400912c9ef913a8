"""The time zone in which the pages of announcements show and read times: the admin's own.

It is the one that the host has activated for the person, else the browser's, which a script keeps in a cookie, else the
site's. A form carries the zone of its times, so they are read as they were shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import URLPattern
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from notifications_hub.announcements.validation import far_away

FIELD = "zone"
COOKIE = "notifications_hub_zone"

View = Callable[..., HttpResponseBase]


def zoned(patterns: Iterable[URLPattern]) -> list[URLPattern]:
    """Return the pages, each with the admin's time zone, in which it is also rendered."""
    listed = list(patterns)
    for pattern in listed:
        pattern.callback = _zoned(pattern.callback)
    return listed


def _zoned(view: View) -> View:
    @wraps(view)
    def in_zone(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override(zone_of(request)):
            response = view(request, *args, **kwargs)
            # Otherwise it is rendered later, in the zone of the request.
            return response.render() if isinstance(response, SimpleTemplateResponse) else response

    return in_zone


def zone_of(request: HttpRequest) -> tzinfo:
    """Return the zone of a form that was sent, else that of the person."""
    sent = _known(request.POST.get(FIELD, "")) if request.method == "POST" else None
    if sent is not None:
        return sent
    active = timezone.get_current_timezone()
    if timezone.get_current_timezone_name() != timezone.get_default_timezone_name():
        return active
    return _known(request.COOKIES.get(COOKIE, "")) or active


def _known(name: str) -> tzinfo | None:
    # A name from outside is a path to `ZoneInfo`, which refuses those that leave its folder.
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, LookupError):
        return None


def zone_name() -> str:
    """Return the name of the active zone, as "Europe/Berlin"."""
    return timezone.get_current_timezone_name()


def _named(words: Any) -> str:
    return f"{words} ({zone_name()})"


with_zone_name = lazy(_named, str)
"""Return the words with the name of the zone that is active when they are shown."""


def _sentence() -> str:
    return _("All times are in the time zone %(zone)s.") % {"zone": zone_name()}


times_in_zone = lazy(_sentence, str)
"""A sentence that names the zone that is active when it is shown."""


class ZonedDateTimeField(forms.SplitDateTimeField):
    """A date and a time in the active zone. Of two equal times, when clocks go back, it is the first."""

    def compress(self, data_list: Any) -> datetime | None:
        if not data_list:
            return None
        day, time = data_list
        if day in self.empty_values:
            raise ValidationError(self.error_messages["invalid_date"], code="invalid_date")
        if time in self.empty_values:
            raise ValidationError(self.error_messages["invalid_time"], code="invalid_time")
        moment = datetime.combine(day, time, tzinfo=timezone.get_current_timezone())
        try:
            is_skipped = _is_skipped(moment)
        except OverflowError:
            raise ValidationError(far_away(), code="overflow") from None
        if is_skipped:
            words = _("There is no %(time)s on this day in %(zone)s, because clocks go forward. Choose another time.")
            raise ValidationError(words % {"time": f"{time:%H:%M}", "zone": zone_name()}, code="skipped")
        return moment


def _is_skipped(moment: datetime) -> bool:
    """Return whether clocks go forward over this time, so that none shows it."""
    back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    return back.replace(tzinfo=None) != moment.replace(tzinfo=None)


def is_same_on_the_clock(first: datetime, second: datetime) -> bool:
    """Return whether both are shown alike in the active zone, to the second."""
    shown = [timezone.localtime(one).replace(tzinfo=None, microsecond=0, fold=0) for one in (first, second)]
    return shown[0] == shown[1]
