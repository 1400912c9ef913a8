"""Toasts, and how they are announced, which is read from Chromium's accessibility tree and not from the DOM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.support.processes import wait_until
from tests.support.site import Site

if TYPE_CHECKING:
    from tests.support.browser import People

LONG = "The quarterly import of customer records stopped because the file has 1,284 lines without a customer number"
PHONES = [
    # width, height, size of text in percent, the largest part of the height that toasts may cover
    (375, 667, 100, 0.3),
    (320, 568, 100, 0.3),
    (375, 667, 200, 0.5),
    (320, 568, 200, 0.5),
    (667, 375, 100, 0.3),
    (667, 375, 200, 0.5),
]
SHOW = "(items) => document.querySelector('toast-stack').show(items, '', {now: true})"
COVERED = """() => {
  const boxes = [...document.querySelectorAll(".nh-toast:not([inert]), .nh-toast-foot")]
    .map((part) => part.getBoundingClientRect());
  return (innerHeight - Math.min(...boxes.map(({top}) => top))) / innerHeight;
}"""
SWAP_BODY = """async () => {
  const text = await (await fetch(location.href)).text();
  document.body.replaceWith(new DOMParser().parseFromString(text, "text/html").body);
}"""
IN_STACK = "document.activeElement.closest('toast-stack') !== null"


class Spoken(NamedTuple):
    """A text in a live region of the accessibility tree."""

    text: str
    live: str


@pytest.fixture
def site(quiet_site: Site) -> Site:
    return quiet_site


@pytest.fixture
def page(page_for: People) -> Page:
    return page_for("alice")


def test_an_error_is_announced_once_in_a_region_that_was_there_before(page_for: People, site: Site) -> None:
    tabs = [page_for("alice"), page_for("alice")]
    for tab in tabs:
        expect(tab.locator("[data-part=state]")).to_have_attribute("data-state", "live")
        assert _regions(tab) == ["polite", "assertive"]
        assert _spoken(tab) == []
    site.python(
        "from accounts.models import User; from notifications.signals import notify;"
        "alice, bob = (User.objects.get(username=name) for name in ('alice', 'bob'));"
        "notify.send(bob, recipient=alice, verb='broke the import', description='Line 9 has no date', level='error')"
    )

    wait_until(lambda: any(_spoken(tab) for tab in tabs), what="an announcement")
    for tab in tabs:
        tab.wait_for_function("document.querySelector('toast-stack').waiting.length === 0")
    [spoken] = [spoken for tab in tabs for spoken in _spoken(tab)]
    assert spoken == ("Error: Bob broke the import. Line 9 has no date", "assertive")


def test_toasts_are_read_in_order_and_the_same_words_twice_if_they_came_twice(page: Page) -> None:
    _show(page, _item("1", "Saved"))
    _show(page, _item("2", "Saved"))
    _show(page, *(_item(f"3{number}", f"Reply {number}") for number in range(8)))

    _expect_spoken(page, "Saved", "Saved", "Reply 5", "and 7 more")


def test_a_toast_is_announced_inside_an_open_modal_dialog(page: Page) -> None:
    page.evaluate("""() => {
        const dialog = document.createElement("dialog");
        document.body.append(dialog);
        dialog.showModal();
    }""")
    _show(page, _item("1", "Over the dialog"))
    _expect_spoken(page, "Over the dialog")

    page.evaluate("document.querySelector('dialog').close()")
    _show(page, _item("2", "After the dialog"))
    _expect_spoken(page, "After the dialog")


def test_a_toast_is_announced_after_the_body_was_swapped_with_or_without_its_region(page: Page) -> None:
    _show(page, _item("1", "Before"))
    _expect_spoken(page, "Before")
    for number, title in enumerate(("After", "Without a region"), start=2):
        page.evaluate(SWAP_BODY)
        if title != "After":
            page.evaluate("document.querySelector('[data-announcer]').remove()")
        expect(page.locator("notification-bell button.nh-bell")).to_be_visible()

        _show(page, _item(str(number), title))
        _expect_spoken(page, title)


def test_dismissing_or_withdrawing_toasts_moves_the_focus_on_and_then_back(page: Page) -> None:
    _a_withdrawn_toast_passes_its_focus_to_the_bell_if_nothing_had_it_before(page)
    field = page.get_by_label("Title")
    field.focus()
    _show(page, _item("1", "First"), _item("2", "Second"), _item("3", "Third"))
    dismiss = page.get_by_role("button", name="Dismiss: ")
    expect(dismiss).to_have_count(3)

    page.keyboard.press("F6")
    expect(page.get_by_role("link", name="Third")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Second")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Dismiss: First")).to_be_focused()
    page.keyboard.press("F6")
    expect(field).to_be_focused()
    page.keyboard.press("F6")
    page.keyboard.press("Escape")
    expect(field).to_be_focused()
    expect(page.locator("toast-stack")).to_be_hidden()


def _a_withdrawn_toast_passes_its_focus_to_the_bell_if_nothing_had_it_before(page: Page) -> None:
    _show(page, _item("8", "First"), _item("9", "Second"))
    page.keyboard.press("F6")
    page.evaluate("document.querySelector('toast-stack').withdraw(['9'])")
    expect(page.get_by_role("link", name="First")).to_be_focused()
    page.evaluate("document.querySelector('toast-stack').withdraw(['8'])")
    expect(page.locator("notification-bell button.nh-bell")).to_be_focused()
    expect(page.locator(".nh-toast")).to_have_count(0)


def test_a_focused_toast_stays_and_one_dismissed_by_mouse_does_not_hold_the_others(page_for: People) -> None:
    page = page_for("alice", "/healthz")
    page.clock.install()
    page.goto(page.url.replace("/healthz", "/"))
    page.locator("notification-bell button.nh-bell").wait_for()
    _show(page, _item("1", "First"), _item("2", "Second"))
    page.keyboard.press("F6")
    page.clock.run_for(60_000)
    expect(page.locator(".nh-toast")).to_have_count(2)

    page.get_by_role("button", name="Dismiss: Second").click()
    page.mouse.move(5, 5)
    assert not page.evaluate(IN_STACK)
    page.clock.run_for(9_000)
    expect(page.locator(".nh-toast")).to_have_count(0)


def test_toasts_cover_little_of_a_phone_and_their_level_is_a_mark_and_a_word(page: Page) -> None:
    for width, height, size, most in PHONES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("(size) => { document.documentElement.style.fontSize = `${size}%`; }", size)
        _show(page, *(_item(f"{width}{size}{number}", LONG, body=LONG) for number in range(3)))
        expect(page.locator(".nh-toast:not([inert])")).to_have_count(1)
        expect(page.locator(".nh-more")).to_have_text("and 2 more")
        assert page.evaluate(COVERED) <= most, (width, height, size)
        assert all(_is_inside(page, selector) for selector in (".nh-toast", ".nh-toast-foot"))
        page.evaluate("document.querySelector('toast-stack').dismissAll()")
        expect(page.locator(".nh-toast")).to_have_count(0)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.evaluate("document.documentElement.style.fontSize = ''")
    _the_level_is_a_mark_and_a_word_also_in_forced_colours(page)


def test_on_a_phone_toasts_take_turns_errors_stay_and_all_are_dismissed(page_for: People) -> None:
    page = page_for("alice", "/healthz", viewport={"width": 375, "height": 667})
    page.clock.install()
    page.goto(page.url.replace("/healthz", "/"))
    page.locator("notification-bell button.nh-bell").wait_for()
    _show(page, _item("1", "Broken", level="error"), _item("2", "Second"), _item("3", "Third"))
    shown, more = page.locator(".nh-toast:not([inert])"), page.locator("[data-part=more]")
    for title, others in (("Third", "and 2 more"), ("Second", "and 1 more")):
        expect(shown).to_have_count(1)
        expect(shown).to_contain_text(title)
        expect(more).to_have_text(others)
        page.clock.run_for(9_000)
    page.clock.run_for(600_000)
    expect(shown).to_contain_text("Broken")
    expect(more).to_be_hidden()
    expect(page.get_by_role("button", name="Dismiss all")).to_be_hidden()

    page.set_viewport_size({"width": 1280, "height": 800})
    _show(page, *(_item(f"4{number}", f"News {number}") for number in range(5)))
    expect(shown).to_have_count(3)
    expect(more).to_have_text("and 3 more")
    page.keyboard.press("F6")
    page.get_by_role("button", name="Dismiss all").press("Enter")
    page.clock.run_for(1_000)
    expect(page.locator("toast-stack")).to_be_hidden()
    expect(page.locator("notification-bell button.nh-bell")).to_be_focused()


def _the_level_is_a_mark_and_a_word_also_in_forced_colours(page: Page) -> None:
    page.emulate_media(forced_colors="active")
    levels = {"success": ("Success:", "✓"), "warning": ("Warning:", "!"), "error": ("Error:", "×")}
    _show(page, *(_item(level, "Import", level=level) for level in levels))
    for level, (word, mark) in levels.items():
        toast = page.locator(f".nh-toast[data-level={level}]")
        expect(toast.get_by_role("link", name=f"{word} Import", exact=True)).to_be_visible()
        assert mark in toast.locator(".nh-disc").evaluate("(disc) => getComputedStyle(disc, '::after').content")
        canvas = toast.evaluate("(toast) => getComputedStyle(toast).backgroundColor")
        for part in (toast, toast.locator(".nh-icon-button")):
            style = part.evaluate("(part) => [getComputedStyle(part).borderTopWidth, getComputedStyle(part).color]")
            assert style[0] != "0px"
            assert style[1] != canvas


def _item(key: str, title: str, *, body: str = "", level: str = "info") -> dict[str, object]:
    flags = {"unread": True, "seen": False, "archived": False, "delivered": False, "toast": True}
    words = {"title": title, "body": body, "url": "/notifications/", "level": level, "icon": "bell"}
    return {"id": key, "kind": "test", "tag": key, "at": "2026-11-20T12:00:00Z", **words, **flags}


def _show(page: Page, *items: dict[str, object]) -> None:
    page.evaluate(SHOW, list(items))


def _expect_spoken(page: Page, *texts: str) -> None:
    """Wait for the last text, and compare all that the live regions of the tree hold then."""
    wait_until(lambda: texts[-1] in [text for text, _ in _spoken(page)], what=f"{texts[-1]!r} in a live region")
    assert [text for text, _ in _spoken(page)] == list(texts)


def _spoken(page: Page) -> list[Spoken]:
    """Return the texts inside live regions, as assistive technology finds them."""
    return [
        Spoken(node["name"]["value"], live)
        for node, live in _live_nodes(page)
        if node["role"]["value"] == "StaticText" and live in ("polite", "assertive")
    ]


def _regions(page: Page) -> list[str]:
    """Return how urgent the tree's empty and filled live regions are."""
    return [live for node, live in _live_nodes(page) if node.get("role", {}).get("value") == "log"]


def _live_nodes(page: Page) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield the nodes of the accessibility tree with the live setting that they inherit."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    by_id = {node["nodeId"]: node for node in nodes}
    for node in nodes:
        if not node["ignored"]:
            yield node, _live_of(node, by_id)


def _live_of(node: dict[str, Any] | None, by_id: dict[str, dict[str, Any]]) -> str:
    while node is not None:
        for one in node.get("properties", []):
            if one["name"] == "live":
                return str(one["value"]["value"])
        node = by_id.get(node.get("parentId", ""))
    return ""


def _is_inside(page: Page, selector: str) -> bool:
    box = page.locator(f"{selector}:not([inert])").first.bounding_box()
    assert box is not None
    return box["x"] >= 0 and box["x"] + box["width"] <= page.evaluate("innerWidth")
