"""The languages and time zones that the site offers."""

from __future__ import annotations

import zoneinfo
from functools import cache

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _


def language_choices() -> list[tuple[str, str | Promise]]:
    """Return each language under its own name, so that its readers recognise it. The first choice is the browser's."""
    known = [(code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES]
    return [("", _("Same as the browser")), *known]


@cache
def known_time_zones() -> frozenset[str]:
    # Cached, because each call walks the whole time zone database on disk.
    return frozenset(zoneinfo.available_timezones())


def validate_time_zone(name: str) -> None:
    if name not in known_time_zones():
        raise ValidationError(_("“%(name)s” is not a time zone."), code="time_zone", params={"name": name})


@cache
def time_zone_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return UTC, then the zones that are named after a place, grouped by region."""
    regions: dict[str, list[tuple[str, str]]] = {"UTC": [("UTC", "UTC")]}
    for name in sorted(known_time_zones()):
        region, slash, place = name.partition("/")
        if slash and region not in _WITHOUT_PLACE:
            regions.setdefault(region, []).append((name, place.replace("_", " ").replace("/", ", ")))
    return list(regions.items())


# Offsets and old spellings, which the time zone database keeps for compatibility.
_WITHOUT_PLACE = frozenset({"Etc", "SystemV", "US", "posix", "right"})
