"""Scripts that swap a page's body in place of a new page: htmx's boost, in both of its generations, and Turbo Drive.

bin/test runs each of them, and what Turbo does in another way than htmx 4. `make exhaustive` does all with all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.hosts.conftest import StartProject
from tests.support.browser import People
from tests.support.host_project import HostProject
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCRIPTS = {
    "htmx2": "htmx.org/dist/htmx.min.js",
    "htmx4": "htmx4/dist/htmx.min.js",
    "turbo": "@hotwired/turbo/dist/turbo.es2017-umd.js",
}
URLS = """
urlpatterns += [path("<slug:script>/<slug:page>/", TemplateView.as_view(template_name="swapped.html"))]
"""
PAGE = """
{% load notifications_hub static %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ page }}</title>
<script defer src="{% static script %}.js"></script>
{% if script != "turbo" %}<script defer src="{% static "boosted-bell.js" %}"></script>{% endif %}</head>
<body hx-boost="true" hx-boost:inherited="true">
<nav>{% notification_bell title_count=True favicon_count=True %}</nav>
<main><h1>{{ page }}</h1>
<a href="/{{ script }}/first/">First</a> <a href="/{{ script }}/second/">Second</a>
<form method="post" action="/accounts/logout/">{% csrf_token %}<button>Sign out</button></form></main></body></html>
"""
BASE = """
{% load notifications_hub static %}<!doctype html>
<html lang="en"><head><title>inbox</title><script defer src="{% static "htmx2.js" %}"></script></head>
<body hx-boost="true"><nav>{% notification_bell %}</nav><main>{% block content %}{% endblock %}</main></body></html>
"""
ONLY_FULL = [pytest.mark.faults, pytest.mark.exhaustive]
WITH_TURBO = ["htmx4", "turbo", pytest.param("htmx2", marks=ONLY_FULL)]
RING = 'notify.send(person("bob"), recipient=person("alice"), verb="{}", url="/{}/second/")'


@pytest.fixture(scope="module")
def project(start_project: StartProject) -> HostProject:
    scripts = {f"static/{name}.js": (ROOT / "node_modules" / path).read_text() for name, path in SCRIPTS.items()}
    pages = {"templates/swapped.html": PAGE, "templates/notifications_hub/base.html": BASE}
    settings = 'STATICFILES_DIRS = [BASE_DIR / "static"]\n'
    return start_project("htmx and Turbo", files={"urls.py": URLS, "settings.py": settings, **pages, **scripts})


@pytest.fixture(params=["htmx4", *(pytest.param(name, marks=ONLY_FULL) for name in ("htmx2", "turbo"))])
def swapped(request: pytest.FixtureRequest, browser: Browser, project: HostProject) -> Iterator[Swapped]:
    people = People(browser, project)
    yield Swapped(project, request.param, people("alice", f"/{request.param}/first/"))
    people.close()


class Swapped:
    """Alice's page, whose body a script swaps."""

    def __init__(self, project: HostProject, script: str, page: Page) -> None:
        self.page, self.script, self.project = page, script, project
        self.wait_until_live()
        self.reconnected: list[str] = []
        page.on("websocket", lambda socket: self.reconnected.append(socket.url))
        page.evaluate("window.isSamePage = true")

    def wait_until_live(self) -> None:
        expect(self.page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")

    def ring(self, verb: str) -> None:
        self.project.python(RING.format(verb, self.script))

    def visit(self, name: str) -> None:
        self.page.locator("main").get_by_role("link", name=name, exact=True).click()
        self.arrived(name)

    def arrived(self, name: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(name.lower())
        assert self.page.evaluate("window.isSamePage"), "the page was loaded anew"


@pytest.mark.parametrize("swapped", SCRIPTS, indirect=True)
def test_swaps_keep_one_connection(swapped: Swapped) -> None:
    for name in ("Second", "First", "Second"):
        swapped.visit(name)
        swapped.wait_until_live()
    swapped.ring("counted")
    expect(swapped.page.locator("toast-stack").get_by_text("bob counted")).to_be_visible()
    assert swapped.reconnected == []


@pytest.mark.parametrize("swapped", WITH_TURBO, indirect=True)
def test_the_counts_in_title_and_icon_follow_swaps(swapped: Swapped) -> None:
    swapped.ring("titled")
    page = swapped.page
    expect(page.locator("toast-stack").get_by_text("bob titled")).to_be_visible()
    count = page.locator("notification-bell").get_attribute("unread")
    expect(page).to_have_title(f"({count}) first")
    swapped.visit("Second")
    expect(page).to_have_title(f"({count}) second")
    page.go_back()
    swapped.arrived("First")
    expect(page).to_have_title(f"({count}) first")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("^data:image/png"))


def test_a_visible_toast_survives_a_swap(swapped: Swapped) -> None:
    swapped.ring("stayed")
    toast = swapped.page.locator("toast-stack").get_by_text("bob stayed")
    expect(toast).to_be_visible()
    swapped.visit("Second")
    expect(toast).to_be_visible()
    swapped.visit("First")
    toast.click()
    swapped.arrived("Second")
    expect(toast).to_be_hidden()


def test_links_in_the_panel_swap_too(swapped: Swapped) -> None:
    swapped.ring(f"linked-{swapped.script}")
    swapped.page.get_by_role("button", name="Notifications").click()
    swapped.page.get_by_role("dialog").get_by_role("link", name=f"bob linked-{swapped.script}").click()
    swapped.arrived("Second")
    expect(swapped.page.get_by_role("dialog")).to_be_hidden()
    newest = 'print(Notification.objects.latest("pk").read_at is not None)'
    wait_until(lambda: swapped.project.python(newest) == "True", what="marking it as read")
    assert swapped.reconnected == []


def test_a_toast_after_a_swap_counts_as_delivered(swapped: Swapped) -> None:
    swapped.visit("Second")
    swapped.ring("arrived")
    expect(swapped.page.locator("toast-stack").get_by_text("bob arrived")).to_be_visible()
    newest = 'print(Notification.objects.latest("pk").delivered_by)'
    wait_until(lambda: swapped.project.python(newest) == "live", what="the acknowledgement")


@pytest.mark.parametrize("swapped", WITH_TURBO, indirect=True)
def test_going_back_shows_no_toast_again(swapped: Swapped) -> None:
    swapped.ring("once")
    toast = swapped.page.locator("toast-stack").get_by_text("bob once")
    expect(toast).to_be_visible()
    swapped.visit("Second")
    swapped.page.get_by_role("button", name="Dismiss: bob once").click()
    expect(toast).to_be_hidden()
    swapped.page.go_back()
    swapped.arrived("First")
    swapped.ring("twice")
    expect(swapped.page.locator("toast-stack").get_by_text("bob twice")).to_be_visible()
    expect(toast).to_have_count(0)
    swapped.wait_until_live()


def test_a_boosted_form_of_the_inbox_page_is_sent_once(browser: Browser, project: HostProject) -> None:
    project.python(RING.format("filed", "htmx2"))
    people = People(browser, project)
    page = people("alice", "/notifications/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="Mark as read: bob filed").click()
    expect(page.get_by_role("button", name="Mark as unread: bob filed")).to_be_visible()
    page.goto("about:blank")
    people.close()
    assert [url for url in sent if "/seen/" not in url] == [f"{project.url}/api/v1/notifications/read/"]


@pytest.mark.parametrize("swapped", WITH_TURBO, indirect=True)
def test_the_next_person_sees_nothing_of_the_last(swapped: Swapped) -> None:
    swapped.ring("whispered")
    expect(swapped.page.locator("toast-stack").get_by_text("bob whispered")).to_be_visible()
    bob = swapped.project.visitor("bob").cookies["sessionid"]
    swapped.page.context.add_cookies([{"name": "sessionid", "value": bob, "url": swapped.project.url}])
    swapped.visit("Second")
    expect(swapped.page.get_by_text("bob whispered")).to_have_count(0)
    swapped.wait_until_live()
    swapped.page.get_by_role("button", name="Notifications").click()
    expect(swapped.page.get_by_role("dialog").get_by_text("All quiet")).to_be_visible()


def test_signing_out_leaves_nothing_behind(swapped: Swapped) -> None:
    swapped.ring("murmured")
    expect(swapped.page.locator("toast-stack").get_by_text("bob murmured")).to_be_visible()
    swapped.page.get_by_role("button", name="Sign out").click()
    expect(swapped.page.locator("notification-bell")).to_have_count(0)
    expect(swapped.page).not_to_have_title(re.compile(r"^\("))
    expect(swapped.page.locator("link[rel=icon]")).to_have_count(0)
    expect(swapped.page.get_by_text("bob murmured")).to_have_count(0)
