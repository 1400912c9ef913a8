"""The services of `deploy/compose.yaml`, run without Docker: what a file of compose says of each, in one image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.image import Box, Image
from tests.support.processes import ROOT, Closing, Program

DEPLOY = ROOT / "deploy"


def program(name: str) -> str:
    """Return the path of a program that a Python package brings."""
    found = Path(sys.executable).with_name(name)
    assert found.exists(), f"{name} is not installed; bin/test installs what tests need"
    return str(found)


def copied(folder: Path, secrets: Mapping[str, str]) -> Path:
    """Copy compose.yaml into a folder with settings and secrets, as an operator prepares it. Return its path."""
    folder.chmod(0o755)
    shutil.copy(DEPLOY / "compose.yaml", folder)
    shutil.copy(DEPLOY / "hub.env.example", folder / "hub.env")
    (folder / "secrets").mkdir()
    for name, value in secrets.items():
        (folder / "secrets" / name).write_text(f"{value}\n")
    return folder / "compose.yaml"


def configuration(file: Path) -> dict[str, Any]:
    """Return the configuration as Docker Compose itself reads it."""
    command = [program("docker-compose"), "--file", str(file), "config", "--format", "json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    read: dict[str, Any] = json.loads(run.stdout)
    return read


class Services(Closing):
    """Running services. `changed` replaces values of their environment, such as addresses of servers."""

    def __init__(self, file: Path, image: Image, folder: Path, changed: Mapping[str, str]) -> None:
        self._configuration, self._image, self._folder, self._changed = configuration(file), image, folder, changed
        self._started: list[Program] = []
        self.sockets = folder / "sockets"
        self.sockets.mkdir()
        os.chown(self.sockets, *(int(number) for number in image.user.split(":")))

    def run(self, service: str, *command: str) -> str:
        """Run a service to its end, or another command in its place, which must succeed. Return its output."""
        run = self._image.run(command or self._command(service), self._box(service))
        assert run.returncode == 0, f"{service} {command}:\n{run.stdout}{run.stderr}"
        return run.stdout

    def refuses(self, service: str, *command: str) -> str:
        """Run a command that must fail. Return its error output."""
        run = self._image.run(command, self._box(service))
        assert run.returncode != 0, f"{service} {command}:\n{run.stdout}"
        return run.stderr

    def succeeds(self, service: str, command: Sequence[str]) -> bool:
        return self._image.run(command, self._box(service)).returncode == 0

    def start(self, service: str, *, after: str = "") -> Program:
        """Start a service. Return once it is healthy, if it has a check.

        The first check comes when the log has the text `after`. Each one is a process that may start Django.
        """
        started = self.start_other(service, self._command(service))
        started.wait_until_ready(lambda: after in started.log.read_text(errors="replace"))
        check = self._of(service)["healthcheck"]
        if not check.get("disable"):
            kind, *command = check["test"]
            command = ["sh", "-c", _plain(command[0])] if kind == "CMD-SHELL" else command
            started.wait_until_ready(lambda: self.succeeds(service, command))
        return started

    def start_other(self, service: str, command: Sequence[str]) -> Program:
        """Start another command in place of a service's own."""
        log = self._folder / f"{service}-{len(self._started)}.log"
        self._started.append(self._image.start(command, self._box(service), log=log))
        return self._started[-1]

    def close(self) -> None:
        for started in self._started:
            started.kill()

    def _of(self, service: str) -> dict[str, Any]:
        found: dict[str, Any] = self._configuration["services"][service]
        return found

    def _command(self, service: str) -> list[str]:
        return [_plain(part) for part in self._of(service)["command"]]

    def _box(self, service: str) -> Box:
        declared = self._of(service)
        secrets = {f"/run/secrets/{one['source']}": one["source"] for one in declared.get("secrets", ())}
        files = {there: Path(self._configuration["secrets"][name]["file"]) for there, name in secrets.items()}
        return Box(
            user=declared.get("user", self._image.user),
            environment={**declared["environment"], "HOSTNAME": os.uname().nodename, **self._changed},
            read_only=declared["read_only"],
            tmpfs=dict(one.partition(":")[::2] for one in declared["tmpfs"]),
            volumes={**files, **{one["target"]: self.sockets for one in declared.get("volumes", ())}},
        )


def _plain(text: str) -> str:
    """Undo the doubling of `$`, which marks that compose shall not replace it."""
    return text.replace("$$", "$")
