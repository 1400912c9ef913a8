"""A project in a folder of a larger site, behind nginx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.hosts.conftest import StartProject
from tests.support.browser import People
from tests.support.host_project import HostProject
from tests.support.live import EVERY
from tests.support.web import CONFIGURATION, Nginx

if TYPE_CHECKING:
    from playwright.sync_api import Browser


DOCTOR = """
import sys, types
from django.conf import settings
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from notifications_hub.ops.doctor import examine
wrong = sys.modules["wrong"] = types.ModuleType("wrong")

def server():
    return next(one for one in examine() if one.about == "server")
"""


@pytest.fixture(scope="module")
def project(start_project: StartProject) -> Iterator[HostProject]:
    project = start_project("A folder of a larger site", files={"settings.py": 'LOGIN_REDIRECT_URL = "/app/"\n'})
    port = int(project.url.rpartition(":")[2])
    with Nginx([port], CONFIGURATION.replace("location /", "location /app/")) as nginx:
        project.url = f"{nginx.url}/app"
        yield project


@pytest.mark.parametrize("by", EVERY)
def test_every_kind_of_connection_works(project: HostProject, by: str) -> None:
    with project.listening(project.visitor("alice"), by=by) as alice:
        project.python('notify.send(person("bob"), recipient=person("alice"), verb="waved")')
        assert alice.until("notification.created")["data"]["title"] == "bob waved"


def test_the_page_the_api_the_worker_and_the_files_stay_in_the_folder(browser: Browser, project: HostProject) -> None:
    people = People(browser, project)
    page = people("bob", "/")
    expect(page.locator("notification-bell [data-part=state]")).to_have_attribute("data-state", "live")
    scope = "navigator.serviceWorker.register(document.querySelector('push-keeper').getAttribute('sw'))"
    assert page.evaluate(f"{scope}.then(one => one.scope)") == f"{project.url}/"
    # Chromium asks for an icon at the root of every site.
    loaded = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
    assert len(loaded) >= 3
    assert [path for path in loaded if not path.startswith("/app/")] in ([], ["/favicon.ico"])
    people.close()


def test_the_doctor_notices_static_files_that_only_seem_to_be_served(project: HostProject) -> None:
    project.python(DOCTOR)
    assert project.python("print(server().good)") == "True"
    # With the README's line, Django would look below /app/app/static/.
    project.python('wrong.urlpatterns = staticfiles_urlpatterns(); settings.ROOT_URLCONF = "wrong"')
    assert 'add staticfiles_urlpatterns("/static/")' in project.python("print(server().words)")
