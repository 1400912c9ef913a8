"""The links that lead to the preferences of a kind, from emails, pushes and pages."""

from __future__ import annotations

from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from notifications_hub.kinds import all_kinds
from notifications_hub.own_kinds import DigestKind, PushTest, QuietSummary

KIND = "kind"
"""The parameter of the page that names a kind. A fragment would be lost when the person has to sign in first."""
_SECTIONS = {DigestKind.name: "digests", QuietSummary.name: "quiet-hours", PushTest.name: "push"}


def preferences() -> str:
    """Return the path of the preferences, or an empty text on a site that does not serve the hub's pages."""
    try:
        return reverse("notifications_hub:preferences")
    except NoReverseMatch:
        return ""


def preferences_of(kind: str) -> str:
    """Return the path that leads to the row of a kind, or an empty text as above."""
    page = preferences()
    return f"{page}?{urlencode({KIND: kind})}" if page else ""


def place_of(kind: str) -> str:
    """Return the fragment of a kind in the preferences; empty for a name that is no kind."""
    if not any(one.name == kind for one in all_kinds()):
        return ""
    return _SECTIONS.get(kind, f"kind-{kind}")
