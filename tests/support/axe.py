"""axe-core on a page: the rules of WCAG that a program can check, and those that axe recommends beyond them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Page

from tests.support.processes import ROOT

_SCRIPT = ROOT / "node_modules" / "axe-core" / "axe.min.js"
# No rule is left out. The tags also turn on rules that axe runs only if asked to, such as the size of targets.
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """
async ([runOnly, rules, part]) => {
  const { violations } = await axe.run(part || document, { runOnly, rules, resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary.replace(/\\s+/g, " ")}`));
}
"""


@dataclass(frozen=True)
class Look:
    """One way to see a page."""

    width: int
    scheme: Literal["light", "dark"]
    forced_colours: bool = False


LOOKS = (Look(1280, "light"), Look(320, "dark"))
FORCED = Look(1280, "dark", forced_colours=True)


def findings(page: Page, looks: Sequence[Look] = LOOKS, part: str = "") -> list[str]:
    """Return what axe objects to in the page as it is now. The page's context must have been opened with `CONTEXT`.

    `part` is a selector. With it axe looks at this part alone, whose rest was seen in another state.
    """
    _prepare(page)
    return [f"{look.width} px, {look.scheme}: {found}" for look in looks for found in _look(page, look, part)]


def poor_contrasts(page: Page) -> list[str]:
    """Return the texts of the page as it looks now whose contrast axe finds too low."""
    _prepare(page)
    found: list[str] = page.evaluate(_RUN, [{"type": "rule", "values": ["color-contrast"]}, {}, ""])
    return found


def _prepare(page: Page) -> None:
    page.wait_for_function("!document.querySelector(':not(:defined)')")
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=_SCRIPT)
        # A transition would show a mixture of both schemes.
        page.add_style_tag(content="*, ::before, ::after { animation: none !important; transition: none !important; }")


# The page's policy allows no script of others.
CONTEXT = {"bypass_csp": True}


def _look(page: Page, look: Look, part: str) -> list[str]:
    page.set_viewport_size({"width": look.width, "height": 900})
    page.emulate_media(color_scheme=look.scheme, forced_colors="active" if look.forced_colours else "none")
    # In forced colours, scripts read the colours of the style sheet, not those of the screen.
    off = {"color-contrast": {"enabled": False}} if look.forced_colours else {}
    found: list[str] = page.evaluate(_RUN, [_RULES, off, part])
    return found
