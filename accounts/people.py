"""What the site's settings ask about a person. A value that is no longer valid falls back to the site's own."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from django.conf import settings

from accounts.locales import known_time_zones

if TYPE_CHECKING:
    from accounts.models import User


def language_of(person: User) -> str:
    return person.language if person.language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def time_zone_of(person: User) -> str:
    return person.time_zone if person.time_zone in known_time_zones() else settings.TIME_ZONE


def zone_of(person: User) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(time_zone_of(person))
