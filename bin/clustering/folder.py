"""The folder of a bin/cluster: keys, data, logs, configuration. Uses only the standard library."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from environment import PYTHON, ROOT, fail

LONGEST_PATH = 80
"""Characters. The path of a unix socket has at most 107 on Linux."""


@dataclass(frozen=True)
class Folder:
    path: Path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def configuration(self) -> Path:
        return self.path / "supervisord.conf"

    @property
    def socket(self) -> Path:
        return self.path / "supervisor.sock"

    @property
    def database(self) -> Path:
        return self.path / "postgres"

    @property
    def description(self) -> Path:
        """The file that says where everything is. It appears once all parts answer."""
        return self.path / "cluster.json"

    def log_of(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def last_lines(self, part: str) -> str:
        log = self.log_of(part)
        return log.read_text(errors="replace")[-4000:] if log.exists() else f"{log} does not exist"

    def answers(self, port: int) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def folder_of(given: Path | None) -> Iterator[Folder]:
    """Make the folder of a cluster. One that nobody named is removed at the end."""
    path = Path(tempfile.mkdtemp(prefix="hub-cluster-")) if given is None else given.resolve()
    if len(str(path)) > LONGEST_PATH:
        fail(f"the path {path} is too long for a socket; choose a --folder of at most {LONGEST_PATH} characters")
    folder = Folder(path)
    try:
        _make(folder)
        yield folder
    finally:
        if given is None:
            shutil.rmtree(path, ignore_errors=True)


def _make(folder: Folder) -> None:
    try:
        folder.logs.mkdir(parents=True, exist_ok=True)
        # PostgreSQL runs as another user, if this one is root, and only passes through.
        folder.path.chmod(0o711)
        folder.description.unlink(missing_ok=True)
    except OSError as error:
        fail(f"{folder.path} cannot be used ({error.strerror}); choose another --folder")


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The secrets of a cluster, kept in its folder so that sessions and subscriptions survive a restart."""

    secret_key: str
    vapid_private_key: str
    stores: str
    password: str

    @classmethod
    def kept_in(cls, folder: Folder, password: str | None) -> Keys:
        file = folder.path / "keys.json"
        if not file.exists():
            keys = cls(
                secret_key=secrets.token_urlsafe(50),
                vapid_private_key=_new_vapid_key(),
                stores=secrets.token_hex(16),
                password=password or secrets.token_urlsafe(9),
            )
            write_private(file, json.dumps(asdict(keys)))
        return cls(**{**json.loads(file.read_text()), **({"password": password} if password else {})})


def _new_vapid_key() -> str:
    command = [str(PYTHON), str(ROOT / "manage.py"), "hub_vapid", "--env"]
    environment = {**os.environ, "DEBUG": "1", "DJANGO_SETTINGS_MODULE": "config.settings"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        fail(f"no VAPID pair could be made:\n{run.stderr}")
    return dict(line.split("=", 1) for line in run.stdout.splitlines() if "=" in line)["VAPID_PRIVATE_KEY"]


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read. It appears complete or not at all."""
    draft = file.with_suffix(f".{os.getpid()}")
    with open(draft, "w", opener=lambda path, flags: os.open(path, flags, 0o600)) as opened:
        opened.write(text)
    draft.replace(file)


def write_description(folder: Folder, description: Mapping[str, object]) -> None:
    write_private(folder.description, json.dumps(description, indent=2))


# PostgreSQL


def database_owner() -> str | None:
    """Return the user that runs PostgreSQL, if this process is root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def postgres_program(name: str) -> str:
    """Return the path of a server program. Debian keeps those of each version apart and off the PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(installed[-1]) if installed else name


def make_database_files(folder: Folder, keys: Keys) -> None:
    """Create PostgreSQL's files, unless an earlier run has."""
    if (folder.database / "data" / "PG_VERSION").exists():
        return
    owner = database_owner()
    folder.database.mkdir(mode=0o700, exist_ok=True)
    password = folder.database / "password"
    write_private(password, keys.stores)
    if owner is not None:
        for path in (folder.database, password):
            shutil.chown(path, owner)
    options = ["-U", "hub", "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
    command = [postgres_program("initdb"), "-D", str(folder.database / "data"), *options, f"--pwfile={password}"]
    run = subprocess.run(command, cwd="/", user=owner, capture_output=True, text=True, check=False)
    password.unlink()
    if run.returncode != 0:
        fail(f"PostgreSQL's files could not be made in {folder.database}:\n{run.stderr}")
