"""One journey through the inbox in six ways: keys, no scripts, 320 px, Chinese, touch and forced colours.

Each way says how its person presses, writes and marks, and what must be true of the page after every step. bin/test
joins the ways that go together: keys with forced colours, and touch with 320 px and Chinese. There, keys begin a few
stops before a control that is far away, for hundreds of stops cost more than the rest. By keys it does not snooze,
answer and mark several; test_shortcuts.py has keys for several. `FULL=1` takes each way alone, whole, and each stop.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.test_host_styles import MISFITS
from tests.browser.test_swipes import finger
from tests.support.full import FULL
from tests.support.inbox_page import PATH, archived, prepare, ready, unread
from tests.support.processes import wait_until
from tests.support.site import PASSWORD, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

SAVED, SNOOZED = (f"{PATH}?show={show}" for show in ("saved", "snoozed"))
PREFERENCES = "/notifications/preferences/"


class Way:
    """The pages by a pointer. Other ways change how a control is used, and what is checked after a step."""

    options: dict[str, object] = {}
    language = "en"
    has_scripts = True

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self._name, self._step = name, 0

    def press(self, control: Locator) -> None:
        control.click()

    def write(self, field: Locator, text: str) -> None:
        field.fill(text)

    def choose(self, box: Locator) -> None:
        """Check or uncheck a box."""
        self.press(box)

    def follow(self, link: Locator) -> None:
        """Press what opens another page, and wait for that page."""
        with self.page.expect_navigation():
            self.press(link)
        self.settle()

    def open(self, path: str) -> None:
        """Type an address."""
        self.page.goto(path)
        self.settle()

    def settle(self) -> None:
        if self.page.locator("inbox-page").count():
            ready(self.page)

    def come_back(self, card: Locator) -> None:
        """Go back to the inbox after `card` was opened."""
        self.page.go_back()
        self.settle()

    def mark(self, card: Locator, action: str) -> None:
        self.press(card.locator(f"button[value={action}]"))

    def select_all(self) -> None:
        self.choose(self.page.locator("[data-part=pick-all]"))

    def undo(self) -> None:
        self.press(self.page.locator("inbox-page > .nh-notice[data-undo] [data-part=notice-action]"))

    def look(self) -> None:
        """Check the page after a step."""
        self._step += 1
        if folder := os.environ.get("SHOTS"):
            self.page.screenshot(path=Path(folder) / f"{self._name}-{self._step:02}.png")


class Keys(Way):
    """The pages by keys alone: the browser's own and the shortcuts."""

    def press(self, control: Locator) -> None:
        self.reach(control)
        self.page.keyboard.press("Enter")

    def choose(self, box: Locator) -> None:
        self.reach(box)
        self.page.keyboard.press("Space")

    def write(self, field: Locator, text: str) -> None:
        self.reach(field)
        self.page.keyboard.type(text)

    def mark(self, card: Locator, action: str) -> None:
        shortcuts = {"read": "u", "save": "s", "archive": "e"}
        while not card.evaluate("card => card === document.activeElement"):
            self.page.keyboard.press("j")
        self.page.keyboard.press(shortcuts[action])

    def undo(self) -> None:
        self.page.keyboard.press("Control+z")

    def reach(self, control: Locator) -> None:
        """Move the focus there, by the shorter way."""
        expect(control).to_be_visible()
        if not FULL:
            control.evaluate(COME_NEAR)
        key = "Shift+Tab" if control.evaluate(IS_BEFORE) else "Tab"
        for _ in range(150):
            if control.evaluate("control => control === document.activeElement"):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{control} is not reached by {key}")


COME_NEAR = """control => {
  const all = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]");
  const stops = [...all].filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility());
  const [at, here] = [control, document.activeElement].map(one => stops.indexOf(one));
  if (at > 3 && (here < 0 || Math.abs(at - here) > 5)) stops[at - 3].focus();
}"""
IS_BEFORE = """control => {
  const here = document.activeElement;
  return here !== document.body && !!(here.compareDocumentPosition(control) & Node.DOCUMENT_POSITION_PRECEDING);
}"""


class NoScripts(Way):
    """Every mark opens the page anew."""

    options = {"java_script_enabled": False}
    has_scripts = False

    def settle(self) -> None:
        pass

    def come_back(self, card: Locator) -> None:
        """Mark by hand what was opened: without scripts, a link to a page of the site leads straight there."""
        super().come_back(card)
        self.mark(card, "read")

    def mark(self, card: Locator, action: str) -> None:
        self.follow(card.locator(f"button[value={action}]"))

    def select_all(self) -> None:
        """The bar appears once one is selected."""
        self.choose(self.page.locator(".nh-card .nh-pick").first)
        self.choose(self.page.locator("[data-part=whole]"))

    def undo(self) -> None:
        self.follow(self.page.locator("[data-part=done] [data-part=notice-action]"))


class Narrow(Way):
    options = {"viewport": {"width": 320, "height": 568}}

    def look(self) -> None:
        super().look()
        assert self.page.evaluate("document.documentElement.scrollWidth") <= 320
        assert self.page.evaluate(MISFITS) == []


class Chinese(Way):
    options = {"locale": "zh-CN"}
    language = "zh-hans"

    def look(self) -> None:
        super().look()
        texts: list[str] = self.page.evaluate(TEXTS)
        foreign = [text for text in texts if re.search(r"[A-Za-z]{2}", DATA.sub("", text))]
        assert not foreign, foreign


# What people read on a page, also by a screen reader or under the pointer.
TEXTS = """() => {
  const parts = [...document.querySelectorAll("body *")].filter(part => part.checkVisibility());
  const own = part => [...part.childNodes].filter(node => node.nodeType === Node.TEXT_NODE).map(node => node.data);
  const names = part => ["aria-label", "title", "placeholder", "alt"].map(name => part.getAttribute(name) ?? "");
  return [document.title, ...parts.flatMap(part => [...own(part), ...names(part)])].filter(text => text.trim());
}"""
DATA = re.compile(
    r"Notifications Hub|[Aa]lice|[Bb]ob|[Cc]harlie|guest|admin|demo|Trying out the new notification bell"
    r"|Workshop|English|API|Chromium|Chrome|Linux|Firefox|Ctrl|Esc|Enter|Shift|F6|[\w.]+@[\w.]+|UTC|Europe/\w+|https?://\S+"
)


class Touch(Way):
    """Taps, and swipes where the page has them."""

    options: dict[str, object] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

    def press(self, control: Locator) -> None:
        control.tap()

    def mark(self, card: Locator, action: str) -> None:
        if action == "save":
            super().mark(card, action)
            return
        with finger(self.page, card) as one:
            one.move(-180 if action == "archive" else 180)

    def undo(self) -> None:
        # To the browser, a tap right after a swipe is a part of the same gesture, and no click.
        self.page.wait_for_timeout(2000)
        super().undo()


class ChinesePhone(Touch, Narrow, Chinese):
    """A narrow telephone of somebody who reads Chinese."""

    options = {**Touch.options, **Narrow.options, **Chinese.options}


class ForcedColours(Keys):
    """Keys again. The focus, the icons and the selection must be seen without colours of ours."""

    options = {"forced_colors": "active", "color_scheme": "dark"}

    def reach(self, control: Locator) -> None:
        super().reach(control)
        assert self.page.evaluate(RING), f"no ring around {control}"

    def look(self) -> None:
        super().look()
        assert self.page.evaluate(PALE) == []


RING = """() => {
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(document.activeElement);
  return outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && outlineColor !== "rgba(0, 0, 0, 0)";
}"""
# Icons that are painted in the colour of what is behind them.
PALE = """() => {
  const clear = "rgba(0, 0, 0, 0)";
  const behind = part => {
    for (let at = part; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (colour !== clear) return colour;
    }
    return "rgb(0, 0, 0)";
  };
  return [...document.querySelectorAll(".nh-root svg")].filter(icon => icon.checkVisibility()).filter(icon => {
    const { stroke, fill } = getComputedStyle(icon.querySelector("path, circle, rect, use") ?? icon);
    return [stroke, fill].every(paint => ["none", clear, behind(icon)].includes(paint));
  }).map(icon => icon.outerHTML.slice(0, 80) + icon.parentElement.className);
}"""


@pytest.fixture
def site(quiet_site: Site) -> Iterator[Site]:
    prepare(quiet_site)
    quiet_site.python("""
        from showcase.chat import rooms
        from showcase.models import Post
        charlie = User.objects.get(username="charlie")
        # A person may ask three times a minute, so each test has its own.
        guest = User.objects.create_user("guest")
        notify.send(alice, recipient=alice, verb="changed", kind="house.rules", url="/")
        for number in range(1, 7):
            text = "花园" if number == 3 else ""
            place = f"/notifications/following/?{number}"
            notify.send(bob, recipient=alice, verb=f"👋 {number}", description=text, url=place)
        post = Post.objects.get(title="Trying out the new notification bell")
        for person in (bob, charlie):
            given = {"kind": "comment.reply", "group_key": "post-9", "target": post}
            notify.send(person, recipient=alice, verb="replied", **given)
        rooms.ask("workshop", guest)
        language = alice.language
    """)
    yield quiet_site
    quiet_site.python("User.objects.filter(pk=alice.pk).update(language=language); guest.delete()")


ONE_BY_ONE = (Keys, NoScripts, Narrow, Chinese, Touch, ForcedColours)
TOGETHER = (NoScripts, ChinesePhone, ForcedColours)


@pytest.mark.exhaustive
@pytest.mark.faults(short=True)
@pytest.mark.parametrize("kind", ONE_BY_ONE if FULL else TOGETHER)
def test_an_inbox_is_worked_through(browser: Browser, site: Site, kind: type[Way]) -> None:
    site.python(f"User.objects.filter(pk=alice.pk).update(language={kind.language!r})")
    context = browser.new_context(base_url=site.url, reduced_motion="reduce", **kind.options)  # type: ignore[arg-type]
    try:
        journey(kind(context.new_page(), kind.__name__.lower()), site)
    finally:
        context.close()


def journey(way: Way, site: Site) -> None:
    sign_in(way)
    find(way)
    mark_one_by_one(way, site)
    if FULL or not isinstance(way, Keys):
        snooze_and_save(way, site)
        answer(way)
        mark_all(way, site)
    change_a_preference(way)


def sign_in(way: Way) -> None:
    page = way.page
    way.open("/accounts/login/")
    way.look()
    way.write(page.locator("#id_username"), "alice")
    way.write(page.locator("#id_password"), PASSWORD)
    way.follow(page.locator("main form.form button[type=submit]"))
    way.open(PATH)
    expect(page.locator(".nh-card")).to_have_count(9)
    way.look()


def find(way: Way) -> None:
    page = way.page
    way.follow(page.locator("[data-part=kind-tabs] a[data-tab=Conversations]"))
    expect(page.locator(".nh-card")).to_have_count(1)
    expect(page.locator(".nh-card [data-part=group]")).to_contain_text("2")
    way.look()
    way.follow(page.locator(".nh-card [data-part=group]"))
    expect(page.locator(".nh-card")).to_have_count(2)
    way.look()
    way.follow(page.locator(".nh-group-head a"))
    way.write(page.locator("[name=q]"), "花园")
    way.follow(page.locator(".nh-filter button[type=submit]"))
    expect(page.locator(".nh-card")).to_have_count(1)
    expect(page.locator(".nh-card mark")).to_have_text("花园")
    way.look()
    way.follow(page.locator(".nh-clear"))


def mark_one_by_one(way: Way, site: Site) -> None:
    page = way.page
    with page.expect_navigation(url="**/following/?6"):
        way.press(card(page, 6).locator("[data-part=link]"))
    way.look()
    way.come_back(card(page, 6))
    expect(card(page, 6)).not_to_have_attribute("data-unread", "")
    before = unread(site)
    way.mark(card(page, 5), "read")
    expect(card(page, 5)).not_to_have_attribute("data-unread", "")
    # The notice of a change comes with its answer, and an undo takes back the one that is shown.
    wait_until(lambda: unread(site) != before, what="the read one on the server")
    page.wait_for_timeout(500)
    way.look()
    way.mark(card(page, 4), "archive")
    expect(card(page, 4)).to_have_count(0)
    wait_until(lambda: archived(site) == "1", what="the change on the server")
    way.look()
    page.wait_for_timeout(1000)
    way.undo()
    expect(card(page, 4)).to_be_visible()
    wait_until(lambda: archived(site) == "0", what="the undo on the server")


def snooze_and_save(way: Way, site: Site) -> None:
    page = way.page
    way.mark(card(page, 2), "save")
    expect(card(page, 2)).to_have_attribute("data-saved", "")
    way.press(card(page, 1).locator("[data-part=snooze] > button"))
    choice = page.locator(".nh-snooze-menu:popover-open button[value=tomorrow]")
    expect(choice).to_be_visible()
    way.look()
    (way.press if way.has_scripts else way.follow)(choice)
    expect(card(page, 1)).to_have_count(0)
    wait_until(lambda: kept(site) == "1 1", what="both changes on the server")
    way.look()
    way.follow(page.locator(".nh-tabs a[href*='show=snoozed']"))
    expect(page.locator(".nh-card")).to_have_count(1)
    expect(card(page, 1)).to_be_visible()
    way.look()
    way.follow(page.locator(".nh-tabs a[href*='show=saved']"))
    expect(page.locator(".nh-card")).to_have_count(1)
    expect(card(page, 2)).to_be_visible()
    way.look()
    way.follow(page.locator(".nh-tabs a[href*='show=all']"))


def answer(way: Way) -> None:
    page = way.page
    question = page.locator(".nh-card", has=page.locator("[data-act=approve]"))
    outcome = page.locator(".nh-outcome:visible")
    (way.press if way.has_scripts else way.follow)(question.locator("[data-act=approve]"))
    expect(outcome).to_contain_text("Alice")
    way.look()
    confirm = page.locator("[data-part=confirm] button")
    (way.press if way.has_scripts else way.follow)(confirm)
    expect(confirm).to_be_hidden()
    way.look()


def mark_all(way: Way, site: Site) -> None:
    page = way.page
    way.select_all()
    way.look()
    read = page.locator("[data-part=bulk-actions] button[value=read]")
    (way.press if way.has_scripts else way.follow)(read)
    expect(page.locator(".nh-card[data-unread]")).to_have_count(0)
    wait_until(lambda: unread(site) == "1", what="all but the snoozed one read")
    way.look()


def change_a_preference(way: Way) -> None:
    page = way.page
    way.follow(page.locator(f".nh-page-head a[href='{PREFERENCES}']"))
    way.look()
    switch = page.locator("[name='comment.reply:web_push']")
    expect(switch).to_be_checked()
    way.choose(switch)
    if way.has_scripts:
        expect(page.locator("[data-row='comment.reply'] [data-part=state]")).to_have_text(re.compile("Saved|已保存"))
    else:
        way.follow(page.locator(".nh-save"))
    page.reload()
    expect(switch).not_to_be_checked()
    way.look()


def kept(site: Site) -> str:
    """Return how many are saved, and how many are snoozed."""
    return site.python("""
        rows = Notification.objects.filter(recipient=alice)
        print(rows.filter(saved_at__isnull=False).count(), rows.filter(snoozed_until__isnull=False).count())
    """).strip()


def card(page: Page, number: int) -> Locator:
    return page.locator(".nh-card").filter(has_text=re.compile(rf"👋 {number}\b"))
