"""A person's language, time zone, avatar and picture. An invalid stored value falls back to the site's default."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from django.conf import settings
from django.templatetags.static import static

from accounts.locales import known_time_zones
from notifications_hub import is_blank

if TYPE_CHECKING:
    from accounts.models import User

HUES = 6


def chosen_language(person: User) -> str:
    """Return the language that the person chose, or an empty text if they never did."""
    return _known_language(person.language)


def language_of(person: User) -> str:
    """Return the language for what is sent: the chosen one, else the last that their browser asked for."""
    return chosen_language(person) or _known_language(person.browser_language) or settings.LANGUAGE_CODE


def _known_language(code: str) -> str:
    return code if code in dict(settings.LANGUAGES) else ""


def time_zone_of(person: User) -> str:
    return person.time_zone if person.time_zone in known_time_zones() else settings.TIME_ZONE


def zone_of(person: User) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(time_zone_of(person))


def initial_of(person: User | str) -> str:
    """Return the first visible character of the name, in upper case, or `?`."""
    return next((character for character in str(person) if not is_blank(character)), "?").upper()


def hue_of(person: User) -> int:
    """Return the number of the person's avatar colour, from 0 to `HUES - 1`. It never changes."""
    return int(person.pk) % HUES


def picture_of(person: User) -> str:
    """Return the address of a drawing in the person's colour, which the demo's notifications show."""
    return static(f"site/people/{hue_of(person)}.svg")
