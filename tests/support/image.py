"""An image built from a Dockerfile without Docker, and processes in it: a namespace of mounts, chroot and setpriv.

It knows the instructions that `deploy/Dockerfile` uses. All stages share one root folder, as they share one base. What
a registry would send (the base, the packages) is lent by this machine, read-only.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.processes import ROOT, Program, tool

BASE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def need_mounts() -> None:
    """Skip the test if this user may not mount: only root can make a read-only root."""
    allowed = subprocess.run([tool("unshare"), "--mount", "true"], capture_output=True, check=False).returncode == 0
    if os.geteuid() != 0 or not allowed:
        pytest.skip("needs root that may mount")


@dataclass(frozen=True)
class Box:
    """The limits of a process in an image. `tmpfs` maps folders to mount options, `volumes` folders to ours."""

    user: str = "0:0"
    environment: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, Path] = field(default_factory=dict)


class Image:
    """The root folder of an image, and what its Dockerfile declares."""

    def __init__(self, dockerfile: Path, root: Path, lent: Mapping[str, Path], *, leave_out: str = "") -> None:
        """Carry out the steps, except each RUN that contains the text `leave_out`."""
        self._root, self._lent, self._leave_out = root, lent, leave_out
        self._context = ROOT
        self._ignored = dockerfile.with_name(f"{dockerfile.name}.dockerignore").read_text().split("\n")
        root.chmod(0o755)
        for word, text in instructions(dockerfile.read_text()):
            getattr(self, f"_{word.lower()}", self._declare)(text)

    def command_line(self, command: Sequence[str], box: Box) -> list[str]:
        """Return the command that runs another one in the image. It keeps the process id."""
        user, group = box.user.split(":")
        drop = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
        drop += ["--bounding-set=-all", "--inh-caps=-all"]
        environment = [f"{name}={value}" for name, value in {**self.environment, **box.environment}.items()]
        inside = ["chroot", str(self._root), *drop, "env", "--ignore-environment", f"--chdir={self.folder}"]
        script = "\n".join(["set -e", *self._mounts(box), f"exec {shlex.join([*inside, *environment, *command])}"])
        return [tool("unshare"), "--mount", "sh", "-c", script]

    def run(self, command: Sequence[str], box: Box) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command_line(command, box), capture_output=True, text=True, check=False)

    def start(self, command: Sequence[str], box: Box, *, log: Path) -> Program:
        return Program(self.command_line(command, box), log=log)

    def _mounts(self, box: Box) -> Iterator[str]:
        root = shlex.quote(str(self._root))
        yield f"mount --bind {root} {root}"
        for there, ours in self._lent.items():
            place = f"{root}{there}"
            yield f"mkdir -p {place} && mount --bind {ours} {place} && mount -o remount,bind,ro {place}"
        for there in ("/dev", "/proc"):
            yield f"mkdir -p {root}{there} && mount --rbind {there} {root}{there}"
        for there, options in box.tmpfs.items():
            yield f"mkdir -p {root}{there} && mount -t tmpfs -o {shlex.quote(options or 'rw')} tmpfs {root}{there}"
        for there, ours in box.volumes.items():
            yield (
                f"mkdir -p {root}{there}"
                if ours.is_dir()
                else f"mkdir -p {root}{Path(there).parent} && touch {root}{there}"
            )
            yield f"mount --bind {ours} {root}{there}"
            if ours.is_file():
                yield f"mount -o remount,bind,ro {root}{there}"
        if box.read_only:
            yield f"mount -o remount,bind,ro {root}"

    # Instructions

    def _from(self, text: str) -> None:
        self.environment = {"PATH": BASE_PATH}
        self.user, self.folder = "0:0", "/"

    def _env(self, text: str) -> None:
        for pair in shlex.split(text):
            name, _, value = pair.partition("=")
            self.environment[name] = value.replace("$PATH", self.environment["PATH"])

    def _workdir(self, text: str) -> None:
        self.folder = text
        (self._root / text.strip("/")).mkdir(parents=True, exist_ok=True)

    def _copy(self, text: str) -> None:
        *sources, target = text.split()
        if sources[0].startswith("--from="):
            # The stages share a folder.
            assert sources[1:] == [target], text
            return
        place = self._root / self.folder.strip("/") / target
        for source in sources:
            given = self._context / source
            assert self._is_sent(source), f"{source} is left out by the .dockerignore"
            if given.is_dir():
                shutil.copytree(given, place, ignore=shutil.ignore_patterns("__pycache__", "*.map"), dirs_exist_ok=True)
            else:
                place.mkdir(parents=True, exist_ok=True)
                shutil.copy(given, place)

    def _is_sent(self, source: str) -> bool:
        return any(line == f"!{source}" for line in self._ignored)

    def _run(self, text: str) -> None:
        if self._leave_out and self._leave_out in text:
            return
        run = self.run(["sh", "-c", text], Box())
        assert run.returncode == 0, f"RUN {text}\n{run.stdout}{run.stderr}"

    def _user(self, text: str) -> None:
        self.user = text

    def _cmd(self, text: str) -> None:
        self.command: list[str] = json.loads(text)

    def _healthcheck(self, text: str) -> None:
        self.health: list[str] = json.loads(text.partition("CMD ")[2])

    def _declare(self, text: str) -> None:
        """Do nothing: ARG, LABEL, EXPOSE and STOPSIGNAL change no file."""


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield each instruction's word and arguments, its lines joined."""
    lines = "\n".join(line for line in dockerfile.splitlines() if not line.startswith("#"))
    for line in re.sub(r"\\\n\s*", "", lines).splitlines():
        if line.strip():
            word, _, text = line.partition(" ")
            yield word, text.strip()


def lent_by_this_machine(root: Path) -> dict[str, Path]:
    """Return the folders in place of a base image and of installed packages. Links are made in the root folder."""
    environment = Path(sys.prefix)
    lent = {"/usr": Path("/usr"), "/etc": Path("/etc"), "/opt/venv": environment.resolve()}
    for name in ("bin", "lib", "lib64", "sbin"):
        given = Path("/", name)
        if given.is_symlink():
            (root / name).symlink_to(given.readlink())
        elif given.exists():
            lent[f"/{name}"] = given
    # Scripts of the environment name its own path, and it has links to the Python that it was made with.
    lent[str(environment.resolve())] = environment.resolve()
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        lent[sys.base_prefix] = Path(sys.base_prefix)
    return lent
