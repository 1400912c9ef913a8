"""Orca, the screen reader of Linux desktops, on a screen and a D-Bus of its own."""

from __future__ import annotations

import re
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support.processes import Closing, Program, wait_until
from tests.support.site import inherited_environment

NEEDED = ("orca", "Xvfb", "dbus-daemon", "gsettings")
ACCESSIBILITY_BUS = Path("/usr/libexec/at-spi-bus-launcher")
SPOKEN = re.compile(r"SPEECH OUTPUT: '(.*?)'")


def missing() -> list[str]:
    """Return the programs that are not installed."""
    found = {name: shutil.which(name) for name in NEEDED}
    return [name for name in NEEDED if found[name] is None] + [
        str(path) for path in [ACCESSIBILITY_BUS] if not path.exists()
    ]


class Orca(Closing):
    """A running Orca. Programs started with `environment` are read by it, into a log and not into a loudspeaker."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running = ExitStack()
        self._debug = folder / "orca.debug"
        self.environment = {
            **inherited_environment(),
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_CURRENT_DESKTOP": "GNOME",
            "GTK_MODULES": "gail:atk-bridge",
        }

    def __enter__(self) -> Self:
        self._write_configuration()
        self.environment["DBUS_SESSION_BUS_ADDRESS"] = self._start_bus()
        self.environment["DISPLAY"] = self._start_screen()
        self._program("setting", "gsettings", "set", "org.gnome.desktop.interface", "toolkit-accessibility", "true")
        self._program("bus", str(ACCESSIBILITY_BUS), "--launch-immediately", "--a11y=1", "--screen-reader=1")
        self._program("orca", "orca", "--replace", f"--debug-file={self._debug}")
        wait_until(lambda: "Screen reader on." in self.spoken, seconds=60, what="Orca's greeting")
        return self

    def close(self) -> None:
        self._running.close()

    @property
    def spoken(self) -> list[str]:
        """All that Orca has said so far."""
        return SPOKEN.findall(self._debug.read_text(errors="replace")) if self._debug.exists() else []

    def _write_configuration(self) -> None:
        """Let speech-dispatcher speak through its dummy, which is silent and needs no sound card."""
        folder = self._folder / ".config" / "speech-dispatcher"
        folder.mkdir(parents=True)
        (folder / "speechd.conf").write_text('AddModule "dummy" "sd_dummy" ""\nDefaultModule dummy\n')

    def _start_bus(self) -> str:
        bus = self._program("dbus", "dbus-daemon", "--session", "--nofork", "--print-address=1")
        bus.wait_until_ready(lambda: "unix:" in bus.log.read_text())
        return next(line for line in bus.log.read_text().splitlines() if line.startswith("unix:"))

    def _start_screen(self) -> str:
        screen = self._program("screen", "Xvfb", "-displayfd", "1", "-screen", "0", "1280x900x24")
        screen.wait_until_ready(lambda: re.search(r"^\d+$", screen.log.read_text(), re.MULTILINE))
        return ":" + next(line for line in screen.log.read_text().splitlines() if line.isdecimal())

    def _program(self, name: str, *command: str) -> Program:
        program = Program(command, log=self._folder / f"{name}.log", environment=self.environment)
        self._running.callback(program.kill)
        return program
