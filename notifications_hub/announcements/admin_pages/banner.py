"""The banner's part of the announcements' admin: its fields with their words, and its mark in the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from notifications_hub.announcements.models import Announcement

BANNER_FIELDS = ("is_banner", "banner_paths", "is_banner_dismissable", "is_banner_public")


def banner_fieldset() -> tuple[Any, dict[str, Any]]:
    return (gettext_lazy("Banner"), {"fields": list(BANNER_FIELDS)})


def explain_banner(fields: Mapping[str, forms.Field]) -> None:
    """Give the banner's fields their labels and help texts."""
    words = {
        "is_banner": (_("Show it as a banner too"), _("At the top of pages, until it ends. Keep the text short.")),
        "banner_paths": (
            _("On these pages"),
            _("One path per line: /shop/ is that page and all below it, /about only that one. * stands for anything.")
            + " "
            + _("Leave empty for every page."),
        ),
        "is_banner_dismissable": (_("People can dismiss it"), _("It then stays away, even if you change the words.")),
        "is_banner_public": (
            _("For visitors who are not signed in, too"),
            _("Anyone on the internet can then read it. Only for the audience “Everyone”."),
        ),
    }
    for name in words.keys() & fields.keys():
        fields[name].label, fields[name].help_text = words[name]
    if "banner_paths" in fields:
        fields["banner_paths"].widget = AdminTextareaWidget(
            attrs={"rows": 3, "placeholder": "/shop/\n/news/*", "dir": "ltr", "spellcheck": "false"}
        )


def banner_words(announcement: Announcement) -> str:
    """Return who sees the banner."""
    return _("also for visitors") if announcement.is_banner_public else _("for people")


def banner_mark(announcement: Announcement) -> SafeString | str:
    """Return the mark of an announcement in the list, or nothing if it is no banner."""
    if not announcement.is_banner:
        return ""
    return format_html('<span class="hub-banner-mark">{} · {}</span>', _("banner"), banner_words(announcement))
