"""The product as people run it: a server in a process of its own, on a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path

import requests

from tests.support.processes import ROOT, Program, free_port

# As `hub_serve` has it, for what is no Django site.
UVICORN = (
    *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "8192"),
    *("--timeout-graceful-shutdown", "5"),
)
HUB_SERVE = (str(ROOT / "manage.py"), "hub_serve")
BARE_UVICORN = ("-m", "uvicorn", "config.asgi:application")
PASSWORD = "demo"


class Site:
    """A running site with the demo people (alice, bob, charlie, admin), reached by HTTP and by `python`."""

    def __init__(
        self,
        folder: Path,
        *,
        hub: Mapping[str, object],
        environment: Mapping[str, str],
        server: Sequence[str] = HUB_SERVE,
    ) -> None:
        """`server` is the command that starts it, without its port."""
        self._server = [sys.executable, *server]
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"site-{self.port}.log"
        self.environment = site_environment(hub=hub, **environment)
        self._shell: Shell | None = None
        self.start()

    @property
    def log(self) -> str:
        """Everything it has said so far."""
        return self._log.read_text(errors="replace")

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def process_id(self) -> int:
        return self._program.process.pid

    def start(self) -> None:
        """Start it, again after `stop` or `kill` too, at the same address and on the same database."""
        self._program = Program([*self._server, "--port", str(self.port)], log=self._log, environment=self.environment)
        self._program.wait_until_ready(self._is_healthy)

    def stop(self) -> None:
        self._program.stop()

    def kill(self) -> None:
        """End the server at any instruction."""
        self._program.kill()

    def close(self) -> None:
        if self._shell is not None:
            self._shell.close()
        self._program.kill()

    def manage(self, *arguments: str) -> str:
        """What `manage.py` with these arguments prints; it must succeed."""
        return manage(*arguments, environment=self.environment)

    def python(self, code: str) -> str:
        """What code prints when it is run in a Django shell beside the server, whose names last from call to call."""
        if self._shell is None:
            self._shell = Shell(self.environment)
        return self._shell.python(code)

    def visitor(self, username: str | None = None) -> Visitor:
        """A browser without scripts, signed in when a name is given."""
        visitor = Visitor(self.url)
        if username is not None:
            visitor.sign_in(username)
        return visitor

    def _is_healthy(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).status_code == HTTPStatus.OK
        except requests.RequestException:
            return False


class Shell:
    """A Django shell of an environment, whose names last from call to call."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.shell"],
            cwd=ROOT,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def python(self, code: str) -> str:
        """What code prints."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(textwrap.dedent(code)) + "\n")
        self._process.stdin.flush()
        answer: dict[str, str] = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["output"]

    def close(self) -> None:
        self._process.communicate()


class Visitor:
    """HTTP with cookies, paths in place of addresses, and the CSRF token sent along."""

    def __init__(self, site_url: str) -> None:
        self._site_url = site_url
        self._session = requests.Session()

    @property
    def cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._session.cookies}

    def sign_in(self, username: str, password: str = PASSWORD) -> None:
        self.get("/accounts/login/")
        page = self.post("/accounts/login/", data={"username": username, "password": password})
        assert "sessionid" in self.cookies, f"{username} could not sign in: {page.status_code}"

    def get(self, path: str, **options: object) -> requests.Response:
        return self._request("GET", path, options)

    def post(self, path: str, **options: object) -> requests.Response:
        return self._request("POST", path, options)

    def delete(self, path: str, **options: object) -> requests.Response:
        return self._request("DELETE", path, options)

    def _request(self, method: str, path: str, options: dict[str, object]) -> requests.Response:
        headers = {"X-CSRFToken": self.cookies.get("csrftoken", "")}
        arguments: dict[str, object] = {"timeout": 30, "headers": headers, **options}
        return self._session.request(method, self._site_url + path, **arguments)  # type: ignore[arg-type]


def settle(site: Site) -> None:
    """Everything was read and told, no announcement runs, nobody has preferences or is known to have a page open."""
    site.python("""
        from django.core.cache import cache
        from notifications_hub.announcements.announce import withdraw
        from notifications_hub.kinds import DeliveryMethod
        from notifications_hub.models import Announcement, Notification, Preference
        for announcement in Announcement.objects.filter(withdrawn_at=None):
            withdraw(announcement)
        Notification.objects.all().mark_all_as_read()
        Notification.objects.filter(delivered_at=None).mark_as_delivered(DeliveryMethod.FLASH)
        Preference.objects.all().delete()
        cache.clear()
    """)


def site_environment(*, hub: Mapping[str, object] | None = None, **environment: str) -> dict[str, str]:
    """The environment of a site for tests: nothing of the caller's own settings but its paths."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DEBUG": "1",
        "TEST_NOTIFICATIONS_HUB": json.dumps(hub or {}),
        **environment,
    }


def manage(*arguments: str, environment: Mapping[str, str]) -> str:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    run = subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{run.stdout}{run.stderr}"
    return run.stdout
