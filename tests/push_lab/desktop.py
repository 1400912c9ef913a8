"""A desktop for notifications, `org.freedesktop.Notifications` on a D-Bus of its own.

Chromium hands notifications to it, in headless mode too. So a test sees and clicks exactly what a person would. The
browser counts it as a real click, after which a service worker may open windows.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from tests.push_lab.service import wait_for
from tests.support.processes import tool

_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:tmpdir={folder}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>"""
_NAME = "org.freedesktop.Notifications"
_CLOSED_BY_PROGRAM = 3

Strings = Annotated[list[str], DBusSignature("as")]
Hints = Annotated[dict[str, Any], DBusSignature("a{sv}")]
Server = Annotated[list[str], DBusSignature("ssss")]
Closed = Annotated[list[int], DBusSignature("uu")]
Nothing = Annotated[None, DBusSignature("")]
Invoked = Annotated[list[Any], DBusSignature("us")]


@dataclass(frozen=True)
class Shown:
    number: int
    title: str
    body: str
    buttons: dict[str, str]
    """Map labels of actions to the browser's names for them."""


class _Notifications(ServiceInterface):
    def __init__(self) -> None:
        super().__init__(_NAME)
        self.shown: dict[int, Shown] = {}
        self.titles: list[str] = []
        self._last = 0

    @dbus_method(name="GetCapabilities")
    def get_capabilities(self) -> Strings:
        return ["body", "actions", "persistence"]

    @dbus_method(name="GetServerInformation")
    def get_server_information(self) -> Server:
        return ["push-lab", "push-lab", "1.0", "1.2"]

    @dbus_method(name="Notify")
    def notify(  # noqa: PLR0917 -- the interface's own
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        summary: DBusStr,
        body: DBusStr,
        actions: Strings,
        hints: Hints,
        timeout: DBusInt32,
    ) -> DBusUInt32:
        self._last += 1
        number = replaces or self._last
        buttons = dict(zip(actions[1::2], actions[::2], strict=True))
        self.shown[number] = Shown(number, summary, body, buttons)
        self.titles.append(summary)
        return number

    @dbus_method(name="CloseNotification")
    def close_notification(self, number: DBusUInt32) -> Nothing:
        if self.shown.pop(number, None):
            self.closed(number, _CLOSED_BY_PROGRAM)

    @dbus_signal(name="NotificationClosed")
    def closed(self, number: int, reason: int) -> Closed:
        return [number, reason]

    @dbus_signal(name="ActionInvoked")
    def invoked(self, number: int, name: str) -> Invoked:
        return [number, name]


class Desktop:
    def __init__(self, loop: asyncio.AbstractEventLoop, address: str) -> None:
        self._loop = loop
        self.address = address
        self._interface = _Notifications()

    @classmethod
    @contextlib.contextmanager
    def in_thread(cls) -> Iterator[Self]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="desktop", daemon=True)
        thread.start()
        with _bus() as address:
            desktop = cls(loop, address)
            bus = asyncio.run_coroutine_threadsafe(desktop._start(), loop).result(10)
            try:
                yield desktop
            finally:
                loop.call_soon_threadsafe(bus.disconnect)
                # Run after the callbacks that the disconnect scheduled for the loop's next turn.
                loop.call_soon_threadsafe(loop.call_soon, loop.stop)
                thread.join(5)
                loop.close()

    @property
    def shown(self) -> list[Shown]:
        return list(self._interface.shown.values())

    @property
    def titles(self) -> list[str]:
        """The titles of all that was ever shown, in order."""
        return list(self._interface.titles)

    def wait(self, title: str, timeout: float = 30) -> Shown:
        return wait_for(lambda: [one for one in self.shown if one.title == title], timeout)[0]

    def click(self, notification: Shown) -> None:
        self._invoke(notification.number, "default")

    def press(self, notification: Shown, label: str) -> None:
        self._invoke(notification.number, notification.buttons[label])

    def _invoke(self, number: int, name: str) -> None:
        self._loop.call_soon_threadsafe(self._interface.invoked, number, name)

    async def _start(self) -> MessageBus:
        bus = await MessageBus(bus_address=self.address).connect()
        bus.export("/org/freedesktop/Notifications", self._interface)
        await bus.request_name(_NAME)
        return bus


@contextlib.contextmanager
def _bus() -> Iterator[str]:
    """Run a message bus, and yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = Path(folder, "bus.conf")
        configuration.write_text(_CONFIGURATION.format(folder=folder))
        command = [tool("dbus-daemon"), f"--config-file={configuration}", "--nofork", "--print-address"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.communicate(timeout=5)
