"""The product as people run it: a server in its own process, on its own database."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import pytest
import requests

from tests.support.processes import ROOT, Program, accepts_connections, free_port, signal_each
from tests.support.warm import Conversation, run, start_warm

# The options of `hub_serve`, for applications that are not Django sites.
UVICORN = (
    *("--ws", "websockets-sansio", "--ws-per-message-deflate", "false", "--ws-max-size", "8192"),
    *("--timeout-graceful-shutdown", "5"),
)
HUB_SERVE = (str(ROOT / "manage.py"), "hub_serve")
BARE_UVICORN = ("-m", "uvicorn", "config.asgi:application")
PASSWORD = "demo"


class Served(Protocol):
    """A running site, of one process or of many."""

    url: str

    def python(self, code: str) -> str: ...

    def visitor(self, username: str | None = None) -> Visitor: ...


class WithShell:
    """A running site that a test visits, and whose database it reaches from a Django shell and `manage.py`."""

    url: str
    environment: dict[str, str]
    _shell: Shell | None = None

    def manage(self, *arguments: str) -> str:
        """Run `manage.py` with these arguments, which must succeed, and return its output."""
        return manage(*arguments, environment=self.environment)

    def python(self, code: str) -> str:
        """Run code in a Django shell beside the site, and return its output. Names last from call to call."""
        if self._shell is None:
            self._shell = Shell(self.environment)
        return self._shell.python(code)

    def close_shell(self) -> None:
        if self._shell is not None:
            self._shell.close()

    def visitor(self, username: str | None = None) -> Visitor:
        """Return a browser without scripts, signed in if a name is given."""
        visitor = Visitor(self.url)
        if username is not None:
            visitor.sign_in(username)
        return visitor


class Site(WithShell):
    """A running site with the demo people (alice, bob, charlie, admin), accessible by HTTP and by `python`."""

    def __init__(
        self,
        folder: Path,
        *,
        hub: Mapping[str, object],
        environment: Mapping[str, str],
        server: Sequence[str] = HUB_SERVE,
        address: str = "127.0.0.1",
    ) -> None:
        """Start the site. `server` is its command. The port takes the place of `{port}`, or comes last as `--port`.

        `address` is where others reach the server, which listens there if its command says so.
        """
        self.port = free_port()
        self._command = _command(server, self.port)
        self._address = address
        self.url = f"http://{address}:{self.port}"
        self._log = folder / f"site-{self.port}.log"
        self.environment = site_environment(hub=hub, **environment)
        self.start()

    @property
    def log(self) -> str:
        """The server's log so far."""
        return self._log.read_text(errors="replace")

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def process_id(self) -> int:
        return self._program.process.pid

    def start(self) -> None:
        """Start the server, also after `stop` or `kill`, on the same port and database."""
        start = start_warm if HUB_SERVE[0] in self._command else Program
        self._program = start(self._command, log=self._log, environment=self.environment)
        # A refused connection costs a fortieth of a refused request, and a start has dozens of them.
        self._program.wait_until_ready(lambda: accepts_connections(self.port, self._address) and is_healthy(self.url))

    def become(self, server: Sequence[str], **environment: str) -> None:
        """Stop the server, and start another command in its place, on the same port and database."""
        self.stop()
        self._command = _command(server, self.port)
        self.environment |= environment
        self.start()

    def stop(self) -> None:
        self._program.stop()

    def kill(self) -> None:
        """Kill the server at any instruction."""
        self._program.kill()

    def close(self) -> None:
        self.close_shell()
        self._program.kill()


class SharedSites:
    """Sites of a whole run. One that a test does not use stands still, because even an idle one uses the processor."""

    def __init__(self) -> None:
        self._sites: dict[str, Site] = {}

    @contextmanager
    def kept(self, request: pytest.FixtureRequest, site: Site) -> Iterator[Site]:
        """Keep the site of the requesting fixture until the end of the block, which closes it."""
        fixture = request.fixturename
        assert fixture
        self._sites[fixture] = site
        try:
            yield site
        finally:
            del self._sites[fixture]
            site.close()

    def wake(self, fixtures: Collection[str]) -> None:
        """Let the sites of these fixtures run, and no other."""
        for fixture, site in self._sites.items():
            signal_each([site.process_id], signal.SIGCONT if fixture in fixtures else signal.SIGSTOP)


def _command(server: Sequence[str], port: int) -> list[str]:
    named = [part.replace("{port}", str(port)) for part in server]
    return [sys.executable, *named, *(() if named != list(server) else ("--port", str(port)))]


def is_healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=30).status_code == HTTPStatus.OK
    except requests.RequestException:
        return False


class Shell:
    """A Django shell in an environment. Names last from call to call."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._conversation = Conversation(["-m", "tests.support.shell"], environment=environment)

    def python(self, code: str) -> str:
        """Run code, and return its output."""
        answer: dict[str, str] = json.loads(self._conversation.ask(json.dumps(textwrap.dedent(code))))
        assert "error" not in answer, answer["error"]
        return answer["output"]

    def close(self) -> None:
        self._conversation.close()


class Visitor:
    """An HTTP client with cookies that takes paths and sends the CSRF token."""

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


def reset_site(site: Site) -> None:
    """Mark everything read and confirmed, end announcements, and forget preferences, quiet hours and presence."""
    site.python("""
        from django.core.cache import cache
        from django.utils import timezone
        from notifications_hub.announcements.announce import withdraw
        from notifications_hub.kinds import DeliveryMethod
        from notifications_hub.models import Announcement, Notification, Preference, QuietHours
        for announcement in Announcement.objects.filter(withdrawn_at=None):
            withdraw(announcement)
        Notification.objects.all().mark_all_as_read()
        # What waits to be confirmed would stay above everything that a test sends.
        Notification.objects.filter(must_acknowledge=True, acknowledged_at=None).update(acknowledged_at=timezone.now())
        Notification.objects.filter(delivered_at=None).mark_as_delivered(DeliveryMethod.FLASH)
        Preference.objects.all().delete()
        QuietHours.objects.all().delete()
        cache.clear()
    """)


def site_environment(*, hub: Mapping[str, object] | None = None, **environment: str) -> dict[str, str]:
    """Return the environment of a test site, without the caller's own settings."""
    return {
        **inherited_environment(),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
        "DEBUG": "1",
        "TEST_NOTIFICATIONS_HUB": json.dumps(hub or {}),
        **environment,
    }


def inherited_environment() -> dict[str, str]:
    """Return the caller's paths and language, which every program needs, and no settings."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def manage(*arguments: str, environment: Mapping[str, str]) -> str:
    done = run([ROOT / "manage.py", *arguments], environment=environment)
    assert done.returncode == 0, f"manage.py {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}"
    return done.stdout
