"""The requirements of the commands in bin/: a virtual environment, Debian packages, node_modules.

Uses only the standard library. A step is skipped if it was done before and its inputs have not changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn


@dataclass(frozen=True)
class Venv:
    """A virtual environment, and the Python that it is made with."""

    folder: Path
    base: str = sys.executable

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def version_of(self, package: str) -> str:
        """Return the version of an installed package."""
        code = f"from importlib.metadata import version; print(version({package!r}))"
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OWN = Venv(VENV)
PYTHON = OWN.python


def fail(reason: str) -> NoReturn:
    sys.exit(f"bin/{Path(sys.argv[0]).name}: {reason}")


def need_programs(programs: Mapping[str, str]) -> None:
    """Install the programs that are missing, as root, or fail. `programs` maps names to Debian packages."""
    missing = sorted({package for program, package in programs.items() if not _is_installed(program)})
    if missing:
        _install_debian_packages(missing)


def install_lock(lock: str, *, includes: tuple[str, ...] = (), venv: Venv = OWN) -> None:
    """Install the packages of a lock, by default into .venv. `includes` names locks that it contains entirely."""
    _make_venv(venv)
    if _is_taken(venv, lock):
        return
    print(f"Installing {lock} …", flush=True)
    arguments = ["--quiet", "--require-hashes", "-r", str(ROOT / lock)]
    if not _installed_by_uv(venv, arguments) and _call(_pip(venv, "install", *arguments)) != 0:
        fail(f"the packages of {lock} could not be installed (see above)")
    for done in (lock, *includes):
        _stamp_file(venv, done).write_text(_state_of(done))


def install_sdist(package: str, lock: str, *, venv: Venv = OWN) -> None:
    """Download the source archive of a locked package into `sdists/` of the environment. Wheels have no tests."""
    found = re.search(rf"^{package}==(\S+)(?: \\\n +--hash=\S+)+", (ROOT / lock).read_text(), re.MULTILINE)
    if found is None:
        fail(f"{lock} does not name {package}")
    folder = venv.folder / "sdists"
    if list(folder.glob(f"*-{found[1]}.tar.gz")):
        return
    print(f"Downloading the source of {package} …", flush=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write(found[0])
        wanted.flush()
        only_this = ["--quiet", "--no-deps", "--no-binary", package, "--require-hashes", "-r", wanted.name]
        if _call(_pip(venv, "download", *only_this, "--dest", str(folder))) != 0:
            fail(
                f"the source of {package} {found[1]} could not be downloaded (see above). Let pip reach an index that "
                f"has it, or put its .tar.gz into {folder} by hand."
            )


def install_node_modules(folder: Path = ROOT) -> None:
    """Install the packages of a folder's package-lock.json, by default of the repository's own."""
    stamp = folder / "node_modules" / ".package-lock.sha256"
    state = _state_of(str(folder / "package-lock.json"))
    if stamp.exists() and stamp.read_text() == state:
        return
    print(f"Installing {stamp.parent.relative_to(ROOT)} …", flush=True)
    if _call(["npm", "ci", "--silent", "--no-audit", "--no-fund"], folder) != 0:
        fail("npm ci failed (see above)")
    stamp.write_text(state)


def _is_installed(program: str) -> bool:
    # Debian keeps servers in sbin, which is not on every user's PATH, and PostgreSQL's in a folder for each version.
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    return bool(shutil.which(program, path=path) or list(Path("/usr/lib/postgresql").glob(f"*/bin/{program}")))


def need_unpacked(program: str, package: str) -> None:
    """Take one program out of a Debian package, into the environment. Installed, the package would start a service."""
    target = VENV / "bin" / program
    if target.exists() or shutil.which(program):
        return
    if not shutil.which("apt-get"):
        fail(f"{program} is missing; put it on the PATH (Debian has it in the package {package})")
    print(f"Unpacking {program} …", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        unpack = f"dpkg-deb --fsys-tarfile *.deb | tar -x ./usr/bin/{program}"
        steps = [["apt-get", "download", package], ["sh", "-c", unpack]]
        if os.geteuid() == 0:
            steps.insert(0, ["apt-get", "update"])
        for step in steps:
            run = subprocess.run(step, cwd=folder, capture_output=True, text=True, check=False)
            if run.returncode != 0:
                print(run.stdout, run.stderr, file=sys.stderr)
                fail(f"{program} could not be unpacked from the Debian package {package} (see above)")
        # Moved, not written: another run may unpack it too.
        copied = Path(shutil.copy2(Path(folder, "usr", "bin", program), f"{target}.{os.getpid()}"))
        copied.replace(target)


def _install_debian_packages(packages: list[str]) -> None:
    command = f"apt-get install -y --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        fail(f"programs are missing; install them with: sudo {command}")
    print(f"Installing {' '.join(packages)} …", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update"], command.split()):
        run = subprocess.run(step, env=environment, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            print(run.stdout, run.stderr, file=sys.stderr)
            fail(f"{' '.join(step)} failed (see above)")


def _make_venv(venv: Venv) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 -- the only line that an older Python reaches
        fail("Python 3.11 or newer is needed")
    made = venv.folder / ".made"
    if made.exists() and venv.python.exists():
        return
    # Debian packages this part of Python's standard library separately.
    if importlib.util.find_spec("ensurepip") is None:
        _install_debian_packages(["python3-venv"])
    print(f"Making {venv.folder.relative_to(ROOT)} …", flush=True)
    if _call([venv.base, "-m", "venv", "--clear", str(venv.folder)]) != 0:
        fail("the virtual environment could not be made (see above)")
    made.touch()


def _installed_by_uv(venv: Venv, arguments: list[str]) -> bool:
    """Install by uv, in seconds instead of half a minute. Return False if it fails: only pip may know a mirror."""
    uv = venv.folder / "bin" / "uv"
    own_lock = ["--quiet", "--require-hashes", "-r", str(ROOT / "bin" / "uv.txt")]
    if not uv.exists() and _call(_pip(venv, "install", *own_lock)) != 0:
        return False
    return _call([str(uv), "pip", "install", "--python", str(venv.python), *arguments]) == 0


def _pip(venv: Venv, *arguments: str) -> list[str]:
    return [str(venv.python), "-m", "pip", "--disable-pip-version-check", *arguments]


def _call(command: list[str], folder: Path = ROOT) -> int:
    return subprocess.run(command, cwd=folder, check=False).returncode


def _is_taken(venv: Venv, lock: str) -> bool:
    stamp = _stamp_file(venv, lock)
    return stamp.exists() and stamp.read_text() == _state_of(lock)


def _stamp_file(venv: Venv, lock: str) -> Path:
    return venv.folder / f".{lock}.sha256"


def _state_of(lock: str) -> str:
    content = (ROOT / lock).read_bytes() + sys.version.encode()
    return hashlib.sha256(content).hexdigest()
