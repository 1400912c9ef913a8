"""What the site asks about a person. A value that is no longer valid falls back to the site's own."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from django.conf import settings

from accounts.locales import known_time_zones
from notifications_hub import is_blank

if TYPE_CHECKING:
    from accounts.models import User

HUES = 6


def language_of(person: User) -> str:
    return person.language if person.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def time_zone_of(person: User) -> str:
    return person.time_zone if person.time_zone in known_time_zones() else settings.TIME_ZONE


def zone_of(person: User) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(time_zone_of(person))


def initial_of(person: User | str) -> str:
    """Return the first character of the name that can be seen."""
    return next((character for character in str(person) if not is_blank(character)), "?").upper()


def hue_of(person: User) -> int:
    """The number of a colour that stays theirs."""
    return int(person.pk) % HUES
