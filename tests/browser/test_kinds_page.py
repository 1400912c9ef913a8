"""The page of kinds in a browser: its samples are the product's own parts, in both schemes, and it is accessible."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.axe import CONTEXT, findings
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

PAGE = "/notifications/kinds/"
FONT = """(element) => {
  const { fontWeight, fontSize, lineHeight, color, webkitLineClamp } = getComputedStyle(element);
  return [fontWeight, fontSize, lineHeight, color, webkitLineClamp];
}"""
SHOW = "(item) => document.querySelector('toast-stack').show([{...item, id: 'shown'}], '', {now: true})"
LET_AXE_IN = "for (const one of document.querySelectorAll('[inert]')) one.inert = false"


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


def sample(page: Page, scheme: str, language: str = "en") -> Locator:
    return page.locator(f"kind-sample[data-scheme={scheme}][language={language}]")


def test_samples_are_drawn_by_the_products_own_parts_and_cannot_be_focused(page_for: People) -> None:
    page = page_for("admin", f"{PAGE}?kind=comment.reply")
    light, chinese = sample(page, "light"), sample(page, "dark", "zh-hans")
    row, toast = light.locator(".nh-row"), light.locator(".nh-toast")

    expect(row.locator("[data-part=title]")).to_have_text("Bob replied to “Moving plants”")
    expect(row.locator("[data-icon=reply]")).to_have_count(1)
    expect(toast.locator("[data-part=body]")).to_have_text("Water them first.")
    expect(toast.locator("[data-part=close]")).to_have_attribute(
        "aria-label", "Dismiss: Bob replied to “Moving plants”"
    )
    # Words and times are in the language of the sample.
    expect(chinese.locator(".nh-row [data-part=time]")).to_have_text("现在")
    expect(chinese.locator(".nh-row [data-part=read]")).to_have_attribute("title", "标为已读")
    expect(sample(page, "dark").locator(".nh-row [data-part=time]")).to_have_text("now")

    expect(row.locator(".nh-title")).to_be_visible()
    row.locator(".nh-title").evaluate("(link) => link.focus()")
    assert page.evaluate("document.activeElement.closest('kind-sample')") is None

    # A toast looks as it does in the corner.
    title = toast.locator("[data-part=title]")
    expect(title).to_be_visible()
    page.evaluate(SHOW, light.evaluate("(element) => JSON.parse(element.getAttribute('item'))"))
    shown = page.locator("toast-stack .nh-toast [data-part=title]")
    expect(shown).to_be_visible()
    assert title.evaluate(FONT) == shown.evaluate(FONT)


def test_both_schemes_are_there_and_languages_stand_side_by_side_or_on_a_phone_one_below_the_other(
    page_for: People,
) -> None:
    page = page_for("admin", f"{PAGE}?kind=push.test")
    grounds = {}
    for system in ("light", "dark"):
        page.emulate_media(color_scheme=system)
        grounds[system] = [
            sample(page, scheme).evaluate("(element) => getComputedStyle(element).backgroundColor")
            for scheme in ("light", "dark")
        ]

    assert grounds["light"] == grounds["dark"]
    assert len(set(grounds["light"])) == 2

    page.set_viewport_size({"width": 1280, "height": 900})
    left, right = places(page)
    page.set_viewport_size({"width": 320, "height": 700})
    above, below = places(page)

    assert left["y"] == right["y"]
    assert below["y"] > above["y"] + above["height"]
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def places(page: Page) -> list[dict[str, float]]:
    """Return where the light samples in English and in Chinese are."""
    shown = [sample(page, "light"), sample(page, "light", "zh-hans")]
    return [one.evaluate("(element) => element.getBoundingClientRect().toJSON()") for one in shown]


@pytest.mark.exhaustive
@pytest.mark.faults
def test_a_kind_and_its_samples_pass_axe(page_for: People) -> None:
    """Let axe into the samples, which it skips while they are inert. test_every_page.py does so with another kind."""
    page = page_for("admin", f"{PAGE}?kind=task.failed", **CONTEXT)
    expect(page.locator("kind-sample .nh-row")).to_have_count(4)
    page.evaluate(LET_AXE_IN)

    assert findings(page) == []


def test_without_scripts_everything_but_bell_and_toast_is_shown(page_for: People) -> None:
    page = page_for("admin", f"{PAGE}?kind=comment.reply", java_script_enabled=False)
    light = sample(page, "light")

    expect(page.get_by_text("The bell and the toasts need JavaScript.")).to_be_visible()
    expect(light.locator(".nh-push")).to_contain_text("Bob replied to “Moving plants”")
    expect(light.locator(".nh-card")).to_contain_text("Water them first.")
    expect(light.locator(".nh-messages")).to_contain_text("Bob replied to “Moving plants”")
    expect(light.locator("[data-part=bell]")).to_be_hidden()
    page.get_by_role("link", name="简体中文").first.click()
    expect(page.locator("kind-sample[language=zh-hans]").first).to_contain_text("Bob回复了")


def test_a_visitor_sees_it_in_development(page_for: People) -> None:
    page = page_for(None, f"{PAGE}?kind=comment.reply")

    expect(sample(page, "light").locator(".nh-row [data-part=title]")).to_have_text("Bob replied to “Moving plants”")
    expect(sample(page, "light").locator(".nh-row [data-icon=reply]")).to_have_count(1)
