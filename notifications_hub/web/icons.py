"""Icons by name. Each is an SVG file in `notifications_hub/icons/` of a templates folder, so a host can add its own."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.core.signals import setting_changed
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

PLAIN = "bell"
"""The icon in place of one that does not exist."""
_FOLDER = Path(__file__).parent.parent / "templates" / "notifications_hub" / "icons"
_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHAPES = re.compile(r"<svg\b[^>]*>(.*)</svg>", re.DOTALL)


class NoIcon(Exception):
    """Raised for a name without a file, and for a file without an `<svg>` element."""


def shapes_of(name: str) -> SafeString:
    """Return what an icon's `<svg>` element contains. An unknown name gives a bell."""
    try:
        return icon_named(name)
    except NoIcon:
        return icon_named(PLAIN)


def icon_named(name: str) -> SafeString:
    """Return what an icon's `<svg>` element contains. Raise `NoIcon` if there is none of this name."""
    # A page has many icons, and each is looked up for every row. A developer sees a change at once.
    return _read(name) if settings.DEBUG else _kept(name)


def _read(name: str) -> SafeString:
    try:
        found = _SHAPES.search(get_template(file_of(name)).render()) if _NAME.fullmatch(name) else None
    except TemplateDoesNotExist:
        found = None
    if found is None:
        raise NoIcon(name)
    return mark_safe(found[1].strip())  # noqa: S308 -- a file of the site's own templates


_kept = lru_cache(maxsize=512)(_read)


def own_icons() -> list[str]:
    """Return the names of the hub's icons. A host may have more."""
    return sorted(path.stem for path in _FOLDER.glob("*.svg"))


def file_of(name: str) -> str:
    """Return the template of an icon."""
    return f"notifications_hub/icons/{name}.svg"


def _forget(*, setting: str, **kwargs: object) -> None:
    if setting in {"TEMPLATES", "INSTALLED_APPS"}:
        _kept.cache_clear()


setting_changed.connect(_forget)
