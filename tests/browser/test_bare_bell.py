"""`<notification-bell api="/api/v1/">` from one script tag, on a page that no template of the site rendered."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, Route, expect

from tests.support.browser import People
from tests.support.processes import wait_until
from tests.support.site import Site

POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"
PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><title>Bare</title>
<script type="module" src="/static/notifications_hub/dist/elements.js"></script>
<notification-bell api="/api/v1/"></notification-bell><h1>A page of a front end</h1></html>"""
SEND = """
from accounts.models import User
from notifications.signals import notify
alice, bob = (User.objects.get(username=name) for name in ("alice", "bob"))
notify.send(bob, recipient=alice, verb="{verb}", url="/showcase/")
"""
ROUTE = """() => document.addEventListener("item-open", (event) => {
  event.preventDefault();
  document.title = document.title.replace("Bare", "") + event.url;
})"""
CANCEL = """() => document.addEventListener("toast-due", (event) => {
  if (event.item.title === "Bob hid") event.preventDefault();
})"""


def bare(people: People, name: str | None, lang: str) -> Page:
    """Open a page that consists of the script and the element, under a strict policy."""

    def answer(route: Route) -> None:
        headers = {"Content-Type": "text/html", "Content-Security-Policy": POLICY}
        route.fulfill(body=PAGE.format(lang=lang), headers=headers)

    page = people(name, "/healthz")
    page.route("**/bare/", answer)
    page.goto(page.url.replace("/healthz", "/bare/"))
    return page


def test_the_bell_of_a_page_without_a_template_counts_lists_marks_and_toasts(
    people_of: Callable[[Site], People], quiet_site: Site
) -> None:
    people = people_of(quiet_site)
    quiet_site.python(SEND.format(verb="knocked"))
    page = bare(people, "alice", "en")
    bell = page.get_by_role("button", name="Notifications, 1 unread")
    expect(bell).to_be_visible()
    expect(bell.locator("[data-part=badge]")).to_have_css("position", "absolute")

    bell.click()
    panel = page.get_by_role("dialog", name="Notifications")
    expect(panel.locator("[data-part=state]")).to_have_attribute("data-state", "live")
    panel.get_by_role("button", name="Mark as read: Bob knocked").click()
    expect(page.get_by_role("button", name="Notifications", exact=True)).to_be_visible()
    wait_until(lambda: quiet_site.python("print(alice.notifications.unread().count())").strip() == "0", what="the mark")

    page.evaluate(ROUTE)
    panel.get_by_role("link", name="Bob knocked").click()
    expect(panel).to_be_hidden()
    expect(page).to_have_title("/showcase/")

    page.evaluate(CANCEL)
    for verb in ("hid", "waved"):
        quiet_site.python(SEND.format(verb=verb))
    toast = page.locator("toast-stack").get_by_text("Bob waved")
    expect(toast).to_be_visible()
    expect(page.locator("toast-stack").get_by_text("Bob hid")).to_have_count(0)
    delivered = 'print(*alice.notifications.order_by("-pk").values_list("delivered_by", flat=True)[:2])'
    wait_until(lambda: quiet_site.python(delivered).split() == ["live", "live"], what="both acknowledgements")
    toast.click()
    expect(page).to_have_title("/showcase//showcase/")
    expect(toast).to_be_hidden()

    chinese = bare(people, "alice", "zh-hans")
    chinese.get_by_role("button", name="通知").first.click()
    expect(chinese.get_by_role("heading", name="通知")).to_be_visible()


def test_it_shows_nothing_while_nobody_is_signed_in(people_of: Callable[[Site], People], quiet_site: Site) -> None:
    with_answer = bare(people_of(quiet_site), None, "en")
    expect(with_answer.get_by_role("heading")).to_be_visible()
    assert with_answer.locator("notification-bell").inner_html() == ""
