"""Contrast of the colours, and the layer of every style sheet."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import chain
from pathlib import Path

import pytest

STATIC = Path(__file__).parent.parent / "notifications_hub/static/notifications_hub"
TOKENS = re.compile(r"--nh-([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)")
PLACED = re.compile(r"^\s*(\.nh-[\w-]+)(?=,$| \{$)", re.MULTILINE)
"""Classes that a rule lays out wherever they stand."""
SHARED = {".nh-tools": {"page.css", "inbox.css"}}
READABLE = 4.5
VISIBLE = 3.0  # WCAG 1.4.11: marks and focus rings

ON_SURFACES = [
    *(("text", ground) for ground in ("surface", "page", "hover", "unread", "accent-soft")),
    *(("muted", ground) for ground in ("surface", "page", "hover", "unread")),
    *(("accent", ground) for ground in ("surface", "page", "hover", "unread", "accent-soft")),
    *((level, ground) for level in ("success", "warning", "error") for ground in ("surface", "page", f"{level}-soft")),
    *(("text", f"{level}-soft") for level in ("success", "warning", "error")),
]
ON_COLOURS = [
    ("on-accent", "accent"),
    ("on-badge", "badge"),
    *(("surface", level) for level in ("success", "warning", "error")),
]


def colours(theme: int) -> dict[str, str]:
    return {found[1]: found[2 + theme] for found in TOKENS.finditer((STATIC / "styles/tokens.css").read_text())}


def luminance(colour: str) -> float:
    """Return the relative luminance (WCAG 2.2) of six hexadecimal digits."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_has_enough_contrast_in_both_themes(theme: int) -> None:
    token = colours(theme)
    pairs = {(text, ground): contrast(token[text], token[ground]) for text, ground in chain(ON_SURFACES, ON_COLOURS)}

    assert {pair: round(value, 2) for pair, value in pairs.items() if value < READABLE} == {}


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_focus_ring_is_visible_on_every_surface(theme: int) -> None:
    token = colours(theme)

    for ground in ("surface", "page", "hover", "unread", "accent-soft"):
        assert contrast(token["focus"], token[ground]) >= VISIBLE


def test_every_style_sheet_but_the_defence_is_in_the_layer() -> None:
    """Require the layer: host.css undoes every rule outside it, be it of the host or of the hub."""
    for name in ("notifications-hub.css", "pages.css"):
        imports = re.findall(r'@import "\./styles/([\w-]+)\.css"([^;]*);', (STATIC / name).read_text())
        assert imports
        assert {part for part, layer in imports if layer != " layer(notifications-hub)"} <= {"host"}
    assert "@layer notifications-hub {" in (STATIC / "task-progress.css").read_text()


def test_a_class_of_one_page_is_not_a_class_of_another() -> None:
    """Require names of their own: a page of one sheet may load another, whose rules would lay its elements out."""
    placed: dict[str, set[str]] = defaultdict(set)
    for sheet in STATIC.rglob("*.css"):
        if "dist" not in sheet.parts:
            for name in PLACED.findall(sheet.read_text()):
                placed[name].add(sheet.name)

    assert {name: sheets for name, sheets in placed.items() if len(sheets) > 1} == SHARED
