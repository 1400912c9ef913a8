from __future__ import annotations

import gzip
import json
import re

import pytest

from notifications_hub.web.bundles import bundle_path, bundle_url
from tests.support.processes import ROOT

STATIC = ROOT / "notifications_hub" / "static"
DIST = STATIC / "notifications_hub" / "dist"
MANIFEST: dict[str, str] = json.loads((DIST / "manifest.json").read_text())
TEMPLATES = [*(ROOT / "notifications_hub" / "templates").rglob("*.html")]


def weight(name: str) -> int:
    """Return the size in bytes after gzip."""
    return len(gzip.compress((STATIC / bundle_path(name)).read_bytes(), 9))


def test_bell_and_toasts_weigh_at_most_36_kb() -> None:
    assert weight("hub.js") + weight("hub.css") < 36_000


def test_no_other_part_weighs_more_than_the_bell() -> None:
    assert max(weight(name) for name in MANIFEST) == weight("hub.js")


def test_a_name_changes_with_the_content() -> None:
    assert re.fullmatch(r"notifications_hub/dist/hub-[0-9A-Z]{8}\.js", bundle_path("hub.js"))


def test_every_built_file_exists_and_there_is_no_other() -> None:
    fixed = {"client.js", "client.d.ts", "elements.js", "manifest.json"}
    assert {path.name for path in DIST.iterdir()} == {*MANIFEST.values(), *fixed}


def test_every_file_that_a_template_loads_is_built() -> None:
    used = [
        use for path in TEMPLATES for use in re.findall(r"{% bundle_(script|style) '([\w-]+)' %}", path.read_text())
    ]
    assert len(used) > 10
    assert {name + (".js" if kind == "script" else ".css") for kind, name in used} <= set(MANIFEST)


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_a_built_file_loads_no_other_file(name: str) -> None:
    content = (DIST / MANIFEST[name]).read_text()
    assert not re.search(r"""\bimport\b\s*[("'{*]|@import|url\(|sourceMappingURL""", content)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"bell\.js"):
        bundle_url("bell.js")
