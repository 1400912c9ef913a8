"""Style sheets of hosts, colour schemes, large text and forced colours leave the hub's elements usable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.full import FULL
from tests.support.host_pages import SHEETS, HostPage
from tests.support.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.support.browser import People

INBOX = "/notifications/"
PREFERENCES = "/notifications/preferences/"
WIDE = {"width": 1280, "height": 900}
PHONE = {"width": 375, "height": 667}
WHITE = "rgb(255, 255, 255)"
TOLERANCE = 2  # pixels

# The boxes of everything visible in an element, relative to it.
BOXES = """root => {
  const { left, top } = root.getBoundingClientRect();
  return [root, ...root.querySelectorAll("*")].filter(part => part.checkVisibility()).map(part => {
    const box = part.getBoundingClientRect();
    const name = `${part.localName}.${part.getAttribute("class") ?? ""}`;
    return [name, box.left - left, box.top - top, box.width, box.height];
  });
}"""

# The parts of the hub that reach beyond the window or hide text of theirs, apart from text for screen readers.
MISFITS = """() => [...document.querySelectorAll(".nh-root, .nh-root *")]
  .filter(part => part.checkVisibility() && !part.closest(".nh-hidden, svg"))
  .filter(part => {
    const box = part.getBoundingClientRect();
    const { overflowX, webkitLineClamp } = getComputedStyle(part);
    const cut = overflowX !== "visible" && webkitLineClamp === "none" && part.scrollWidth > part.clientWidth + 1;
    return box.width > 1 && (cut || box.left < -1 || box.right > document.documentElement.clientWidth + 1);
  })
  .map(part => `${part.localName}.${part.className} ${part.textContent.trim().slice(0, 30)}`)"""


@pytest.fixture
def site(quiet_site: Site) -> Site:
    quiet_site.python(
        "from accounts.models import User; from notifications.signals import notify;"
        "alice, bob = (User.objects.get(username=name) for name in ('alice', 'bob'));"
        "[notify.send(bob, recipient=alice, verb='answered ' * words, level=level, url='/', description='Yes. ' * 9)"
        " for words, level in ((1, 'info'), (9, 'error'), (2, 'success'))]"
    )
    return quiet_site


@pytest.fixture
def host(page_for: People, site: Site) -> HostPage:
    page = page_for("alice", "/healthz", reduced_motion="reduce", base_url=site.url)
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    page.clock.set_fixed_time(datetime.now(UTC))  # "now" stays "now"
    return HostPage(page)


def open_panel(page: Page) -> None:
    page.locator("notification-bell button").first.click()
    expect(page.locator(".nh-panel .nh-row").first).to_be_visible()
    expect_live(page)
    page.mouse.move(1, 1)


def expect_live(page: Page) -> None:
    """Wait until the panel shows no words about its connection any more."""
    expect(page.locator("notification-bell .nh-state")).to_have_attribute("data-state", "live")


def boxes(page: Page, selector: str) -> list[tuple[str, float, float, float, float]]:
    return page.locator(selector).first.evaluate(BOXES)  # type: ignore[no-any-return]


def differences(page: Page, selector: str, wanted: list[tuple[str, float, float, float, float]]) -> list[str]:
    found = boxes(page, selector)
    assert [box[0] for box in found] == [box[0] for box in wanted]
    return [
        f"{box[0]}: {box[1:]} instead of {plain[1:]}"
        for box, plain in zip(found, wanted, strict=True)
        if any(abs(one - other) > TOLERANCE for one, other in zip(box[1:], plain[1:], strict=True))
    ]


def show_toast(page: Page, site: Site) -> None:
    """Show one that stays."""
    expect_live(page)
    site.python("notify.send(bob, recipient=alice, verb='waved', level='error', url='/', description='Hello.')")
    expect(page.locator(".nh-toast")).to_be_visible()


@pytest.mark.parametrize("direction", ["ltr", pytest.param("rtl", marks=[pytest.mark.exhaustive, pytest.mark.faults])])
def test_bell_and_panel_look_the_same_under_every_style_sheet(host: HostPage, direction: str) -> None:
    """Compare them from right to left with `FULL=1`, under two sheets."""
    sheets = SHEETS if direction == "ltr" else ["pico", "reset"]
    parts = ("notification-bell .nh-bell", ".nh-panel")
    attributes = f'dir="{direction}"'
    page = host.open(PREFERENCES, attributes=attributes)
    open_panel(page)
    plain = {part: boxes(page, part) for part in parts}

    for sheet in sheets:
        page.keyboard.press("Escape")
        host.restyle(sheet)
        open_panel(page)
        for part in parts:
            assert differences(page, part, plain[part]) == [], sheet
        assert page.evaluate(MISFITS) == [], sheet


def test_toasts_look_the_same_under_every_style_sheet(host: HostPage, site: Site) -> None:
    page = host.open(PREFERENCES)
    show_toast(page, site)
    plain = boxes(page, ".nh-toast")

    for sheet in ("pico", "reset"):
        host.restyle(sheet)
        assert differences(page, ".nh-toast", plain) == [], sheet


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
@pytest.mark.parametrize("path", [INBOX, PREFERENCES])
def test_pages_keep_their_layout_under_every_style_sheet(host: HostPage, path: str) -> None:
    """Compare boxes at one width and line height, because both are the host's to choose.

    Each page is under two of the sheets, or with `FULL=1` under three.
    """
    sheets = ["pico", "bootstrap", "reset"] if FULL else ["pico", "bootstrap" if path == INBOX else "reset"]
    same = "main { display: grid } .nh-page { max-width: 40rem; line-height: 1.5; text-align: start; }"
    page = host.open(path, css=same)
    plain = boxes(page, ".nh-page")
    assert plain[0][3] == 40 * 16

    for sheet in sheets:
        host.restyle(sheet, css=same)
        assert differences(page, ".nh-page", plain) == [], sheet
        assert page.evaluate(MISFITS) == [], sheet


def test_a_progress_bar_keeps_its_look_and_its_marks(host: HostPage, site: Site) -> None:
    path = site.python(
        "from notifications_hub.jobs.models import Job; from django.urls import reverse;"
        "job = Job.objects.create(owner=alice, title='Report', state='running', done=40, total=100, text='Row 40');"
        "print(reverse('report-job', args=[job.pk]))"
    ).strip()
    same = ".nh-task { width: 30rem; line-height: 1.5; }"
    plain = boxes(host.open(path, css=same), "task-progress")

    for sheet in ("pico", "reset"):
        host.restyle(sheet, css=same)
        assert differences(host.page, "task-progress", plain) == [], sheet
    host.page.emulate_media(forced_colors="active")
    bar = host.page.locator("task-progress progress")
    expect(bar).to_have_css("border-top-width", "1px")
    half = bar.screenshot()
    bar.evaluate("bar => bar.value = 90")
    assert bar.screenshot() != half


def test_a_host_changes_the_look_with_two_classes_wherever_its_style_sheet_stands(host: HostPage) -> None:
    page = host.open(PREFERENCES, "pico", css=":root { --nh-accent: rgb(1, 2, 3) } .nh-root .nh-button { margin: 3px }")

    save = page.locator(".nh-button.nh-primary").first
    expect(save).to_have_css("background-color", "rgb(1, 2, 3)")
    expect(save).to_have_css("margin", "3px")


SCHEMES = """(attributes) => {
  const root = document.documentElement;
  for (const [name, value] of Object.entries(attributes)) root.setAttribute(name, value);
  const colours = [".nh-panel", ".nh-toasts", ".nh-block"].map(part => {
    const { backgroundColor, color } = getComputedStyle(document.querySelector(part));
    return part === ".nh-toasts" ? color : backgroundColor;
  });
  for (const name of Object.keys(attributes)) root.removeAttribute(name);
  return colours;
}"""
LIGHT = [WHITE, "rgb(28, 30, 38)", WHITE]
DARK = ["rgb(27, 29, 35)", "rgb(236, 238, 244)", "rgb(27, 29, 35)"]


def test_the_hub_follows_the_colour_scheme_of_the_host(host: HostPage) -> None:
    page = host.open(PREFERENCES, css=".dark { color-scheme: dark } .both { color-scheme: light dark }")
    open_panel(page)
    assert page.evaluate(SCHEMES, {}) == LIGHT
    assert page.evaluate(SCHEMES, {"class": "dark"}) == DARK
    assert page.evaluate(SCHEMES, {"class": "both"}) == LIGHT
    assert page.evaluate(SCHEMES, {"data-theme": "dark"}) == DARK
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(SCHEMES, {}) == LIGHT, "a page without a colour scheme is light"
    assert page.evaluate(SCHEMES, {"class": "both"}) == DARK
    assert page.evaluate(SCHEMES, {"class": "both", "data-theme": "light"}) == LIGHT
    for sheet, attribute in (("bootstrap", "data-bs-theme"), ("pico", "data-theme")):
        host.restyle(sheet)
        assert page.evaluate(SCHEMES, {attribute: "light"}) == LIGHT
        assert page.evaluate(SCHEMES, {attribute: "dark"}) == DARK


def test_a_page_that_names_both_schemes_follows_the_system(page_for: People, site: Site) -> None:
    """Rely on the `<meta>` element alone."""
    page = page_for("alice", INBOX)
    page.locator("html").evaluate("root => root.style.colorScheme = 'normal'")
    open_panel(page)

    expect(page.locator(".nh-panel")).to_have_css("background-color", WHITE)
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".nh-panel")).not_to_have_css("background-color", WHITE)


@pytest.fixture
def in_chinese(site: Site) -> Iterator[None]:
    site.python("before = alice.language; User.objects.filter(pk=alice.pk).update(language='zh-hans')")
    yield
    site.python("User.objects.filter(pk=alice.pk).update(language=before)")


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
def test_text_of_twice_the_size_fits(host: HostPage) -> None:
    """Leave out without `FULL=1` what fits if the others do: the inbox on a screen, and preferences beside Chinese."""
    for size, path in ((WIDE, PREFERENCES), (PHONE, INBOX), *([(WIDE, INBOX), (PHONE, PREFERENCES)] if FULL else [])):
        expect_large_text_to_fit(host, path, size)


@pytest.mark.usefixtures("in_chinese")
def test_chinese_text_of_twice_the_size_fits_a_phone(host: HostPage) -> None:
    expect_large_text_to_fit(host, PREFERENCES, PHONE)
    expect(host.page.locator("html")).to_have_attribute("lang", "zh-hans")


def expect_large_text_to_fit(host: HostPage, path: str, size: dict[str, int]) -> None:
    host.page.set_viewport_size(size)  # type: ignore[arg-type]
    page = host.open(path, "bootstrap", css=":root:root { font-size: 200% !important }")
    open_panel(page)
    assert page.evaluate(MISFITS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert boxes(page, ".nh-panel")[0][3] == pytest.approx(min(26 * 32, size["width"] - 32), abs=1)


def test_marks_are_visible_in_forced_colours(host: HostPage) -> None:
    host.page.emulate_media(forced_colors="active")
    page = host.open(INBOX, "pico")
    open_panel(page)
    plain = page.locator(".nh-panel").evaluate("panel => getComputedStyle(panel).backgroundColor")

    expect(page.locator(".nh-badge").first).not_to_have_css("background-color", plain)
    expect(page.locator(".nh-row[data-unread] .nh-dot").first).not_to_have_css("background-color", plain)
    state = "getComputedStyle(document.querySelector('.nh-panel .nh-state'), '::before').backgroundColor"
    assert page.evaluate(state) != plain
    tabs = page.locator(".nh-tabs a")
    lines = tabs.evaluate_all("tabs => tabs.map(tab => getComputedStyle(tab).borderBottomColor)")
    current = tabs.evaluate_all("tabs => tabs.findIndex(tab => tab.hasAttribute('aria-current'))")
    assert [line != plain for line in lines] == [at == current for at in range(len(lines))]
