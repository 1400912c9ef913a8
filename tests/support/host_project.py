"""A small host project that runs: the README's recipe, people, a page with the bell, and what a neighbour needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.host import Host
from tests.support.live import WEBSOCKET, opened
from tests.support.live_client import LiveClient
from tests.support.processes import Closing
from tests.support.site import Visitor

NAMES = """
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from notifications.signals import notify
from notifications_hub import broadcast, publish, revoke
from notifications_hub.models import Delivery, Notification, Preference, PushSubscription
User = get_user_model()

def person(name):
    return User.objects.get(**{User.USERNAME_FIELD: name})
"""
PEOPLE = """
for name in ("alice", "bob", "charlie"):
    User.objects.create_user(name, password="demo")
"""


class HostProject(Closing):
    """A running project, accessible by HTTP, by live connections and by `python`."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.shell = host.shell()
        self.shell.python(NAMES)
        self.url = ""

    def migrate(self, *, people: str = PEOPLE) -> None:
        """Make the tables, and people with the password "demo"."""
        self.manage("migrate")
        self.python(people)

    def manage(self, command: str, *arguments: str) -> str:
        """Run a command in the project's shell, which saves the start of a process. Return its output."""
        return self.python(
            f"from django.core.management import call_command\ncall_command({command!r}, *{arguments!r})"
        )

    def start(self) -> None:
        self._program, self.url = self.host.serve()

    def python(self, code: str) -> str:
        return self.shell.python(code)

    def close(self) -> None:
        self.shell.close()
        if self.url:
            self._program.stop()

    @property
    def log(self) -> str:
        return (self.host.folder / "log").read_text()

    def visitor(self, name: str | None = None) -> Visitor:
        """Return a browser without scripts, signed in if a name is given."""
        visitor = Visitor(self.url)
        if name is not None:
            visitor.sign_in(name)
        return visitor

    @contextmanager
    def listening(self, visitor: Visitor, *topics: str, by: str = WEBSOCKET) -> Iterator[LiveClient]:
        """Open a connection that has received its catch-up."""
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        # An origin has no path, even if the project is in a folder.
        headers = {"Origin": "/".join(self.url.split("/")[:3])}
        with opened(by, self.url, cookie, topics=topics, headers=headers) as client:
            client.frame()
            yield client
