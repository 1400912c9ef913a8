"""The languages of a site that have catalogues of translations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.apps import AppConfig, apps
from django.conf import settings
from django.utils.translation import get_language_info, to_locale

from notifications_hub.kinds import Kind, all_kinds

_HUB = "notifications_hub"


def offered_languages() -> list[str]:
    """Return the codes of `LANGUAGES`; only `LANGUAGE_CODE` on a site without translations."""
    return [code for code, _name in settings.LANGUAGES] if settings.USE_I18N else [settings.LANGUAGE_CODE]


def language_name(code: str) -> str:
    """Return the language's name in itself, or as `LANGUAGES` has it if Django does not know the language."""
    try:
        return str(get_language_info(code)["name_local"])
    except KeyError:
        return str(dict(settings.LANGUAGES).get(code, code))


def is_right_to_left(code: str) -> bool:
    return code in settings.LANGUAGES_BIDI or code.partition("-")[0] in settings.LANGUAGES_BIDI


def shown_languages() -> list[str]:
    """Return the site's own language, English, and each other that the site, a kind's app or the hub has words for."""
    folders = sorted({folder for kind in all_kinds() for folder in locale_folders(kind)})
    translated = translated_languages(folders)
    own = settings.LANGUAGE_CODE
    english = own if own.startswith("en-") else "en"
    return [code for code in offered_languages() if code in (own, english, *translated)] or [own]


def translated_languages(folders: Iterable[Path]) -> list[str]:
    """Return the languages with a catalogue in these folders. Of several that use the same one, return the first."""
    searched = list(folders)
    first: dict[tuple[Path, ...], str] = {}
    for code in offered_languages():
        if catalogues := _catalogues(code, searched):
            first.setdefault(catalogues, code)
    return list(first.values())


def locale_folders(kind: Kind) -> list[Path]:
    """Return the folders that may translate a kind: its app's, and the site's unless the kind is the hub's own."""
    app = _app_of(kind)
    own = [] if app is None else [Path(app.path) / "locale"]
    return own if is_of_hub(kind) else [*own, *map(Path, settings.LOCALE_PATHS)]


def is_of_hub(kind: Kind) -> bool:
    app = _app_of(kind)
    return app is not None and app.name == _HUB


def _app_of(kind: Kind) -> AppConfig | None:
    return apps.get_containing_app_config(type(kind).__module__)


def _catalogues(code: str, folders: Iterable[Path]) -> tuple[Path, ...]:
    found = (_catalogue(to_locale(code), folder) for folder in folders)
    return tuple(path for path in found if path is not None)


def _catalogue(locale: str, folder: Path) -> Path | None:
    """Return the folder of a locale's catalogue as gettext finds it: `pt_BR`, or else `pt`. It may not be compiled."""
    candidates = [folder / name / "LC_MESSAGES" for name in (locale, locale.partition("_")[0])]
    return next((path for path in candidates if any(path.glob("django.[mp]o"))), None)
