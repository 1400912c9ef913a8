"""A host's own service worker, in a real browser: it shows the hub's pushes, and nothing replaces it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from notifications_hub.transports.web_push import vapid
from tests.hosts.conftest import StartProject
from tests.push_lab.chromium import Pushes, chromium_with_desktop
from tests.push_lab.desktop import Desktop
from tests.support.host_project import HostProject

SETTINGS = 'NOTIFICATIONS_HUB = {{"VAPID_PRIVATE_KEY": {key!r}, "VAPID_SUBJECT": "mailto:ops@host.example"}}\n'
URLS = """
urlpatterns += [
    path(f"{name}.js", TemplateView.as_view(template_name=f"{name}.js", content_type="text/javascript"))
    for name in ("worker", "silent")
]
"""
WITHOUT_OURS = 'urlpatterns = [one for one in urlpatterns if getattr(one, "app_name", "") != "service_worker"]\n'
SILENT = 'self.addEventListener("install", () => self.skipWaiting());\n'
REGISTER = """async (url) => {
  await navigator.serviceWorker.register(url);
  await navigator.serviceWorker.ready;
}"""
# The browser maker's push service is on the Internet. Without it Chromium would try for minutes.
UNREACHABLE = "PushManager.prototype.subscribe = () => Promise.reject(new DOMException('no service', 'AbortError'))"
REGISTERED = "navigator.serviceWorker.getRegistration().then((one) => new URL(one.active.scriptURL).pathname)"
SHOWN = "navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.map((one) => one.title))"


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with (
        Desktop.in_thread() as desktop,
        chromium_with_desktop(tmp_path_factory.mktemp("browser") / "profile", desktop) as context,
    ):
        yield context


@pytest.fixture(scope="module")
def project(request: pytest.FixtureRequest, start_project: StartProject) -> HostProject:
    settings = SETTINGS.format(key=vapid.generate())
    files = {"settings.py": settings, "templates/silent.js": SILENT, "urls.py": URLS + request.param}
    return start_project("A service worker of your own", files=files)


mounted_or_not = pytest.mark.parametrize("project", ["", WITHOUT_OURS], ids=["both", "only the host's"], indirect=True)
mounted = pytest.mark.parametrize("project", [""], ids=["both"], indirect=True)


@pytest.fixture
def page(context: BrowserContext, project: HostProject) -> Iterator[Page]:
    cookies = project.visitor("alice").cookies
    context.add_cookies([{"name": name, "value": value, "url": project.url} for name, value in cookies.items()])
    page = context.new_page()
    page.add_init_script(UNREACHABLE)
    page.goto(f"{project.url}/notifications/preferences/")
    yield page
    page.close()


@mounted_or_not
def test_turning_pushes_on_keeps_the_hosts_worker_which_then_shows_them(page: Page) -> None:
    page.evaluate(REGISTER, "/worker.js")
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("push-subscription [data-state=service]")).to_be_visible(timeout=30_000)
    assert page.evaluate(REGISTERED) == "/worker.js"
    Pushes(page).deliver(json.dumps({"id": "1", "notification": {"title": "bob waved", "tag": "n1"}}))
    page.wait_for_function(f"{SHOWN}.then((titles) => titles.includes('bob waved'))")


@mounted
def test_a_worker_without_the_line_is_not_replaced_and_the_console_names_the_remedy(page: Page) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.evaluate(REGISTER, "/silent.js")
    page.get_by_role("button", name="Turn on").click()
    expect(page.locator("push-subscription [data-state=failed]")).to_be_visible(timeout=30_000)
    assert page.evaluate(REGISTERED) == "/silent.js"
    assert "Import service_worker/push.js into it" in " ".join(said)
