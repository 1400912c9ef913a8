"""The recipes of the guide "Make it look like your site", beside the real frameworks: colours, and their contrast.

The contrast of all pairs of properties is computed in light and dark, and axe looks for others. Only `make exhaustive`
does both.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import pytest

from tests.browser.test_host_styles import INBOX, WIDE, open_panel
from tests.support.axe import CONTEXT, poor_contrasts
from tests.support.host_pages import HostPage
from tests.support.processes import ROOT
from tests.test_reference import section
from tests.test_style_sheets import ON_COLOURS, ON_SURFACES, READABLE

if TYPE_CHECKING:
    from tests.support.browser import People
    from tests.support.site import Site

GUIDE = (ROOT / "docs" / "guides" / "theming.md").read_text()

# The contrast of each pair of properties, as a canvas draws them: colours may be transparent, mixed or oklch().
CONTRASTS = """(pairs) => {
  const probe = document.querySelector(".nh-page").appendChild(document.createElement("i"));
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const drawn = (name) => {
    probe.style.color = `var(--nh-${name})`;
    canvas.fillStyle = getComputedStyle(probe).color;
    canvas.fillRect(0, 0, 1, 1);
    const linear = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  return pairs.map(([text, ground]) => {
    const [below, above] = [drawn(ground), drawn(text)];
    const [dark, light] = [below, above].sort((one, other) => one - other);
    return [text, ground, Math.round((100 * (light + 0.05)) / (dark + 0.05)) / 100];
  });
}"""
ROWS = """
    from accounts.models import User
    from notifications.signals import notify
    alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
    for level in ("info", "success", "warning", "error"):
        notify.send(bob, recipient=alice, verb=f"wrote a {level}", level=level, url="/", description="Yes. " * 9)
"""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SURFACE = "getComputedStyle(document.querySelector('.nh-panel')).backgroundColor"


@dataclass(frozen=True)
class Recipe:
    """A recipe with the sheet of its framework, and the attribute of `<html>` that chooses its scheme."""

    heading: str
    sheet: str = "none"
    attribute: str = ""
    number: int = 0
    values: tuple[str, str] = ("light", "dark")

    @property
    def css(self) -> str:
        found = re.findall(r"^```css\n(.+?)^```", section(GUIDE, self.heading), re.DOTALL | re.MULTILINE)
        assert found, self.heading
        css: str = found[self.number]
        if self.sheet != "none":
            return css
        return PAGE + (tailwind(css) if '@import "tailwindcss"' in css else css + OWN_COLOURS)


def tailwind(css: str) -> str:
    build = ["node", str(ROOT / "tests" / "support" / "tailwind.mjs")]
    return subprocess.run(build, input=css, capture_output=True, text=True, check=True).stdout


PAGE = "body { background: Canvas; color: CanvasText }"
[OWN_COLOURS] = re.findall(r"^```css\n(.+?)^```", section(GUIDE, "Colours and sizes"), re.DOTALL | re.MULTILINE)
RECIPES = (
    *(Recipe("Light and dark", attribute=name, number=3) for name in ("data-theme", "data-bs-theme")),
    Recipe("Light and dark", attribute="class", number=3, values=("", "dark")),
    Recipe("Bootstrap", "bootstrap", "data-bs-theme"),
    Recipe("Pico", "pico", "data-theme"),
    Recipe("Tailwind", attribute="class", values=("", "dark")),
)


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python(ROWS)
    return quiet_site


@pytest.fixture
def host(page_for: People, site: Site) -> HostPage:
    page = page_for("alice", "/healthz", reduced_motion="reduce", base_url=site.url, **CONTEXT)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.clock.set_fixed_time(datetime.now(UTC))
    return HostPage(page)


@pytest.mark.exhaustive
@pytest.mark.faults
def test_each_recipe_is_readable_in_light_and_dark_beside_its_framework(host: HostPage) -> None:
    page = host.open(INBOX)
    open_panel(page)
    pairs = [list(pair) for pair in (*ON_SURFACES, *ON_COLOURS)]
    found: dict[str, object] = {}
    for recipe in RECIPES:
        host.restyle(recipe.sheet, css=recipe.css)
        surfaces = []
        for scheme, value in zip(SCHEMES, recipe.values, strict=True):
            page.locator("html").evaluate(
                "(root, [name, value]) => root.setAttribute(name, value)", [recipe.attribute, value]
            )
            where = f"{recipe.heading}, {recipe.attribute}, {scheme}"
            low = [one for one in page.evaluate(CONTRASTS, pairs) if one[2] < READABLE]
            found |= {f"{where}: {'/'.join(one[:2])}": one[2] for one in low}
            found |= {f"{where}: {one}": "axe" for one in poor_contrasts(page)}
            surfaces.append(page.evaluate(SURFACE))
        page.locator("html").evaluate("(root, name) => root.removeAttribute(name)", recipe.attribute)
        assert surfaces[0] != surfaces[1], f"{recipe.heading}: the scheme changes nothing"

    assert found == {}


def test_a_site_says_in_one_line_which_schemes_it_has(host: HostPage) -> None:
    page = host.open(INBOX)
    open_panel(page)
    surfaces = []
    for number in range(3):
        host.restyle("none", css=Recipe("Light and dark", number=number).css)
        of_system = []
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            of_system.append(page.evaluate(SURFACE))
        surfaces.append(of_system)

    (light, dark) = surfaces[2]
    assert light != dark
    assert surfaces[:2] == [[light, light], [dark, dark]]


def test_sizes_that_a_site_sets_hold(host: HostPage) -> None:
    page = host.open(INBOX)
    open_panel(page)
    card = page.locator(".nh-card").first
    before = card.bounding_box()
    host.restyle("none", css=Recipe("Colours and sizes").css)
    page.keyboard.press("Escape")
    open_panel(page)
    after, panel = card.bounding_box(), page.locator(".nh-panel").bounding_box()

    assert panel is not None
    assert panel["width"] == 480
    assert before is not None
    assert after is not None
    assert after["height"] < before["height"]
    assert page.locator(".nh-card .nh-disc").first.evaluate("disc => getComputedStyle(disc).borderRadius") == "4px"
