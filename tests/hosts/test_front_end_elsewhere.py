"""The bell on a page of another origin, as the guide "A front end of your own" sets it up."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.hosts.conftest import StartProject
from tests.support.browser import People
from tests.support.host_project import HostProject
from tests.support.processes import ROOT, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SETTINGS = """
CSRF_TRUSTED_ORIGINS = ["{origin}"]
NOTIFICATIONS_HUB = {{"LIVE_ALLOWED_ORIGINS": ["{origin}"]}}
MIDDLEWARE = ["host.cors.AllowFrontEnd", *MIDDLEWARE]
"""
# What django-cors-headers does with CORS_ALLOWED_ORIGINS and CORS_ALLOW_CREDENTIALS.
CORS = """
from django.http import HttpResponse

class AllowFrontEnd:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        asks = request.method == "OPTIONS" and request.path.startswith("/api/")
        response = HttpResponse() if asks else self.get_response(request)
        if request.path.startswith("/api/"):
            response["Access-Control-Allow-Origin"] = "{origin}"
            response["Access-Control-Allow-Credentials"] = "true"
            response["Access-Control-Allow-Headers"] = "accept, content-type, x-csrftoken"
        return response
"""
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Elsewhere</title>
<script type="module" src="/elements.js"></script><notification-bell api="{site}/api/v1/"></notification-bell></html>"""
ELEMENTS = ROOT / "notifications_hub" / "static" / "notifications_hub" / "dist" / "elements.js"


class _FrontEnd(SimpleHTTPRequestHandler):
    def log_request(self, *args: object) -> None:
        """Keep requests out of the test's output."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the front end: a page and the script."""
    folder = tmp_path_factory.mktemp("pages")
    shutil.copy(ELEMENTS, folder)
    return folder


@pytest.fixture(scope="module")
def origin(pages: Path) -> Iterator[str]:
    """Serve the front end: browsers refuse a made-up page that asks this machine."""
    handler = partial(_FrontEnd, directory=str(pages))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def project(start_project: StartProject, origin: str, pages: Path) -> HostProject:
    files = {"settings.py": SETTINGS.format(origin=origin), "host/cors.py": CORS.format(origin=origin)}
    project = start_project(files=files)
    (pages / "index.html").write_text(PAGE.format(site=project.url))
    return project


def test_the_bell_counts_marks_and_hears_on_a_page_of_an_allowed_origin(
    project: HostProject, origin: str, browser: Browser
) -> None:
    people = People(browser, project)
    project.python('notify.send(person("bob"), recipient=person("alice"), verb="called", url="/x/")')
    page = people("alice", "/healthz")
    page.goto(origin)
    page.get_by_role("button", name="Notifications, 1 unread").click()
    panel = page.get_by_role("dialog", name="Notifications")
    expect(panel.locator("[data-part=state]")).to_have_attribute("data-state", "live")
    expect(panel.get_by_role("link", name="See all")).to_have_attribute("href", f"{project.url}/notifications/")

    panel.get_by_role("button", name="Mark as read: bob called").click()
    count = 'print(person("alice").notifications.unread().count())'
    wait_until(lambda: project.python(count).strip() == "0", what="the mark")

    page.keyboard.press("Escape")
    project.python('notify.send(person("bob"), recipient=person("alice"), verb="waved")')
    expect(page.locator("toast-stack").get_by_text("bob waved")).to_be_visible()
    people.close()
