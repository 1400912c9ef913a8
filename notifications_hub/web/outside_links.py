"""Links of announcements, which may lead to another site: checked, and with the other site's name to show."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from yarl import URL

from notifications_hub.web.site_paths import MAX_PATH, same_site_path

_HOST = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?|[0-9a-f:.]*:[0-9a-f:.]*", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_AUTHORITY = re.compile(r"//[^/?#]+")
# Separators, controls, and characters that are invisible or turn the direction of reading.
_STRANGE = {"Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"}


class BadLink(ValueError):
    """Raised for a link that an announcement may not have. `words` tell its author what to change."""

    def __init__(self, words: str | Promise) -> None:
        super().__init__(words)
        self.words = words


@dataclass(frozen=True, slots=True)
class Link:
    """A link in the spelling that browsers use. `host` is the other site's name, empty for a path of this site."""

    url: str
    host: str = ""


def read_link(text: str, site_url: str = "") -> Link:
    """Return the link. Raise `BadLink`. An address of this site, whose root is `site_url`, becomes a path."""
    if not text:
        return Link("")
    _check_characters(text)
    if text.startswith("//"):
        raise BadLink(_("Write https:// before the name of the other site."))
    if text.startswith("/"):
        return Link(same_site_path(text))
    return _own(text, site_url) or _outside(text)


def host_of(url: str) -> str:
    """Return the name of the other site that a link leads to; empty for a path of this site."""
    return read_link(url).host


def _check_characters(text: str) -> None:
    if len(text) > MAX_PATH:
        raise BadLink(_("The link is too long."))
    if any(unicodedata.category(one) in _STRANGE for one in text):
        raise BadLink(_("The link contains a space or an invisible character."))
    if "\\" in text:
        raise BadLink(_("The link contains a backslash. Write / instead."))


def _own(text: str, site_url: str) -> Link | None:
    site, link = urlsplit(site_url), _split(text)
    if not site.netloc or (link.scheme, link.netloc.lower()) != (site.scheme, site.netloc.lower()):
        return None
    return read_link(text[text.index("://") + 3 + len(link.netloc) :] or "/")


def _split(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError:
        raise BadLink(_incomplete()) from None


def _outside(text: str) -> Link:
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise BadLink(_("Give a path of this site, like /posts/9/, or an address that begins with https://."))
    if scheme[0].lower() == "http":
        raise BadLink(_("Links to other sites begin with https://, because http:// can be changed on the way."))
    if scheme[0].lower() != "https":
        raise BadLink(_("A link begins with / or https://."))
    authority = _AUTHORITY.match(text, len("https:"))
    if authority is None:
        raise BadLink(_incomplete())
    if "@" in authority[0]:
        raise BadLink(_("Leave out the name and password before the @."))
    try:
        url = URL(text)
        host, port = (url.raw_host or "").lower(), url.port
    except ValueError:
        raise BadLink(_incomplete()) from None
    if not _HOST.fullmatch(host) or ".." in host or len(str(url)) > MAX_PATH:
        raise BadLink(_incomplete())
    named = f"[{host}]" if ":" in host else host
    return Link(str(url), named if port == 443 else f"{named}:{port}")


def _incomplete() -> Promise:
    return _("This is not a complete address. Copy it from the browser's address bar.")
