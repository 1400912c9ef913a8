"""Links that stay on this site."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.urls import set_script_prefix

MAX_PATH = 2000


def same_site_path(url: str) -> str:
    """Return the path. Raise `ValueError` if a browser could read it as another site or as a script."""
    if not url:
        return url
    if len(url) > MAX_PATH:
        raise ValueError(f"The url has at most {MAX_PATH} characters, not {len(url)}.")
    # A browser drops tabs and newlines, and reads a backslash as a slash, before it parses the rest.
    strange = "\\" in url or any(ord(character) <= 32 or ord(character) == 127 for character in url)
    if strange or not url.startswith("/") or url.startswith("//"):
        raise ValueError(f"The url must be a path of this site like '/posts/9/', not {url!r}.")
    return url


def own_path(url: str, site_url: str) -> str:
    """Return the path of a link that may be absolute, or an empty text if it leads to another site.

    Raise `ValueError` for anything else, as `same_site_path` does.
    """
    site, link = urlsplit(site_url), urlsplit(url)
    if link.scheme not in ("http", "https") or not link.netloc:
        return same_site_path(url)
    if (link.scheme, link.netloc) != (site.scheme, site.netloc):
        return ""
    return same_site_path(url.partition(link.netloc)[2] or "/")


def use_script_name() -> None:
    """Make `reverse()` begin with `FORCE_SCRIPT_NAME` in this thread.

    Django does that only for requests and for the thread that sets Django up.
    """
    if settings.FORCE_SCRIPT_NAME:
        set_script_prefix(settings.FORCE_SCRIPT_NAME)
