"""A host whose static files lie elsewhere: on another origin without CORS, under signed addresses, as S3 has them."""

from __future__ import annotations

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.support.host import Host

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SETTINGS = """
STATIC_ROOT = BASE_DIR / "collected"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "host.storage.Signed"},
}
"""
STORAGE = """
from django.contrib.staticfiles.storage import StaticFilesStorage

class Signed(StaticFilesStorage):
    def url(self, name):
        return f"http://localhost:%d/{name}?X-Amz-Signature=abc&X-Amz-Expires=3600"
"""
PERSON = """
from django.core.management import call_command
call_command("collectstatic", interactive=False, verbosity=0)
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from notifications.signals import notify
dora = User.objects.create_user("dora")
notify.send(dora, recipient=dora, verb="arrived")
session = SessionStore()
session[SESSION_KEY] = str(dora.pk)
session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
session[HASH_SESSION_KEY] = dora.get_session_auth_hash()
session.create()
print(session.session_key)
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Print nothing."""


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[int]:
    """The port of a plain file server on another origin."""
    folder = tmp_path / "collected"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_pages_work_with_static_files_on_another_origin(
    browser: Browser, storage: int, tmp_path: Path, host_tables: Path
) -> None:
    host = Host(tmp_path)
    host.follow_the_readme()
    host.add("settings.py", SETTINGS)
    host.add("host/storage.py", STORAGE % storage)
    shutil.copy(host_tables, tmp_path / "db.sqlite3")
    shell = host.shell()
    session = shell.python(PERSON).strip()
    shell.close()
    program, address = host.serve()
    try:
        context = browser.new_context()
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.on("response", lambda response: problems.append(response.url) if response.status >= 400 else None)
        page.goto(f"{address}/notifications/")
        page.locator("notification-bell [data-part=button]").click()
        expect(page.locator("[data-part=panel] [data-part=title]")).to_have_text("dora arrived")
        expect(page.locator("[data-part=panel] [data-part=state]")).to_have_attribute("data-state", "live")
        icon = page.locator("[data-part=panel] [data-part=icon] svg").first.bounding_box()
        assert icon is not None
        assert icon["width"] > 5
        page.goto(f"{address}/notifications/preferences/")
        expect(page.locator("notification-bell [data-part=button]")).to_be_visible()
        context.close()
        assert [problem for problem in problems if not problem.endswith("/favicon.ico")] == []
    finally:
        program.kill()
