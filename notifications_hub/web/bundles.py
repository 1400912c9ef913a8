"""The built scripts and styles of the pages, by their names without a hash.

`make build` writes them and their manifest. Their names change with their content, so a cache never mixes releases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

_DIST = Path(__file__).parents[1] / "static" / "notifications_hub" / "dist"


def bundle_path(name: str) -> str:
    """Return the path of a built file in the static files. Raise `KeyError` for an unknown name."""
    return f"notifications_hub/dist/{_manifest()[name]}"


def bundle_url(name: str) -> str:
    """Return the URL of a built file at the site's static files, wherever those are stored."""
    return static(bundle_path(name))


def script_tag(name: str, nonce: str, priority: str = "") -> SafeString:
    """Return the tag of a built script, with the page's nonce if it has one.

    `priority` is `high` or `low`. By default browsers fetch a deferred script once all style sheets have arrived.
    """
    order = format_html(' fetchpriority="{}"', priority) if priority else ""
    url = bundle_url(f"{name}.js")
    return format_html('<script defer src="{}"{}{}></script>', url, order, _nonce_attribute(nonce))


def style_tag(name: str, nonce: str) -> SafeString:
    """Return the tag of a built style sheet, with the page's nonce if it has one."""
    return format_html('<link rel="stylesheet" href="{}"{}>', bundle_url(f"{name}.css"), _nonce_attribute(nonce))


def _nonce_attribute(nonce: str) -> SafeString | str:
    return format_html(' nonce="{}"', nonce) if nonce else ""


@cache
def _manifest() -> Mapping[str, str]:
    # Read beside this module, because a site's storage may be far away.
    names: dict[str, str] = json.loads((_DIST / "manifest.json").read_text())
    return names
