"""The built scripts and styles of the pages, by their names without a hash.

`make build` writes them and their manifest. Their names change with their content, so a cache never mixes releases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from django.templatetags.static import static

_DIST = Path(__file__).parents[1] / "static" / "notifications_hub" / "dist"


def bundle_path(name: str) -> str:
    """Return the path of a built file in the static files. Raise `KeyError` for an unknown name."""
    return f"notifications_hub/dist/{_manifest()[name]}"


def bundle_url(name: str) -> str:
    """Return the URL of a built file at the site's static files, wherever those are stored."""
    return static(bundle_path(name))


@cache
def _manifest() -> Mapping[str, str]:
    # Read beside this module, because a site's storage may be far away.
    names: dict[str, str] = json.loads((_DIST / "manifest.json").read_text())
    return names
