"""A policy that allows only scripts and styles with the page's nonce: by django-csp, and by Django's own middleware."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import django
import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.hosts.conftest import StartProject
from tests.support.browser import People
from tests.support.host_project import HostProject

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECTIONS = ["django-csp"]
if django.VERSION >= (6, 0):
    SECTIONS.append("Django's own content security policy")


@pytest.fixture(scope="module", params=SECTIONS)
def project(request: pytest.FixtureRequest, start_project: StartProject) -> HostProject:
    return start_project(request.param)


@pytest.mark.parametrize("sockets", ["WebSockets", "no WebSockets"])
def test_bell_toasts_and_pages_work_without_a_violation(browser: Browser, project: HostProject, sockets: str) -> None:
    # It fails for each violation that the console reports.
    people = People(browser, project)
    page = people("alice", "/")
    if sockets == "no WebSockets":
        page.route_web_socket(re.compile("/live/ws/"), _close)
        page.reload()
    live = page.locator("notification-bell [data-part=state]")
    expect(live).to_have_attribute("data-state", "live", timeout=30_000)
    project.python('notify.send(person("bob"), recipient=person("alice"), verb="waved", url="/")')
    expect(page.locator("toast-stack").get_by_text("bob waved")).to_be_visible()
    page.get_by_role("button", name="Notifications").click()
    expect(page.get_by_role("dialog").get_by_text("bob waved").first).to_be_visible()
    page.goto(project.url + "/notifications/preferences/")
    expect(page.locator("notification-bell [data-part=button]")).to_be_visible()
    page.goto(project.url + "/notifications/")
    expect(page.locator("inbox-page")).to_have_attribute("data-ready", "")
    people.close()


def test_the_page_about_the_api_is_whole_without_a_violation(browser: Browser, project: HostProject) -> None:
    people = People(browser, project)
    page = people("alice", "/api/v1/docs/")
    expect(page.get_by_role("heading", name="Count unread and unseen notifications")).to_be_visible()
    requested = page.evaluate("performance.getEntriesByType('resource').map((one) => new URL(one.name).origin)")
    assert {*requested} == {project.url}
    people.close()


def test_the_policy_is_as_strict_as_the_guide_says(project: HostProject) -> None:
    policy = project.visitor("alice").get("/").headers["Content-Security-Policy"]
    assert re.search(r"script-src 'nonce-[^']+'(;|$)", policy)
    assert "unsafe" not in policy


def _close(route: WebSocketRoute) -> None:
    route.close()
