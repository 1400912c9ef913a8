"""Preview an announcement from a form that is still being written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import get_language_info

from notifications_hub.announcements.admin_pages.banner import BANNER_FIELDS
from notifications_hub.announcements.admin_pages.forms import other_languages
from notifications_hub.announcements.markdown import safe_html
from notifications_hub.announcements.models import Announcement
from notifications_hub.announcements.validation import MAX_BODY, MAX_TITLE
from notifications_hub.message import Message
from notifications_hub.web.outside_links import BadLink, read_link


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A preview in one language. The toast and the banner show `message`, the inbox page shows `html`."""

    language: str
    language_name: str
    message: Message
    html: SafeString
    is_banner: bool = False
    is_banner_dismissable: bool = False


def previews(form: Mapping[str, str]) -> list[Preview]:
    """Return the previews. Fields that are not valid yet are left out."""

    return [
        _preview(form, language, title.strip()[:MAX_TITLE], body[:MAX_BODY])
        for language, title, body in _words(form)
        if title.strip() or body.strip()
    ]


def as_form(announcement: Announcement, translations: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
    """Return a stored announcement's words as its form sends them, or those of other translations."""
    form = {name: str(getattr(announcement, name)) for name in ("title", "body", "url", "level")}
    form |= {name: str(getattr(announcement, name) or "") for name in BANNER_FIELDS}
    if translations is None:
        translations = {row.language: {"title": row.title, "body": row.body} for row in announcement.translations.all()}
    for number, (language, words) in enumerate(translations.items()):
        form |= {f"translations-{number}-{name}": text for name, text in {**words, "language": language}.items()}
    return form


def _words(form: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    yield settings.LANGUAGE_CODE, form.get("title", ""), form.get("body", "")
    known = dict(other_languages())
    for number in range(len(known)):
        language = form.get(f"translations-{number}-language", "")
        if language in known and f"translations-{number}-DELETE" not in form:
            yield language, form.get(f"translations-{number}-title", ""), form.get(f"translations-{number}-body", "")


def _preview(form: Mapping[str, str], language: str, title: str, body: str) -> Preview:
    draft = Announcement(title=title, body=body, url=_link(form), level=_level(form))
    with translation.override(language):
        return Preview(
            language=language,
            language_name=get_language_info(language)["name_local"],
            message=draft.message(),
            html=safe_html(body),
            is_banner=bool(form.get("is_banner")),
            is_banner_dismissable=bool(form.get("is_banner_dismissable")),
        )


def _link(form: Mapping[str, str]) -> str:
    try:
        return read_link(form.get("url", "")).url
    except BadLink:
        return ""


def _level(form: Mapping[str, str]) -> str:
    field = Announcement._meta.get_field("level")
    given = form.get("level", "")
    return given if given in dict(field.flatchoices) else str(field.default)
